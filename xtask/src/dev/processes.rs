//! The processes that `dev` starts: they are ready when they say so, and they never outlive `dev`.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::dev::interrupt::Interrupt;
use crate::project::Project;

/// How long a process may take to get ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a process may take to stop by itself before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How often something that is waited for is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A process that runs until it is stopped, or dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// What it said when it was ready.
    announced: Receiver<String>,
}

impl Process {
    /// Starts `program` with `arguments`. `announcement` finds, in a line that it prints, what it says when it is ready.
    /// Every other line goes to standard error.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        announcement: fn(&str) -> Option<String>,
    ) -> Result<Self> {
        // A group of its own, so that Ctrl-C in a terminal reaches only `dev`, which then stops it in order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let (sender, announced) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                forward(output, |line| match announcement(line) {
                    // Nobody waits any more for what is announced after the first time.
                    Some(found) => drop(sender.send(found)),
                    None => eprintln!("{name}: {line}"),
                });
            });
        }
        Ok(Self { name, child, announced })
    }

    /// Waits until it is ready, and gives back what it announced, or `None` where the user asked to stop before.
    fn wait_ready(&mut self, interrupt: &Interrupt) -> Result<Option<String>> {
        let started = Instant::now();
        while started.elapsed() < READY_TIMEOUT {
            match self.announced.recv_timeout(POLL) {
                Ok(found) => return Ok(Some(found)),
                Err(RecvTimeoutError::Timeout) if interrupt.is_requested() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                // Its standard output is closed, so it has ended or is about to.
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{} stopped before it was ready: {}", self.name, self.child.wait()?)
                }
            }
        }
        bail!("{} was not ready after {} seconds", self.name, READY_TIMEOUT.as_secs())
    }

    /// An error where it has stopped by itself.
    fn check_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{} stopped by itself: {status}", self.name),
            None => Ok(()),
        }
    }

    fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::TERM);
        let deadline = Instant::now().checked_add(STOP_TIMEOUT);
        while self.exited().is_none() && deadline.is_some_and(|deadline| Instant::now() < deadline) {
            thread::sleep(POLL);
        }
        // Whatever of its group is still there, whether it has ended itself or not.
        self.signal(Signal::KILL);
        self.child.wait().ok();
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Sends `signal` to the process and what it started. That nobody is left to receive it is no error.
    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Processes that stand on one another: they stop in the reverse of the order they started in.
#[derive(Default)]
pub(crate) struct Processes(Vec<Process>);

impl Processes {
    /// Waits until `process` is ready, and gives back what it announced, or `None` where the user asked to stop before.
    pub(crate) fn add(&mut self, process: Process, interrupt: &Interrupt) -> Result<Option<String>> {
        self.0.push(process);
        self.0.last_mut().map_or(Ok(None), |process| process.wait_ready(interrupt))
    }

    /// An error where one has stopped by itself.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(Process::check_running)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        while let Some(process) = self.0.pop() {
            drop(process);
        }
    }
}

/// A command for `program` that the system kills when this process dies, however it dies, where the system can do that.
pub(crate) fn bound_to_this_process(project: &Project, program: &Path) -> Command {
    match crate::run::find("setpriv") {
        Some(setpriv) if cfg!(target_os = "linux") => {
            let mut command = crate::run::command(project, setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
        _ => crate::run::command(project, program),
    }
}

fn forward(output: impl Read, mut each: impl FnMut(&str)) {
    for line in BufReader::new(output).split(b'\n') {
        let Ok(line) = line else { return };
        each(&String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start("sh", command, |line| line.strip_prefix("ready ").map(str::to_owned)).unwrap()
    }

    #[test]
    fn what_it_announces_is_given_back() {
        let mut process = shell("echo hello; echo ready now; sleep 60");
        assert_eq!(process.wait_ready(&Interrupt::never()).unwrap().unwrap(), "now");
        process.check_running().unwrap();
    }

    #[test]
    fn its_own_end_is_noticed() {
        let mut process = shell("exit 3");
        let error = process.wait_ready(&Interrupt::never()).unwrap_err().to_string();
        assert!(error.contains("sh stopped before it was ready: exit status: 3"), "{error}");
        assert!(process.check_running().is_err());
    }

    #[test]
    fn what_does_not_stop_is_killed_with_all_it_started() {
        let mut process = shell("trap '' TERM; sleep 61 & echo ready $!; wait");
        let grandchild = process.wait_ready(&Interrupt::never()).unwrap().unwrap();
        drop(process);
        let pid = Pid::from_raw(grandchild.parse().unwrap()).unwrap();
        thread::sleep(Duration::from_millis(50));
        let gone = rustix::process::test_kill_process(pid).is_err()
            || std::fs::read_to_string(format!("/proc/{grandchild}/stat")).is_ok_and(|stat| stat.contains(") Z "));
        assert!(gone, "process {grandchild} is still there");
    }
}
