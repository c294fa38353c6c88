//! `cargo xtask mutants`: whether the tests of `protocol/` notice each small change that is made to it.

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::project::Project;
use crate::setup;
use crate::setup::cargo_tools::{self, CARGO_MUTANTS};

/// Makes the changes, one at a time, and fails if the tests do not notice one. `.cargo/mutants.toml` says which; `arguments` go to
/// cargo-mutants, which `--file protocol/src/quota.rs` or `--shard 1/4` make take some of them only.
pub(crate) fn run(project: &Project, arguments: &[OsString]) -> Result<()> {
    setup::under_lock(project, |project| cargo_tools::ensure(project, &[&CARGO_MUTANTS]))?;
    let results = project.target().join("mutants");
    std::fs::create_dir_all(&results).with_context(|| format!("creating {}", results.display()))?;
    let mut command = crate::run::command(project, project.cargo_tool(CARGO_MUTANTS.program));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    command
        .args(["mutants", "--package=oncegate-protocol", &format!("--jobs={jobs}"), "--output"])
        .arg(&results)
        .args(arguments);
    crate::run::to_the_end(&mut command)
}
