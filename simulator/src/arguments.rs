//! The command line, parsed into a [`Command`].

use std::ffi::OsString;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

/// What the simulator is asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Check,
    Run { from: u64, seeds: u64 },
    Replay { seed: u64 },
    Traces { from: u64, seeds: u64 },
    KillList { seeds: u64 },
    CrashPoints,
}

pub(crate) const USAGE: &str = "\
usage: cargo run --package simulator --release -- COMMAND

  check                        search small worlds exhaustively
  run [--seeds N] [--from S]   run N seeds (default 1000000), from S on (default 0)
  replay SEED                  tell the run of a seed, a line per step
  traces [--seeds N] [--from S]
                               hash each of N runs, to compare those of two machines
  kill-list [--seeds N]        search for each seeded bug, exhaustively and by up to N seeds (default 1000000)
  crash-points                 who dies after each step of a request, and what those are told who come then";

const SEEDS: u64 = 1_000_000;

/// Parses the command line; its first word is the name of this program.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut parser = lexopt::Parser::from_iter(words);
    let name = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let (mut from, mut seeds, mut seed) = (0, SEEDS, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("seeds") if matches!(name.as_str(), "run" | "traces" | "kill-list") => {
                seeds = number(&parser.value()?.string()?)?
            }
            Long("from") if matches!(name.as_str(), "run" | "traces") => from = number(&parser.value()?.string()?)?,
            Value(text) if name == "replay" && seed.is_none() => seed = Some(number(&text.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(match name.as_str() {
        "check" => Command::Check,
        "run" => Command::Run { from, seeds },
        "replay" => Command::Replay { seed: seed.context("which seed? see --help")? },
        "traces" => Command::Traces { from, seeds },
        "kill-list" => Command::KillList { seeds },
        "crash-points" => Command::CrashPoints,
        _ => bail!("there is no command {name:?}: it is one of check, run, replay, traces, kill-list, crash-points"),
    })
}

fn number(text: &str) -> Result<u64> {
    text.parse().with_context(|| format!("{text:?} is no number from 0 to {}", u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(std::iter::once("simulator").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn commands_and_their_flags() {
        assert_eq!(parsed("").unwrap(), Command::Help);
        assert_eq!(parsed("check").unwrap(), Command::Check);
        assert_eq!(parsed("run").unwrap(), Command::Run { from: 0, seeds: SEEDS });
        assert_eq!(parsed("run --seeds 5 --from 7").unwrap(), Command::Run { from: 7, seeds: 5 });
        assert_eq!(parsed("replay 42").unwrap(), Command::Replay { seed: 42 });
        assert_eq!(parsed("traces --seeds 5 --from 7").unwrap(), Command::Traces { from: 7, seeds: 5 });
        assert_eq!(parsed("kill-list --seeds 9").unwrap(), Command::KillList { seeds: 9 });
        assert_eq!(parsed("crash-points").unwrap(), Command::CrashPoints);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, named) in [
            ("walk", "\"walk\""),
            ("replay", "which seed"),
            ("replay 1 2", "2"),
            ("run --seeds many", "\"many\""),
            ("check --seeds 1", "--seeds"),
        ] {
            let error = format!("{:#}", parsed(line).unwrap_err());
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
