//! Running other programs, with errors that say what was run.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::project::Project;

/// `program`, to be run in the checkout, with the programs of the npm packages before those of the machine.
pub(crate) fn command(project: &Project, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(project.root())
        .env("PATH", path_with_first(&project.path("node_modules/.bin"), std::env::var_os("PATH")))
        .stdin(Stdio::null());
    command
}

/// `path` (in the form of the variable PATH) with `directory` before everything else.
pub(crate) fn path_with_first(directory: &Path, path: Option<OsString>) -> OsString {
    let mut joined = directory.as_os_str().to_owned();
    if let Some(path) = path.filter(|path| !path.is_empty()) {
        joined.push(":");
        joined.push(path);
    }
    joined
}

/// Runs `command`, a step on the way to what was asked for. What it prints goes to standard error, because standard output
/// is for what people and tests read from xtask itself.
pub(crate) fn to_the_end(command: &mut Command) -> Result<()> {
    showing(command.stdout(std::io::stderr()))
}

/// Runs `command`, whose output is what was asked for.
pub(crate) fn showing(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| not_started(command))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs `command` to its end and gives back what it printed to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| not_started(command))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", shown(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("what `{}` printed", shown(command)))
}

/// Where `program` lies: on PATH, or where only root's PATH looks.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Where `program` lies, if that is among the programs of the npm packages or where [`find`] looks.
pub(crate) fn find_for(project: &Project, program: &str) -> Option<PathBuf> {
    Some(project.npm_program(program)).filter(|path| path.is_file()).or_else(|| find(program))
}

/// Where Node lies.
pub(crate) fn node(project: &Project) -> Result<PathBuf> {
    find_for(project, "node").context("Node is needed")
}

/// Whether `error` says that the program to run does not exist.
pub(crate) fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

/// The command as a person would type it, without its environment.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command) -> String {
    format!("cannot start `{}`", shown(command))
}
