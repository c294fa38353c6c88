//! `cargo xtask build`: the Worker, compiled into `build/`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::build_stamp::Stamp;
use crate::project::Project;
use crate::setup::rust_target::{TARGET, WasmToolchain};
use crate::setup::{self, cargo_tools};

/// What the Worker is made from. `wrangler.toml` is not among it: it tells how the Worker is run.
const INPUTS: &[&str] =
    &["src", "protocol/src", "protocol/Cargo.toml", "Cargo.toml", "Cargo.lock", "package-lock.json", ".cargo"];

/// Sets up what compiling the Worker needs, and compiles it, while no other command of this checkout does.
pub(crate) fn set_up_and_build(project: &Project) -> Result<()> {
    setup::under_lock(project, |project| {
        let toolchain = setup::for_build(project)?;
        build(project, &toolchain)
    })
}

/// Compiles the Worker, unless `build/` was made from just these sources by just these tools.
///
/// The caller holds the lock of [`setup::under_lock`].
pub(crate) fn build(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let stamp = stamp(project, toolchain)?;
    if project.path("build/index.js").is_file() && stamp.is_current() {
        return Ok(());
    }
    compile(project, toolchain)?;
    stamp.store()
}

/// Compiles the Worker as [`build`] does, and gives back the module that Cargo made on the way. Unlike the one in
/// `build/`, which wasm-opt has inlined once more, it has every function under the compiler's own name for it.
///
/// The caller holds the lock of [`crate::setup::under_lock`].
pub(crate) fn build_with_names(project: &Project, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let module = project.target().join(TARGET).join("release/oncegate.wasm");
    if !module.is_file() {
        // `cargo clean` removes it, but leaves what is in `build/`.
        compile(project, toolchain)?;
    }
    build(project, toolchain)?;
    Ok(module)
}

fn compile(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    eprintln!("building the Worker into build/ (about a minute when all is new)");
    let mut command = crate::run::command(project, project.cargo_tool("worker-build"));
    toolchain.select(&mut command);
    command
        // Without the package's name, Cargo would build the workspace's default members.
        .args(["--release", "--", "--package", "oncegate"])
        // After a mistake in the sources, the compiler's message should not be followed by worker-build's own stack.
        .env("RUST_BACKTRACE", "0")
        // worker-build would download each of these that is not named.
        .env("WASM_BINDGEN_BIN", project.cargo_tool("wasm-bindgen"))
        .env("ESBUILD_BIN", project.npm_program("esbuild"));
    crate::run::to_the_end(&mut command).context("the Worker could not be built")?;
    if !project.path("build/index.js").is_file() {
        bail!("worker-build did not write build/index.js");
    }
    shrink(project)
}

/// What rustc's Wasm may use, so that wasm-opt writes nothing that workerd does not read.
const FEATURES: &[&str] = &[
    "mutable-globals",
    "sign-ext",
    "nontrapping-float-to-int",
    "bulk-memory",
    "multivalue",
    "reference-types",
    "exception-handling",
];

/// Makes `build/index_bg.wasm` as small as wasm-opt can. It also loses the functions' names, a fifth of it: a panic says in
/// which file and line it was (`src/platform/panic.rs`).
fn shrink(project: &Project) -> Result<()> {
    let (module, smaller) = (project.path("build/index_bg.wasm"), project.path("build/index_bg.smaller.wasm"));
    let mut command = crate::run::command(project, project.npm_program("wasm-opt"));
    command
        .args(["-Oz", "--converge"])
        // What it would inline makes the module shorter, but longer once compressed, which is how it is stored and sent.
        .arg("--one-caller-inline-max-function-size=30")
        // The stack ends in the lowest kilobyte: nothing is there that an offset from address 0 would reach.
        .arg("--low-memory-unused")
        .args(["--strip-debug", "--strip-producers", "--strip-target-features"])
        .args(FEATURES.iter().map(|feature| format!("--enable-{feature}")))
        .args([module.as_os_str(), "-o".as_ref(), smaller.as_os_str()]);
    crate::run::to_the_end(&mut command).context("wasm-opt could not shrink the Worker")?;
    fs::rename(&smaller, &module).with_context(|| format!("writing {}", module.display()))
}

fn stamp(project: &Project, toolchain: &WasmToolchain) -> Result<Stamp> {
    let inputs: Vec<PathBuf> = INPUTS.iter().map(|input| project.path(input)).collect();
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let settings = [cargo_tools::WORKER_BUILD.version, cargo_tools::WASM_BINDGEN.version, toolchain.name(), &flags];
    Stamp::of(project.path("build").join(".made-from"), &inputs, &settings)
}

/// The files of the built Worker: the module that starts it and what it imports.
pub(crate) fn modules(project: &Project) -> Vec<PathBuf> {
    ["index.js", "index_bg.wasm"].iter().map(|name| project.path("build").join(name)).collect()
}
