//! `cargo xtask bench`: what the built Worker costs, beside the least that its work can cost and what others would take.

use std::num::NonZeroU32;
use std::str::FromStr;

use anyhow::{Error, Result, bail};

use crate::arguments::few;
use crate::project::Project;
use crate::{run, setup, worker_build};

const PROGRAM: &str = "bench/main.mjs";

/// The flags of `cargo xtask bench`.
#[derive(Debug, PartialEq)]
pub(crate) struct Flags {
    pub(crate) rounds: NonZeroU32,
    /// For how long each load is sent in a round.
    pub(crate) seconds: NonZeroU32,
    pub(crate) storage: &'static [&'static str],
    pub(crate) subjects: Subjects,
    pub(crate) is_quick: bool,
}

impl Default for Flags {
    fn default() -> Self {
        let subjects = Subjects(Subjects::ALL.to_owned());
        Self { rounds: few(5), seconds: few(4), storage: &["tmpfs", "disk"], subjects, is_quick: false }
    }
}

impl Flags {
    /// What `--quick` changes.
    pub(crate) fn quick(self) -> Self {
        Self { rounds: few(2), seconds: few(2), storage: &["tmpfs"], is_quick: true, ..self }
    }
}

/// Which subjects are measured, by their letters.
#[derive(Debug, PartialEq)]
pub(crate) struct Subjects(String);

impl Subjects {
    /// As in bench/subjects.mjs.
    const ALL: &str = "abcdefgh";
}

impl FromStr for Subjects {
    type Err = Error;

    fn from_str(letters: &str) -> Result<Self> {
        if letters.is_empty() || letters.chars().any(|letter| !Self::ALL.contains(letter)) {
            bail!("--subjects {letters}: they are letters of {}", Self::ALL);
        }
        Ok(Self(letters.to_owned()))
    }
}

/// Builds the Worker, measures, and prints the tables. An error if a target is missed that can be counted.
pub(crate) fn run(project: &Project, flags: &Flags) -> Result<()> {
    worker_build::set_up_and_build(project)?;
    setup::under_lock(project, setup::for_bench)?;
    let results = if flags.is_quick { project.target().join("bench") } else { project.path("bench/results") };
    let mut worst = Ok(());
    for storage in flags.storage {
        let mut command = run::command(project, run::node(project)?);
        command.args([PROGRAM, "--storage", storage, "--subjects", &flags.subjects.0]);
        command.args(["--rounds", &flags.rounds.to_string(), "--seconds", &flags.seconds.to_string(), "--into"]);
        // A target that is missed on the one is no reason not to measure the other.
        worst = worst.and(run::showing(command.arg(&results)));
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_letters() {
        assert_eq!("ca".parse::<Subjects>().unwrap(), Subjects("ca".to_owned()));
        for wrong in ["", "x", "a,b"] {
            assert!(wrong.parse::<Subjects>().unwrap_err().to_string().contains("letters of abcdefgh"), "{wrong}");
        }
    }
}
