//! `cargo xtask dev`: the gate on this machine, in front of an example origin or the user's own.

mod configuration;
mod deployment;
pub(crate) mod flags;
mod gate;
mod interrupt;
mod processes;
mod routes_file;
mod state;
mod walkthrough;
mod workerd_config;

use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::arguments::DevFlags;
use crate::project::Project;
use crate::{output, setup, worker_build};
use configuration::Configuration;
use gate::Installation;
use interrupt::Interrupt;
use processes::{Process, Processes};
use state::State;

const DEFAULT_PORT: u16 = 8787;
const DEFAULT_STATE: &str = ".oncegate/state";
/// How often the processes are looked at.
const POLL: Duration = Duration::from_millis(20);

/// Runs the gate until the user stops it, or until the walk-through is over.
pub(crate) fn run(project: &Project, flags: &DevFlags) -> Result<()> {
    // What the user may have got wrong comes before what takes long.
    let Configuration { mut deployment, notices } = configuration::read(project, flags)?;
    let port = flags.port.unwrap_or(if flags.once { 0 } else { DEFAULT_PORT });
    gate::check_port_is_free(port)?;
    if let Some(origin) = &flags.origin {
        origin.check_reachable()?;
    }
    let installation = setup::under_lock(project, |project| {
        let toolchain = setup::for_build(project)?;
        worker_build::build(project, &toolchain)?;
        Installation::copy(project)
    })?;
    let state = open_state(project, flags)?;
    for notice in notices {
        output::notice(format_args!("{notice}"));
    }

    let interrupt = Interrupt::listen()?;
    // However this function ends, the processes stop before their files go.
    let mut processes = Processes::default();
    let mut example = None;
    if flags.needs_example_origin() {
        let Some(url) = processes.add(start_example_origin(project)?, &interrupt)? else { return Ok(()) };
        deployment.set("ORIGIN", &url)?;
        example = Some(url);
    }
    let gate = installation.start(project, &deployment, state.path(), port)?;
    let Some(port) = processes.add(gate, &interrupt)? else { return Ok(()) };
    // workerd has read its files, and what is not there cannot be left behind.
    drop(installation);
    let url = format!("http://127.0.0.1:{port}");
    announce(&url)?;

    let walkthrough = match example {
        Some(example) if flags.once => Some(thread::spawn(move || walkthrough::run(&url, &example))),
        _ => None,
    };
    supervise(&mut processes, &interrupt, walkthrough)
}

/// The walk-through starts from an empty ledger, so that it can be repeated.
fn open_state(project: &Project, flags: &DevFlags) -> Result<State> {
    match &flags.state {
        Some(directory) => State::open(directory),
        None if flags.once => State::temporary(),
        None => State::open(&project.path(DEFAULT_STATE)),
    }
}

fn start_example_origin(project: &Project) -> Result<Process> {
    let node = crate::run::find_for(project, "node").context("Node is needed for the example origin")?;
    let mut command = processes::bound_to_this_process(project, &node);
    command.args(["examples/payments/server.mjs", "--port", "0"]);
    Process::start("the example origin", command, |line| {
        line.strip_prefix("payments origin ready on ").map(str::to_owned)
    })
}

/// Tells people and tests where the gate is.
fn announce(url: &str) -> Result<()> {
    output::line(format_args!("oncegate ready on {url}"))
}

/// Waits until the user asks to stop, a process stops by itself (an error), or the walk-through is over.
fn supervise(
    processes: &mut Processes,
    interrupt: &Interrupt,
    mut walkthrough: Option<JoinHandle<Result<()>>>,
) -> Result<()> {
    while !interrupt.is_requested() {
        processes.check_running()?;
        if let Some(finished) = walkthrough.take_if(|thread| thread.is_finished()) {
            return finished.join().map_err(|_| anyhow!("the walk-through failed"))?;
        }
        thread::sleep(POLL);
    }
    Ok(())
}
