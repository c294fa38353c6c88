//! What `cargo install` brings, under `target/tools`.

use std::fs;

use anyhow::{Context, Result};

use crate::project::Project;

/// A program that `cargo install` brings, pinned.
pub(crate) struct CargoTool {
    package: &'static str,
    pub(crate) program: &'static str,
    pub(crate) version: &'static str,
    purpose: &'static str,
    /// Whether it is compiled as its authors release it, however long that takes: it is what is measured.
    is_measured: bool,
}

/// Pinned to the same version as the crate `wasm-bindgen` of the root package: the two speak a private format.
pub(crate) const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    program: "wasm-bindgen",
    version: "0.2.129",
    purpose: "to turn the compiled Wasm into a module (about 2 minutes)",
    is_measured: false,
};

/// Builds Workers that are made with the crate `worker`, for the tests of the gate inside of one.
pub(crate) const WORKER_BUILD: CargoTool = CargoTool {
    package: "worker-build",
    program: "worker-build",
    version: "0.8.7",
    purpose: "to build a Worker that has the gate inside (about 2 minutes)",
    is_measured: false,
};

pub(crate) const CARGO_FUZZ: CargoTool = CargoTool {
    package: "cargo-fuzz",
    program: "cargo-fuzz",
    version: "0.13.2",
    purpose: "to build the fuzz targets (about 1 minute)",
    is_measured: false,
};

pub(crate) const CARGO_MUTANTS: CargoTool = CargoTool {
    package: "cargo-mutants",
    program: "cargo-mutants",
    version: "27.1.0",
    purpose: "to change protocol/ a little, many times (about 2 minutes)",
    is_measured: false,
};

/// Another gate, written in Rust, that the bench compares Oncegate with.
pub(crate) const IDEMPOTENT_PROXY_SERVER: CargoTool = CargoTool {
    package: "idempotent-proxy-server",
    program: "idempotent-proxy-server",
    version: "1.2.2",
    purpose: "to compare the gate with it (about 3 minutes)",
    is_measured: true,
};

/// Installs those of `tools` that are missing or of another version.
pub(crate) fn ensure(project: &Project, tools: &[&CargoTool]) -> Result<()> {
    for tool in tools {
        if !is_installed(project, tool) {
            install(project, tool)?;
        }
    }
    Ok(())
}

/// Asks the list that `cargo install` keeps, because starting every program at every start of xtask would take longer.
fn is_installed(project: &Project, tool: &CargoTool) -> bool {
    let list = fs::read_to_string(project.target().join("tools/.crates.toml")).unwrap_or_default();
    list.contains(&format!("\"{} {} (", tool.package, tool.version)) && project.cargo_tool(tool.program).is_file()
}

fn install(project: &Project, tool: &CargoTool) -> Result<()> {
    let CargoTool { package, version, purpose, .. } = tool;
    eprintln!("installing {package} {version} into target/tools, {purpose}");
    let mut command = crate::run::command(project, "cargo");
    command
        .args(["install", "--locked", "--root"])
        .arg(project.target().join("tools"))
        // Shared by the tools, because they have many dependencies in common.
        .arg("--target-dir")
        .arg(project.target().join("tools-build"))
        .args(["--version", &format!("={version}"), package]);
    if !tool.is_measured {
        // Compiling it takes much longer than all that it will ever do.
        for (setting, value) in [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
            command.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
    }
    crate::run::to_the_end(&mut command).with_context(|| {
        format!(
            "{package} {version} is needed {purpose}; where this machine cannot install it, do it by hand with \
             `cargo install --locked --root target/tools --version ={version} {package}`"
        )
    })
}
