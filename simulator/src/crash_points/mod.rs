//! Crash points: who dies after each step of a request, and what those are told who come then.
//!
//! Every cell of the matrix (a plot × a policy × a step × who dies × who comes) is carried out in the [`crate::world`], and
//! compared with what [`required`] says. In each, the promises are checked as ever; in the end what came late has come,
//! who survived has gone on, the origin has executed what it was still called for, and one more request learns how the key
//! stands.

mod carry_out;
mod plot;
mod required;
mod steps;
mod tenant;

use oncegate_protocol::record::OnUnknown;

use crate::bug::Bug;
pub(crate) use plot::{Plot, Step};

/// Who dies, and what becomes of what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The Worker; what it has sent still arrives.
    Worker,
    /// Likewise, and what it has sent is lost.
    WorkerAndWord,
    /// Likewise, and what it has sent comes late.
    WorkerBeforeWord,
    /// The ledger, and what is under way to it and from it. It is back at once; the Worker goes on.
    Ledger,
    /// Both, and what is under way.
    Both,
    /// Likewise, and what was under way to the ledger comes late.
    BothBeforeWord,
}

impl Crash {
    const ALL: [(Self, &str); 6] = [
        (Self::Worker, "the Worker dies"),
        (Self::WorkerAndWord, "the Worker dies, what it sent is lost"),
        (Self::WorkerBeforeWord, "the Worker dies, what it sent is late"),
        (Self::Ledger, "the ledger restarts"),
        (Self::Both, "both die"),
        (Self::BothBeforeWord, "both die, what was sent is late"),
    ];

    const fn spares_the_worker(self) -> bool {
        matches!(self, Self::Ledger)
    }
}

/// Who comes then. At once means: before who survived does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Retry,
    OtherBody,
    OtherTenant,
    RetryAfterLease,
    OtherBodyAfterLease,
}

impl Next {
    const ALL: [(Self, &str); 5] = [
        (Self::Retry, "retry"),
        (Self::OtherBody, "other body"),
        (Self::OtherTenant, "other tenant"),
        (Self::RetryAfterLease, "after the lease: retry"),
        (Self::OtherBodyAfterLease, "other body"),
    ];

    const fn is_after_lease(self) -> bool {
        matches!(self, Self::RetryAfterLease | Self::OtherBodyAfterLease)
    }

    const fn payload(self) -> u8 {
        match self {
            Self::OtherBody | Self::OtherBodyAfterLease => 1,
            Self::Retry | Self::OtherTenant | Self::RetryAfterLease => 0,
        }
    }
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing: its connection broke.
    Nothing,
    Created,
    Replayed,
    InProgress,
    Mismatch,
    Unknown,
    Released,
    Unavailable,
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) plot: Plot,
    pub(crate) on_unknown: OnUnknown,
    pub(crate) step: Step,
    pub(crate) crash: Crash,
    pub(crate) next: Next,
}

/// What comes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    /// What the one who comes then is told.
    pub(crate) next: Told,
    /// What the client of the Worker that died, or did not, is told.
    pub(crate) first: Told,
    /// How often the origin executes under the first one's key, in the end.
    pub(crate) executions: usize,
}

/// All cells, in the order of the table.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for plot in Plot::ALL {
        for on_unknown in plot.policies() {
            for step in plot.steps() {
                for (crash, _) in Crash::ALL {
                    cells.extend(Next::ALL.map(|(next, _)| Cell { plot, on_unknown: *on_unknown, step, crash, next }));
                }
            }
        }
    }
    cells
}

/// Carries a cell out.
///
/// # Errors
/// What came of it that must not, with the cell.
pub(crate) fn check(cell: &Cell, bug: Option<Bug>) -> Result<Came, String> {
    let required = required::of(cell);
    match carry_out::carry_out(cell, bug) {
        Ok(came) if came == required => Ok(came),
        Ok(came) => Err(format!("{cell:?}: {came:?} instead of {required:?}")),
        Err(wrong) => Err(format!("{cell:?}: {wrong}")),
    }
}

/// The matrix as a table, a row for each step and who dies, and how many cells were not as required.
pub(crate) fn table() -> (Vec<String>, Vec<String>) {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let mut heading = None;
    for row in cells().chunks(Next::ALL.len()) {
        let Some(cell) = row.first() else { continue };
        if heading.replace((cell.plot, cell.on_unknown)) != Some((cell.plot, cell.on_unknown)) {
            lines.push(format!("\n{} (on_unknown: {:?})", cell.plot.name(), cell.on_unknown));
            let columns = Next::ALL.map(|(_, name)| format!("{name:<24}"));
            lines.push(format!("{:<62}{}", "", columns.join("").trim_end()));
        }
        let said = row.iter().map(|cell| match check(cell, None) {
            Ok(Came { next, executions, .. }) => format!("{:<24}", format!("{next:?}, {executions}")),
            Err(text) => {
                wrong.push(text);
                format!("{:<24}", "WRONG")
            }
        });
        let said: String = said.collect();
        let crash = Crash::ALL.iter().find(|(crash, _)| *crash == cell.crash).map_or("", |(_, name)| name);
        lines.push(format!("{:<22}{crash:<40}{}", cell.step.name(), said.trim_end()));
    }
    (lines, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_as_required() {
        let cells = cells();
        let wrong: Vec<String> = cells.iter().filter_map(|cell| check(cell, None).err()).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    }

    #[test]
    fn no_cell_is_missing() {
        // Plots with their policies, by how many steps they have: 11 where the origin executes, 10 where it refuses; 9 and 8
        // where it is asked; 3 where an operator settles what is unknown.
        let steps = 11 * 3 * 3 + 10 * 3 + 9 + 8 + 3 + 3;
        assert_eq!(cells().len(), steps * 6 * 5);
        assert_eq!(cells().len(), 4_560);
    }

    /// The mistakes of the kill list that a crash brings to light. The others take time, a repeated message, or another version.
    const BROUGHT_TO_LIGHT: [Bug; 9] = [
        Bug::ExecuteAgainAfterLease,
        Bug::DeleteOnTimeout,
        Bug::CompleteIgnoresFence,
        Bug::ReplyBeforeDurable,
        Bug::FingerprintIgnored,
        Bug::DoubtReleases,
        Bug::NewAttemptPerTry,
        Bug::LeaseNotHeld,
        Bug::LeaseNeverEnds,
    ];

    #[test]
    fn mistakes_are_found() {
        for bug in BROUGHT_TO_LIGHT {
            assert!(cells().iter().any(|cell| check(cell, Some(bug)).is_err()), "{bug:?}");
        }
    }
}
