//! What `check-config` prints.

use oncegate_protocol::config::{Config, SEAL_KEY};

use super::asked::Asked;
use super::document::Document;
use super::explain::explain;
use super::mistakes::Mistake;
use super::routes;
use super::worker::{Verdict, Worker};

/// A paragraph for each Worker: its mistakes, or its routes and what becomes of the request.
pub(crate) fn lines(document: &Document, workers: &[Worker<'_>], asked: Option<&Asked>) -> Vec<String> {
    let paragraphs: Vec<Vec<String>> = workers.iter().map(|worker| paragraph(document, worker, asked)).collect();
    paragraphs.join(&String::new())
}

fn paragraph(document: &Document, worker: &Worker<'_>, asked: Option<&Asked>) -> Vec<String> {
    let title = format!("{}, {}", document.file, worker.environment.title());
    let mut lines = match &worker.verdict {
        Verdict::Bad(mistakes) => vec![format!("{title}: {}", counted(mistakes.len(), "mistake"))],
        Verdict::Good(config) => vec![format!("{title}: {}", counted(config.routes.all().count(), "route"))],
        Verdict::Elsewhere => vec![format!("{title}: its routes are set elsewhere, and kept (keep_vars)")],
        Verdict::NotAGate => vec![format!("{title}: no routes, so it is not checked: the environments have them")],
    };
    lines.extend(mistakes(document, worker));
    lines.extend(located(document, &worker.warnings).map(|line| format!("warning: {line}")));
    if let Verdict::Good(config) = &worker.verdict {
        lines.extend(secrets(config));
        lines.extend(routes::table(config));
        lines.extend(asked.into_iter().flat_map(|asked| core::iter::once(String::new()).chain(explain(config, asked))));
    } else if asked.is_some() {
        lines.push(
            "what becomes of the request cannot be told: there are no routes here that hold (--env chooses)".to_owned(),
        );
    }
    lines
}

/// A line for each mistake, with its place in the file, in the order of the file.
pub(crate) fn mistakes(document: &Document, worker: &Worker<'_>) -> Vec<String> {
    located(document, worker.mistakes()).collect()
}

fn located(document: &Document, mistakes: &[Mistake]) -> impl Iterator<Item = String> {
    let line = |mistake: &Mistake| document.line(&mistake.pointer);
    let mut mistakes: Vec<(usize, String)> =
        mistakes.iter().map(|mistake| (line(mistake), mistake.text.clone())).collect();
    mistakes.sort_by_key(|(line, _)| *line);
    mistakes.into_iter().map(|(line, text)| format!("{}:{line}: {text}", document.file))
}

/// What must be set beside the file.
fn secrets(config: &Config) -> Option<String> {
    let sealing = config.routes.all().filter(|route| route.seal.is_some());
    let names: Vec<&str> = sealing.map(|route| route.name.as_str()).collect();
    let routes = if names.len() == 1 { "the route" } else { "the routes" };
    let text = format!(
        "{routes} {}: the secret {SEAL_KEY} must be set, by `npx wrangler secret put {SEAL_KEY}`",
        names.join(", ")
    );
    (!names.is_empty()).then_some(text)
}

/// A number of things, whose name is this for one of them.
pub(crate) fn counted(count: usize, name: &str) -> String {
    if count == 1 { format!("1 {name}") } else { format!("{count} {name}s") }
}
