//! The simulator as a program; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    match simulator::obey(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
