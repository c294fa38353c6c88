//! `cargo xtask build`: the Worker, compiled into `build/`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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
    if modules(project).iter().all(|file| file.is_file()) && stamp.is_current() {
        return Ok(());
    }
    // What is written from here on is of these sources, and of no others until all of it is.
    stamp.forget()?;
    compile(project, toolchain)?;
    stamp.store()
}

/// Compiles the Worker as [`build`] does, and gives back the module that Cargo made on the way. Unlike the one in
/// `build/`, which wasm-opt has inlined once more, it has every function under the compiler's own name for it.
///
/// The caller holds the lock of [`crate::setup::under_lock`].
pub(crate) fn build_with_names(project: &Project, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let module = module(project);
    if !module.is_file() {
        // `cargo clean` removes it, but leaves what is in `build/`.
        stamp(project, toolchain)?.forget()?;
    }
    build(project, toolchain)?;
    Ok(module)
}

/// From the sources to `build/`: Cargo makes a module, wasm-bindgen what JavaScript needs to call it and be called, wasm-opt makes the
/// module small, and esbuild makes one file of all JavaScript.
fn compile(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    eprintln!("building the Worker into build/ (about a minute when all is new)");
    let mut cargo = crate::run::command(project, "cargo");
    toolchain.select(&mut cargo);
    // Without the package's name, Cargo would build the workspace's default members.
    cargo.args(["build", "--release", "--lib", "--package", "oncegate", "--target", TARGET]);
    crate::run::to_the_end(&mut cargo).context("the Worker could not be built")?;

    let glue = project.target().join("worker");
    bind(project, &glue)?;
    fs::create_dir_all(project.path("build")).context("creating build/")?;
    shrink(project, &glue.join("index_bg.wasm"))?;
    let console = project.target().join("console-files");
    bundle_console(project, &console)?;
    bundle(project, &glue, &console)
}

/// Writes the module, and the JavaScript around it, to `glue`.
fn bind(project: &Project, glue: &Path) -> Result<()> {
    let mut command = crate::run::command(project, project.cargo_tool("wasm-bindgen"));
    command
        .args(["--target", "module", "--out-name", "index", "--no-typescript"])
        // So that the Wasm can be started anew after a panic (`src/platform/panic.rs`).
        .args(["--experimental-reset-state-function", "--force-enable-abort-handler"])
        .args(["--out-dir".as_ref(), glue.as_os_str(), module(project).as_os_str()]);
    crate::run::to_the_end(&mut command).context("wasm-bindgen failed")?;
    let file = glue.join("index.js");
    let written = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    // workerd takes a module's source by a plain import, and neither it nor esbuild by this one yet.
    fs::write(&file, written.replace("import source ", "import "))
        .with_context(|| format!("writing {}", file.display()))
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

/// Writes `build/index_bg.wasm`, as small as wasm-opt can make it. It also loses the functions' names, a fifth of it: a panic says in
/// which file and line it was.
fn shrink(project: &Project, module: &Path) -> Result<()> {
    let (written, file) = (project.path("build/index_bg.new.wasm"), project.path("build/index_bg.wasm"));
    let mut command = crate::run::command(project, project.npm_program("wasm-opt"));
    command
        .args(["-Oz", "--converge"])
        // What it would inline makes the module shorter, but longer once compressed, which is how it is stored and sent.
        .arg("--one-caller-inline-max-function-size=30")
        // The stack ends in the lowest kilobyte: nothing is there that an offset from address 0 would reach.
        .arg("--low-memory-unused")
        .args(["--strip-debug", "--strip-producers", "--strip-target-features"])
        .args(FEATURES.iter().map(|feature| format!("--enable-{feature}")))
        .args([module.as_os_str(), "-o".as_ref(), written.as_os_str()]);
    crate::run::to_the_end(&mut command).context("wasm-opt could not shrink the Worker")?;
    fs::rename(&written, &file).with_context(|| format!("writing {}", file.display()))
}

/// Where the sources of the operator's console lie.
const CONSOLE: &str = "src/operator/console";

/// Writes the console's style and script to `folder`, one file each, under names that say that they are only text to the Worker.
fn bundle_console(project: &Project, folder: &Path) -> Result<()> {
    let mut command = crate::run::command(project, project.npm_program("esbuild"));
    command
        .args(["console.css", "console.js"].map(|name| project.path(CONSOLE).join(name)))
        .args(["--bundle", "--minify", "--format=esm", "--target=es2023", "--log-level=warning"])
        .args(["--out-extension:.css=.css.txt", "--out-extension:.js=.js.txt"])
        .arg(format!("--outdir={}", folder.display()));
    crate::run::to_the_end(&mut command).context("esbuild could not bundle the console")
}

/// Writes `build/index.js`, which begins with `src/entry.js`, and has the console in it.
fn bundle(project: &Project, glue: &Path, console: &Path) -> Result<()> {
    let mut command = crate::run::command(project, project.npm_program("esbuild"));
    command
        .arg(project.path("src/entry.js"))
        .args(["--bundle", "--minify", "--format=esm", "--external:./index_bg.wasm", "--log-level=warning"])
        // In JavaScript the console's files cost nothing until they are asked for; in the Wasm they would be copied into its memory.
        .arg(format!("--inject:{}", project.path(CONSOLE).join("files.js").display()))
        .arg(format!("--alias:oncegate-console={}", console.display()))
        .args(["--loader:.html=text", "--loader:.txt=text"])
        // wasm-bindgen names a file once for each place in the sources that imports from it.
        .arg("--log-override:duplicate-object-key=silent")
        .arg(format!("--alias:oncegate-wasm={}", glue.join("index.js").display()))
        .arg(format!("--outfile={}", project.path("build/index.js").display()));
    crate::run::to_the_end(&mut command).context("esbuild could not bundle the Worker")
}

/// What Cargo makes.
fn module(project: &Project) -> PathBuf {
    project.target().join(TARGET).join("release/oncegate.wasm")
}

fn stamp(project: &Project, toolchain: &WasmToolchain) -> Result<Stamp> {
    let inputs: Vec<PathBuf> = INPUTS.iter().map(|input| project.path(input)).collect();
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let recipe = include_str!("worker_build.rs");
    let settings = [cargo_tools::WASM_BINDGEN.version, toolchain.name(), &flags, recipe];
    Stamp::of(project.path("build").join(".made-from"), &inputs, &settings)
}

/// The files of the built Worker: the module that starts it and what it imports.
pub(crate) fn modules(project: &Project) -> Vec<PathBuf> {
    ["index.js", "index_bg.wasm"].iter().map(|name| project.path("build").join(name)).collect()
}
