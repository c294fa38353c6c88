//! `cargo xtask check`: what can be said about the sources without running them.

use anyhow::Result;

use crate::project::Project;
use crate::setup::rust_target::{TARGET, WasmToolchain};
use crate::stages::Stages;
use crate::{purity, reference, setup};

/// The example of the gate inside a Worker, and the crate for that: a workspace of their own.
const LIBRARY: &str = "examples/inside-workers-rs/Cargo.toml";

/// Runs every check, and fails if one does.
pub(crate) fn run(project: &Project) -> Result<()> {
    let toolchain = setup::under_lock(project, setup::for_check)?;
    let wasm = Cargo { project, toolchain: &toolchain };
    let host = Cargo { project, toolchain: &WasmToolchain::Usual };
    let mut stages = Stages::default();
    stages.run("formatting", || {
        host.run(&["fmt", "--all", "--check"])?;
        host.run(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])?;
        host.run(&["fmt", "--manifest-path", "tests/clients/reqwest-retry/Cargo.toml", "--check"])?;
        host.run(&["fmt", "--manifest-path", LIBRARY, "--package", "inside-workers-rs", "--check"])?;
        host.run(&["fmt", "--manifest-path", LIBRARY, "--package", "oncegate-workers-rs", "--check"])
    });
    stages.run("clippy, for this machine", || {
        host.run(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    stages.run("clippy, for Wasm", || {
        wasm.run(&[
            "clippy",
            "--quiet",
            "--package",
            "oncegate",
            "--all-targets",
            "--target",
            TARGET,
            "--",
            "-D",
            "warnings",
        ])?;
        wasm.run(&["clippy", "--quiet", "--package", "oncegate-protocol", "--target", TARGET, "--", "-D", "warnings"])
    });
    stages.run("clippy and documentation, for the gate inside a Worker", || {
        let all =
            ["--quiet", "--locked", "--manifest-path", LIBRARY, "--target-dir", "target/library", "--target", TARGET];
        wasm.run(&[&["clippy", "--workspace"], &all[..], &["--", "-D", "warnings"]].concat())?;
        wasm.run(&[&["doc", "--no-deps", "--package", "oncegate-workers-rs"], &all[..]].concat())
    });
    stages
        .run("documentation", || host.run(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]));
    stages.run("the reference of all settings", || reference::check(project));
    stages.run("purity of protocol/: dependencies", || purity::check_dependencies(project, &toolchain));
    stages.run("purity of protocol/: imports of its Wasm", || purity::check_imports(project, &toolchain));
    stages.conclude()
}

/// Cargo, with one of the toolchains.
struct Cargo<'a> {
    project: &'a Project,
    toolchain: &'a WasmToolchain,
}

impl Cargo<'_> {
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let mut command = crate::run::command(self.project, "cargo");
        self.toolchain.select(&mut command);
        // The documentation is for those who work on it, so what is private is in it and may be linked to.
        command.args(arguments).env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
        crate::run::showing(&mut command)
    }
}
