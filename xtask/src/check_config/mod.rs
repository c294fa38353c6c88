//! `cargo xtask check-config`: what the Worker would make of a configuration file of wrangler, and of a request.

mod asked;
mod document;
mod environment;
mod explain;
mod ledger;
mod mistakes;
mod report;
mod routes;
mod worker;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::output;
use crate::project::Project;
use asked::Asked;
pub(crate) use asked::AskedFlags;
pub(crate) use document::Document;
pub(crate) use environment::Environment;
use worker::Worker;
pub(crate) use worker::no_routes;

/// The flags of `cargo xtask check-config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `None` for the file that wrangler would read.
    pub(crate) file: Option<PathBuf>,
    /// `None` for the top level and every environment.
    pub(crate) environment: Option<String>,
    /// The request whose fate is asked, if any.
    pub(crate) asked: Option<AskedFlags>,
}

/// Checks the file and prints what there is to say. Fails if something is wrong with it.
pub(crate) fn run(project: &Project, flags: &Flags) -> Result<()> {
    let asked = flags.asked.as_ref().map(Asked::read).transpose()?;
    let document = match &flags.file {
        Some(file) => Document::read(file)?,
        None => Document::find(project)?.with_context(|| format!("there is none of {}", document::FILES.join(", ")))?,
    };
    let workers = chosen(&document, flags)?;
    for line in report::lines(&document, &workers, asked.as_ref()) {
        output::line(format_args!("{line}"))?;
    }
    let mistakes = workers.iter().map(|worker| worker.mistakes().len()).fold(0, usize::saturating_add);
    if mistakes > 0 {
        bail!("{} has {}", document.file, report::counted(mistakes, "mistake"));
    }
    Ok(())
}

/// Fails if the file of the checkout would deploy a Worker that refuses its variables, with all that is wrong.
pub(crate) fn check_before_build(project: &Project) -> Result<()> {
    let Some(document) = Document::find(project)? else {
        output::notice(format_args!(
            "there is no configuration of wrangler, so the Worker's variables are not checked"
        ));
        return Ok(());
    };
    let workers = Worker::all(&document.json);
    let mistakes: Vec<String> = workers.iter().flat_map(|worker| report::mistakes(&document, worker)).collect();
    if !mistakes.is_empty() {
        bail!("a Worker deployed with {} could not serve:\n{}", document.file, mistakes.join("\n"));
    }
    Ok(())
}

/// The Workers that are asked for.
fn chosen<'d>(document: &'d Document, flags: &Flags) -> Result<Vec<Worker<'d>>> {
    let workers = Worker::all(&document.json);
    let Some(wanted) = flags.environment.as_deref() else {
        // A request is for one of them.
        let keep = if flags.asked.is_some() { 1 } else { workers.len() };
        return Ok(workers.into_iter().take(keep).collect());
    };
    let names: Vec<&str> = workers.iter().filter_map(|worker| worker.environment.name()).collect();
    let known = if names.is_empty() { "it has none".to_owned() } else { format!("they are {}", names.join(", ")) };
    let chosen: Vec<Worker<'d>> =
        workers.iter().filter(|worker| worker.environment.name() == Some(wanted)).cloned().collect();
    if chosen.is_empty() {
        bail!("--env {wanted}: {} has no environment of this name; {known}", document.file);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests;
