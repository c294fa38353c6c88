//! `cargo xtask fuzz`: what must hold of `protocol/` whatever comes in (`fuzz/properties`), with inputs that a fuzzer thinks up.
//!
//! Each target starts from a copy of its corpus, so that nothing that is committed changes.

mod summary;
mod work;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::setup::{self, cargo_tools, nightly::Nightly};
use summary::Summary;
use work::Work;

/// The flags of `cargo xtask fuzz`.
#[derive(Debug, PartialEq)]
pub(crate) struct FuzzFlags {
    /// How long each target runs.
    pub(crate) time: Duration,
    /// Which targets; all where none is named.
    pub(crate) targets: Vec<String>,
}

/// Runs the targets, as many at a time as there are cores, and fails if one of them has found something.
pub(crate) fn run(project: &Project, flags: &FuzzFlags) -> Result<()> {
    let targets = choose(known_targets(project)?, &flags.targets)?;
    let programs = setup::under_lock(project, |project| {
        let nightly = setup::for_fuzzing(project)?;
        build(project, &nightly)
    })?;
    let works = targets.iter().map(|target| Work::prepare(project, target)).collect::<Result<Vec<_>>>()?;
    let summaries = fuzz_all(&works, |work| {
        let summary = work.fuzz(Command::new(programs.join(work.target())), flags.time);
        crate::output::notice(format_args!("{}", work.told(&summary)));
        summary
    });
    conclude(&works, summaries)
}

/// The targets that there are, in the order of their names.
fn known_targets(project: &Project) -> Result<Vec<String>> {
    let folder = project.path("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("looking for targets in {}", folder.display()))?;
    let mut targets = Vec::new();
    for entry in entries {
        let path = entry?.path();
        targets.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

fn choose(known: Vec<String>, wanted: &[String]) -> Result<Vec<String>> {
    if let Some(other) = wanted.iter().find(|target| !known.contains(target)) {
        bail!("there is no target {other:?}: it is one of {}", known.join(", "));
    }
    Ok(known.into_iter().filter(|target| wanted.is_empty() || wanted.contains(target)).collect())
}

/// Builds all targets, and gives the folder with their programs.
fn build(project: &Project, nightly: &Nightly) -> Result<PathBuf> {
    let target = project.target().join("fuzz");
    let mut command = crate::run::command(project, project.cargo_tool(cargo_tools::CARGO_FUZZ.program));
    nightly.select(&mut command);
    command
        .args(["fuzz", "build", "--fuzz-dir", "fuzz", "--target", nightly.host(), "--target-dir"])
        .arg(&target)
        // All of it is safe code, which has nothing to show to a sanitizer and runs twice as fast without.
        .args(["--sanitizer", "none"]);
    crate::run::to_the_end(&mut command)?;
    Ok(target.join(nightly.host()).join("release"))
}

/// Does `fuzz` for each, as many at a time as there are cores. What comes of them is in their order.
fn fuzz_all<T: Sync, R: Send>(works: &[T], fuzz: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let waiting = Mutex::new(works.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let next = || waiting.lock().ok()?.next();
    std::thread::scope(|scope| {
        for _ in 0..cores.min(works.len()) {
            scope.spawn(|| {
                while let Some((index, work)) = next() {
                    let result = fuzz(work);
                    done.lock().map(|mut done| done.push((index, result))).ok();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Prints what has come of all of them, and how a finding is reproduced.
fn conclude(works: &[Work], summaries: Vec<Result<Summary>>) -> Result<()> {
    crate::output::line(format_args!("{}", Summary::HEADING))?;
    let mut failed = Vec::new();
    for (work, summary) in works.iter().zip(&summaries) {
        crate::output::line(format_args!("{}", work.told(summary)))?;
        if summary.as_ref().map_or(true, |summary| summary.finding.is_some()) {
            failed.push(work);
        }
    }
    for (work, summary) in works.iter().zip(&summaries) {
        if let Ok(Summary { finding: Some(finding), .. }) = summary {
            crate::output::line(format_args!("\n{}", work.how_to_reproduce(finding)))?;
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.iter().map(|work| work.target()).collect::<Vec<_>>().join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn all_targets_run_unless_some_are_named() {
        let known = || names(&["config", "key", "origin"]);
        assert_eq!(choose(known(), &[]).unwrap(), known());
        assert_eq!(choose(known(), &names(&["origin", "config"])).unwrap(), ["config", "origin"]);
        let error = choose(known(), &names(&["keys"])).unwrap_err().to_string();
        assert_eq!(error, "there is no target \"keys\": it is one of config, key, origin");
    }

    #[test]
    fn the_targets_are_the_programs_that_there_are() {
        let targets = known_targets(&Project::here()).unwrap();
        assert!(targets.contains(&"key".to_owned()) && targets.is_sorted(), "{targets:?}");
    }

    #[test]
    fn everything_is_done_once_and_told_in_its_order() {
        let numbers: Vec<u32> = (0..50).collect();
        assert_eq!(fuzz_all(&numbers, |number| number * 2), (0..50).map(|number| number * 2).collect::<Vec<_>>());
        assert!(fuzz_all(&[] as &[u32], |number| *number).is_empty());
    }
}
