//! The commands, and what they print.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::{self, Command, USAGE};
use crate::bug::Bug;
use crate::check::{Searched, search};
use crate::coverage::{CASES, Coverage};
use crate::kill::{Hunted, hunt};
use crate::run;
use crate::runs::{Totals, run_all};
use crate::scenarios::{self, Expected, Named};
use crate::{crash_points, story, trace_lines};

/// Prints a line; an error where nobody reads it any more.
macro_rules! say {
    ($($argument:tt)*) => {
        writeln!(std::io::stdout().lock(), $($argument)*)?
    };
}

/// Does what the command line `words` says, of which the first is the name of this program.
///
/// # Errors
///
/// There is no such command, a promise is broken, or nothing is known about what should have been seen.
pub fn obey(words: impl IntoIterator<Item = OsString>) -> Result<()> {
    match arguments::parse(words)? {
        Command::Help => say!("{USAGE}"),
        Command::Check => check()?,
        Command::Run { from, seeds } => run(from, seeds)?,
        Command::Replay { seed } => replay(seed)?,
        Command::Traces { from, seeds } => traces(from, seeds)?,
        Command::KillList { seeds } => kill_list(seeds)?,
        Command::CrashPoints => crash_points()?,
    }
    Ok(())
}

/// Searches all small worlds.
fn check() -> Result<()> {
    let started = Instant::now();
    let (mut states, mut coverage, mut failed) = (0_usize, Coverage::default(), Vec::new());
    say!("{:>10}  {:>7}", "states", "seconds");
    for named in scenarios::all() {
        let began = Instant::now();
        let searched = search(&named.scenario, threads());
        states = states.saturating_add(searched.states);
        coverage = coverage.union(searched.coverage);
        let seconds = began.elapsed().as_secs_f64();
        let verdict = match verdict(&named, &searched) {
            Ok(verdict) => verdict,
            Err(wrong) => {
                failed.push(named.name);
                format!("FAILED: {wrong}")
            }
        };
        say!("{:>10}  {seconds:>7.1}  {}: {verdict}", searched.states, named.name);
        if let (Expected::Holds(_), Some((_, actions))) = (named.expected, &searched.violation) {
            say!("  {}", story::tell(&named.scenario, actions).join("\n  "));
        }
    }
    say!("{states:>10}  {:>7.1}  in all, by {} threads\n", started.elapsed().as_secs_f64(), threads());
    let concluded = conclude(coverage);
    if failed.is_empty() { concluded } else { bail!("not as expected: {}", failed.join("; ")) }
}

/// Says whether a search came to what was expected of it.
fn verdict(named: &Named, searched: &Searched) -> Result<String, String> {
    match (named.expected, &searched.violation) {
        (Expected::Holds(states), None) if states == searched.states => Ok("every promise holds".to_owned()),
        (Expected::Holds(states), None) => {
            Err(format!("every promise holds, but in {states} states when last looked at"))
        }
        (Expected::BreaksP1, Some((violation, _))) if violation.starts_with("P1") => {
            Ok("found to break P1, as it must".to_owned())
        }
        (Expected::BreaksP1, None) => Err("must break P1, and was not found to".to_owned()),
        (_, Some((violation, _))) => Err((*violation).to_owned()),
    }
}

/// Runs seeds.
fn run(from: u64, seeds: u64) -> Result<()> {
    let started = Instant::now();
    let totals = run_all(from, seeds, None, threads());
    let seconds = started.elapsed().as_secs_f64();
    let Totals { runs, steps, faults, runs_with_two_faults, coverage, violation } = totals;
    #[allow(clippy::cast_precision_loss, reason = "for a person to read")]
    let per = |count: u64, of: f64| count as f64 / of.max(f64::MIN_POSITIVE);
    #[allow(clippy::cast_precision_loss, reason = "for a person to read")]
    let all = runs as f64;
    say!(
        "{runs} runs in {seconds:.1} s ({:.0} a second, by {} threads): {:.1} steps and {:.1} faults each, two or more faults \
         in {:.1} % of them\n",
        per(runs, seconds),
        threads(),
        per(steps, all),
        per(faults, all),
        per(runs_with_two_faults.saturating_mul(100), all),
    );
    if let Some((seed, violation)) = violation {
        bail!("seed {seed}: {violation}\nsee `cargo run --package simulator --release -- replay {seed}`");
    }
    conclude(coverage)
}

/// Tells the run of a seed.
fn replay(seed: u64) -> Result<()> {
    let mut horizon = None;
    let mut lines = Vec::new();
    let ran = run::run(seed, None, &mut |scenario, world, action| {
        match horizon.replace(scenario.horizon) {
            None => lines.push(format!("{}\n", story::rules(scenario))),
            // Only the calm phase moves it.
            Some(before) if before != scenario.horizon => lines.push("\nAll is calm.\n".to_owned()),
            Some(_) => {}
        }
        lines.push(story::step(scenario, &mut world.clone(), action));
    });
    say!("{}\n\n{} steps, {} faults", lines.join("\n"), ran.steps, ran.faults);
    match ran.violation {
        Some(violation) => bail!("{violation}"),
        None => Ok(()),
    }
}

/// Hashes runs.
fn traces(from: u64, seeds: u64) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in trace_lines(from, seeds) {
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

/// Searches for each bug of the kill list.
fn kill_list(seeds: u64) -> Result<()> {
    let mut escaped = Vec::new();
    say!("{:>10}  {:>10}  bug", "states", "seeds");
    for Hunted { bug, text, rare, by_search, by_runs } in hunt(seeds, threads()) {
        let column = |found: Option<String>| found.unwrap_or_else(|| "not found".to_owned());
        let states = column(by_search.map(|(_, states)| states.to_string()));
        let runs = column(by_runs.map(|(_, seeds)| seeds.to_string()));
        say!("{states:>10}  {runs:>10}  {bug:?}: {text}");
        for (way, found) in [("states", by_search.map(|(what, _)| what)), ("seeds", by_runs.map(|(what, _)| what))] {
            say!("{:>24}{way}: {}", "", found.unwrap_or("nothing"));
        }
        if let (Some(rare), None) = (rare, by_runs) {
            say!("{:>24}why seeds do not: {rare}", "");
        }
        if by_search.is_none() && by_runs.is_none() {
            escaped.push(format!("{bug:?}"));
        }
    }
    if !escaped.is_empty() {
        bail!("found neither way: {}", escaped.join(", "));
    }
    say!("\nall {} bugs found", Bug::ALL.len());
    Ok(())
}

/// Prints the matrix of crash points, each cell with what the one is told who comes then, and the executions in the end.
fn crash_points() -> Result<()> {
    let (lines, wrong) = crash_points::table();
    for line in lines {
        say!("{line}");
    }
    match wrong.as_slice() {
        [] => say!("\nall {} cells are as required", crash_points::cells().len()),
        wrong => bail!("not as required:\n{}", wrong.join("\n")),
    }
    Ok(())
}

/// Prints what was seen; an error if something was not.
fn conclude(coverage: Coverage) -> Result<()> {
    say!("seen:");
    for (case, text) in CASES {
        say!("  {}  {text}", if coverage.has(case) { "yes" } else { "NO " });
    }
    match coverage.missed().as_slice() {
        [] => Ok(()),
        missed => bail!("never seen, so that nothing is known about it: {}", missed.join("; ")),
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
