//! Setting up what the machine does not have yet.
//!
//! Every step looks first, and says nothing where there is nothing to do. Otherwise it says in a line what it does and
//! why, and an error names what to install by hand. Nothing comes from anywhere but the package registries of Rust, npm,
//! Python and Debian, and, where it can fetch, rustup.

pub(crate) mod cargo_tools;
pub(crate) mod clients;
mod debian;
mod debian_toolchain;
pub(crate) mod nightly;
pub(crate) mod npm_packages;
pub(crate) mod rust_target;
pub(crate) mod system_programs;

use std::fs::{self, File, TryLockError};

use anyhow::{Context, Result};

use crate::project::Project;
use nightly::Nightly;
use rust_target::WasmToolchain;

/// Sets up what compiling the Worker needs.
pub(crate) fn for_build(project: &Project) -> Result<WasmToolchain> {
    let toolchain = rust_target::ensure(project)?;
    npm_packages::ensure(project)?;
    cargo_tools::ensure(project, &[&cargo_tools::WASM_BINDGEN])?;
    Ok(toolchain)
}

/// Sets up what fuzzing needs.
pub(crate) fn for_fuzzing(project: &Project) -> Result<Nightly> {
    let nightly = Nightly::find(project)?;
    cargo_tools::ensure(project, &[&cargo_tools::CARGO_FUZZ])?;
    Ok(nightly)
}

/// Sets up what the bench needs beside the Worker.
pub(crate) fn for_bench(project: &Project) -> Result<()> {
    system_programs::ensure(project, &[system_programs::WRK, system_programs::NGINX, system_programs::REDIS])?;
    npm_packages::ensure_for_bench(project)?;
    cargo_tools::ensure(project, &[&cargo_tools::IDEMPOTENT_PROXY_SERVER])
}

/// Sets up what testing the console needs beside the Worker.
pub(crate) fn for_console(project: &Project) -> Result<()> {
    system_programs::ensure(project, &[system_programs::CHROMIUM])?;
    npm_packages::ensure_for_console(project)
}

/// Sets up what checking the sources needs.
pub(crate) fn for_check(project: &Project) -> Result<WasmToolchain> {
    rust_target::ensure(project)
}

/// Does `work` while no other `cargo xtask` of this checkout sets up or builds: two of them would write the same files.
pub(crate) fn under_lock<T>(project: &Project, work: impl FnOnce(&Project) -> Result<T>) -> Result<T> {
    let target = project.target();
    fs::create_dir_all(&target).with_context(|| format!("creating {}", target.display()))?;
    let path = target.join("xtask.lock");
    let lock = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("waiting for another `cargo xtask` to finish its setup or build");
            lock.lock().with_context(|| format!("locking {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("locking {}", path.display()));
        }
    }
    // The lock is released where `lock` is closed, also when this process is killed.
    work(project)
}
