//! Checks the promises of Oncegate by the shipped protocol crate, in a world where everything may go wrong: exhaustively in small
//! worlds, and by seed in larger ones.

mod arguments;
mod bug;
mod check;
mod commands;
mod coverage;
mod dice;
mod kill;
mod ledger;
mod promises;
mod run;
mod runs;
mod scenario;
mod scenarios;
mod story;
#[cfg(test)]
mod tests;
mod world;

use std::process::ExitCode;

use arguments::Command;

fn main() -> ExitCode {
    let result = arguments::parse(std::env::args_os()).and_then(|command| match command {
        Command::Help => commands::help(),
        Command::Check => commands::check(),
        Command::Run { from, seeds } => commands::run(from, seeds),
        Command::Replay { seed } => commands::replay(seed),
        Command::KillList { seeds } => commands::kill_list(seeds),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
