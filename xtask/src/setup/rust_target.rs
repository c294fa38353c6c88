//! A Rust toolchain that compiles to Wasm: rustup's, or, where rustup can fetch nothing, Debian's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::setup::debian_toolchain;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The toolchain that compiles to Wasm.
#[derive(Debug)]
pub(crate) enum WasmToolchain {
    /// The one that compiles everything else too.
    Usual,
    /// Debian's, by the folder with its programs, and the linker it takes.
    Debian { programs: PathBuf, linker: PathBuf },
}

impl WasmToolchain {
    /// Tells toolchains apart, in what is remembered about a build.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Debian { .. } => "debian",
        }
    }

    /// Makes `command`, which runs Cargo, compile with this toolchain.
    pub(crate) fn select(&self, command: &mut Command) {
        let Self::Debian { programs, linker } = self else {
            return;
        };
        let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
        let path = path.map(Into::into).or_else(|| std::env::var_os("PATH"));
        command
            .env("PATH", crate::run::path_with_first(programs, path))
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        // What rustup and Cargo set for this process names the usual toolchain.
        for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
            command.env_remove(name);
        }
    }
}

/// Finds the toolchain, or installs what it lacks.
pub(crate) fn ensure(project: &Project) -> Result<WasmToolchain> {
    if usual_has_target(project) {
        return Ok(WasmToolchain::Usual);
    }
    if let Some(toolchain) = debian_toolchain::find(project) {
        return Ok(toolchain);
    }
    eprintln!("adding the Rust target {TARGET}, because Workers run Wasm");
    let added = add_with_rustup(project);
    if added.is_ok() && usual_has_target(project) {
        return Ok(WasmToolchain::Usual);
    }
    eprintln!("rustup cannot add it here, so Debian's toolchain will compile the Wasm");
    debian_toolchain::install(project).context(
        "compiling to Wasm needs the Rust target wasm32-unknown-unknown: install it with \
         `rustup target add wasm32-unknown-unknown`, or, on Debian, let root run this command once",
    )
}

fn usual_has_target(project: &Project) -> bool {
    let mut command = crate::run::command(project, "rustc");
    command.args(["--print", "target-libdir", "--target", TARGET]);
    crate::run::output(&mut command).is_ok_and(|directory| has_std(Path::new(directory.trim())))
}

/// Whether `directory` holds the standard library.
pub(crate) fn has_std(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libstd-") && name.to_string_lossy().ends_with(".rlib")
    })
}

fn add_with_rustup(project: &Project) -> Result<()> {
    let mut command = crate::run::command(project, "rustup");
    command.args(["target", "add", TARGET]);
    // One retry: where nothing can be fetched, rustup would otherwise try for minutes. And its own stack helps nobody.
    command.env("RUSTUP_MAX_RETRIES", "1").env("RUST_BACKTRACE", "0");
    crate::run::to_the_end(&mut command)
}
