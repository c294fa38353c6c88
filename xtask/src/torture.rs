//! `cargo xtask torture`: the built Worker in workerd, where everything goes wrong, and a judgement of what came of it.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Error, Result};

use crate::arguments::few;
use crate::project::Project;
use crate::{run, worker_build};

const PROGRAM: &str = "tests/torture/main.mjs";

/// The flags of `cargo xtask torture`.
#[derive(Debug, PartialEq)]
pub(crate) struct Flags {
    pub(crate) keys: NonZeroU32,
    pub(crate) retries: NonZeroU32,
    /// After how long no more requests are sent.
    pub(crate) minutes: NonZeroU32,
    /// `None` for another one each time.
    pub(crate) seed: Option<u32>,
    pub(crate) broken: Option<Broken>,
}

impl Default for Flags {
    fn default() -> Self {
        Self { keys: few(1_000), retries: few(50), minutes: few(10), seed: None, broken: None }
    }
}

/// A way in which the gate is broken, so that it can be seen that the judgement is worth something.
#[derive(Debug, PartialEq)]
pub(crate) struct Broken(&'static str);

impl Broken {
    /// The files in tests/torture/broken/.
    const ALL: [&str; 10] =
        ["lease", "doubt", "fingerprint", "tenant", "bytes", "headers", "invention", "memory", "refusal", "progress"];
}

impl FromStr for Broken {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|known| *known == name);
        known.map(Self).with_context(|| format!("--broken {name}: it is one of {}", Self::ALL.join(", ")))
    }
}

/// Builds the Worker and tortures it. An error unless every promise was kept, and enough went wrong.
pub(crate) fn run(project: &Project, flags: &Flags) -> Result<()> {
    worker_build::set_up_and_build(project)?;
    let seed = flags.seed.unwrap_or_else(any_seed);
    let mut command = run::command(project, run::node(project)?);
    command.arg(PROGRAM);
    command.args(["--keys", &flags.keys.to_string(), "--retries", &flags.retries.to_string()]);
    command.args(["--minutes", &flags.minutes.to_string(), "--seed", &seed.to_string()]);
    if let Some(broken) = &flags.broken {
        command.args(["--broken", broken.0]);
    }
    run::showing(&mut command)
}

fn any_seed() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_breaking_the_gate_has_a_file() {
        let folder = Project::here().path("tests/torture/broken");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let mut known = Broken::ALL;
        known.sort_unstable();
        assert_eq!(files, known);
    }
}
