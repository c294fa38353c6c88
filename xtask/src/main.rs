//! The project's own commands: `cargo xtask dev | test | torture | fuzz | mutants | bench | build | package | check |
//! check-config | reference | size`.
//!
//! Each command first sets up what it needs and does not find ([`setup`]), so that a fresh clone needs nothing but Rust,
//! Node with npm, and the package registries.

mod arguments;
mod bench;
mod build_stamp;
mod check;
mod check_config;
mod dev;
mod fuzz;
mod mutants;
mod output;
mod package;
mod project;
mod purity;
mod reference;
mod routes_lock;
mod run;
mod setup;
mod size;
mod stages;
mod test;
mod torture;
mod variables;
mod worker_build;
mod wrangler;

use std::process::ExitCode;

use arguments::Command;
use project::Project;

fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => {
            output::notice(format_args!("error: {error}"));
            return ExitCode::from(2);
        }
    };
    match execute(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<output::Closed>() {
                output::notice(format_args!("error: {error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<()> {
    let project = Project::here();
    match command {
        Command::Help(text) => output::line(format_args!("{text}")),
        Command::Bench(flags) => bench::run(&project, &flags),
        Command::Build => {
            // Wrangler runs this before it deploys, so here is the last place to refuse what the Worker would refuse.
            check_config::check_before_build(&project)?;
            if routes_lock::is_deployment() {
                routes_lock::check(&project)?;
            }
            worker_build::set_up_and_build(&project)
        }
        Command::Size => setup::under_lock(&project, |project| {
            let toolchain = setup::for_build(project)?;
            size::run(project, &toolchain)
        }),
        Command::Check => check::run(&project),
        Command::CheckConfig(flags) => check_config::run(&project, &flags),
        Command::Dev(flags) => dev::run(&project, &flags),
        Command::Fuzz(flags) => fuzz::run(&project, &flags),
        Command::Package => package::run(&project),
        Command::Mutants(arguments) => mutants::run(&project, &arguments),
        Command::Test(suites) => test::run(&project, &suites),
        Command::Reference => reference::write(&project),
        Command::Torture(flags) => torture::run(&project, &flags),
    }
}
