//! Checks the promises of Oncegate by the shipped protocol crate, in a world where everything may go wrong: exhaustively in small
//! worlds, and by seed in larger ones.
#![cfg_attr(target_family = "wasm", allow(dead_code, reason = "as Wasm there are only the traces of runs"))]

#[cfg(not(target_family = "wasm"))]
mod arguments;
mod bug;
#[cfg(not(target_family = "wasm"))]
mod check;
#[cfg(not(target_family = "wasm"))]
mod commands;
mod coverage;
#[cfg(not(target_family = "wasm"))]
mod crash_points;
mod dice;
#[cfg(not(target_family = "wasm"))]
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
mod trace;
mod world;

#[cfg(not(target_family = "wasm"))]
pub use commands::obey;
pub use trace::trace_lines;
