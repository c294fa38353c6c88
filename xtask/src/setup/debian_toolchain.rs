//! Debian's Rust toolchain, with a standard library for Wasm that is compiled here once: Debian ships the sources only.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::setup::debian;
use crate::setup::rust_target::{TARGET, WasmToolchain, has_std};

const RUSTC: &str = "/usr/bin/rustc";
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"];
const PROGRAMS: &[&str] = &["cargo", "rustc", "rustdoc", "cargo-clippy", "clippy-driver"];
/// Where this toolchain looks for the standard library of [`TARGET`].
const LIBRARY: &str = "/usr/lib/rustlib/wasm32-unknown-unknown/lib";

/// The toolchain, if [`install`] made it for just the rustc that is there now.
pub(crate) fn find(project: &Project) -> Option<WasmToolchain> {
    let made_for = fs::read_to_string(note(project)).ok()?;
    let current = rustc_version(project).ok()?;
    if made_for != current || !has_std(Path::new(LIBRARY)) {
        return None;
    }
    toolchain(project).ok()
}

/// Installs Debian's packages and compiles the standard library.
pub(crate) fn install(project: &Project) -> Result<WasmToolchain> {
    debian::install(project, PACKAGES, "to compile to Wasm (20 seconds)")?;
    link_programs(project)?;
    if linker(project).is_none() {
        debian::install(project, &["lld"], "to link Wasm")?;
    }
    let toolchain = toolchain(project)?;
    eprintln!("compiling Rust's standard library for Wasm, which Debian ships as source (40 seconds)");
    let built = compile_std(project, &toolchain)?;
    copy_libraries(&built)?;
    fs::write(note(project), rustc_version(project)?)?;
    Ok(toolchain)
}

/// Which rustc the standard library was compiled by: no other can use it.
fn note(project: &Project) -> PathBuf {
    project.target().join("wasm-toolchain/made-for")
}

fn rustc_version(project: &Project) -> Result<String> {
    crate::run::output(crate::run::command(project, RUSTC).arg("-vV"))
}

fn toolchain(project: &Project) -> Result<WasmToolchain> {
    let linker = linker(project).context("no linker for Wasm was found: install Debian's package lld")?;
    Ok(WasmToolchain::Debian { programs: programs(project), linker })
}

/// A folder with nothing but this toolchain's programs, because before /usr/bin come rustup's of the same names, and
/// putting /usr/bin first would bring its Node too.
fn programs(project: &Project) -> PathBuf {
    project.target().join("wasm-toolchain/bin")
}

fn link_programs(project: &Project) -> Result<()> {
    let directory = programs(project);
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    for program in PROGRAMS {
        let link = directory.join(program);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("/usr/bin").join(program), &link)
                .with_context(|| format!("linking {}", link.display()))?;
        }
    }
    Ok(())
}

/// Compiles the standard library as a dependency of a crate without content, and gives back the folder it lies in.
fn compile_std(project: &Project, toolchain: &WasmToolchain) -> Result<PathBuf> {
    let scratch = project.target().join("wasm-std");
    fs::create_dir_all(scratch.join("src"))?;
    fs::write(scratch.join("src/lib.rs"), "")?;
    let manifest = "[workspace]\n[package]\nname = \"wasm-std\"\nedition = \"2024\"\n";
    fs::write(scratch.join("Cargo.toml"), manifest)?;

    let mut command = crate::run::command(project, "cargo");
    toolchain.select(&mut command);
    command
        .current_dir(&scratch)
        // wasm-bindgen-test needs `test`.
        .args(["build", "--release", "-Zbuild-std=std,panic_abort,panic_unwind,test", "--target", TARGET])
        // -Z is for nightly compilers, and for this one if it is told so.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without its bitcode the library could not take part in link-time optimisation.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_TARGET_DIR", scratch.join("target"));
    crate::run::to_the_end(&mut command)?;
    Ok(scratch.join("target").join(TARGET).join("release/deps"))
}

fn copy_libraries(built: &Path) -> Result<()> {
    // What an older rustc compiled would be found too.
    if Path::new(LIBRARY).exists() {
        fs::remove_dir_all(LIBRARY).with_context(|| format!("emptying {LIBRARY}"))?;
    }
    fs::create_dir_all(LIBRARY).with_context(|| format!("creating {LIBRARY}"))?;
    for entry in fs::read_dir(built).with_context(|| format!("reading {}", built.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".rlib") && !text.starts_with("libwasm_std") {
            fs::copy(entry.path(), Path::new(LIBRARY).join(&name)).with_context(|| format!("copying {text}"))?;
        }
    }
    if !has_std(Path::new(LIBRARY)) {
        bail!("the compiled standard library is not in {}", built.display());
    }
    Ok(())
}

/// rustup's linker, which every toolchain of rustup's brings, or Debian's.
fn linker(project: &Project) -> Option<PathBuf> {
    rustup_linker(project).or_else(|| ["rust-lld", "wasm-ld", "lld"].into_iter().find_map(crate::run::find))
}

fn rustup_linker(project: &Project) -> Option<PathBuf> {
    let mut command = crate::run::command(project, "rustc");
    let sysroot = crate::run::output(command.args(["--print", "sysroot"])).ok()?;
    let hosts = fs::read_dir(Path::new(sysroot.trim()).join("lib/rustlib")).ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|linker| linker.is_file())
}
