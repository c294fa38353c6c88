//! The nightly compiler, which fuzzing needs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;

/// A nightly compiler.
#[derive(Debug)]
pub(crate) struct Nightly {
    host: String,
}

impl Nightly {
    /// Finds it. Installing a toolchain is for the person whose machine it is.
    pub(crate) fn find(project: &Project) -> Result<Self> {
        let mut command = crate::run::command(project, "rustc");
        select(&mut command);
        // What rustup says where it has none is no help.
        let described = command.args(["--version", "--verbose"]).output().map(|output| output.stdout);
        let host = host_of_nightly(&String::from_utf8_lossy(&described.unwrap_or_default())).context(
            "fuzzing needs a nightly compiler, because only that can say which code an input has reached: install it with \
             `rustup toolchain install nightly`",
        )?;
        Ok(Self { host })
    }

    /// For what it compiles.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Makes `command`, which runs Cargo, compile with it.
    pub(crate) fn select(&self, command: &mut Command) {
        select(command);
    }
}

fn select(command: &mut Command) {
    command.env("RUSTUP_TOOLCHAIN", "nightly");
    // What rustup and Cargo set for this process names the usual toolchain.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
}

/// The host, of what `rustc --version --verbose` prints, where that is a nightly compiler.
fn host_of_nightly(described: &str) -> Option<String> {
    let field = |name: &str| described.lines().find_map(|line| line.strip_prefix(name));
    field("release: ").filter(|release| release.ends_with("-nightly"))?;
    field("host: ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_nightly_compiler_will_do() {
        let described = |release: &str| format!("rustc 1.97.0\nhost: x86_64-unknown-linux-gnu\nrelease: {release}\n");
        assert_eq!(host_of_nightly(&described("1.97.0-nightly")).as_deref(), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host_of_nightly(&described("1.97.0")), None);
        assert_eq!(host_of_nightly(""), None);
    }
}
