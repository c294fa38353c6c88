//! What must come of each cell: from GUARANTEES.md, and not from the code.

use oncegate_protocol::record::OnUnknown;

use super::{Came, Cell, Crash, Next, Plot, Step, Told};
use Left::{Before, Claim, Outcome};
use State::{Absent, Completed, InProgress, Released, Unknown};

/// What is on record when the next one comes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// What was there before: nothing, or an unknown outcome.
    Before,
    /// The claim, or the right to ask the origin.
    Claim,
    /// How it ended.
    Outcome,
}

/// What is written and not durable is lost with the ledger; what is on its way is lost, or late, with who sent it.
#[rustfmt::skip]
const LEAVES: [(Step, [Left; 6]); 11] = [
    //                      the Worker dies; what it sent    the ledger  both die; what was sent
    //                      arrives   is lost   is late      restarts    is lost   is late
    (Step::Received,       [Before,   Before,   Before,      Before,     Before,   Before]),
    (Step::ClaimSent,      [Claim,    Before,   Before,      Before,     Before,   Before]),
    (Step::ClaimWritten,   [Claim,    Claim,    Claim,       Before,     Before,   Before]),
    (Step::ClaimDurable,   [Claim,    Claim,    Claim,       Claim,      Claim,    Claim]),
    (Step::Granted,        [Claim,    Claim,    Claim,       Claim,      Claim,    Claim]),
    (Step::OriginCalled,   [Claim,    Claim,    Claim,       Claim,      Claim,    Claim]),
    (Step::OriginExecuted, [Claim,    Claim,    Claim,       Claim,      Claim,    Claim]),
    (Step::OutcomeSent,    [Outcome,  Claim,    Claim,       Claim,      Claim,    Claim]),
    (Step::OutcomeWritten, [Outcome,  Outcome,  Outcome,     Claim,      Claim,    Claim]),
    (Step::OutcomeDurable, [Outcome,  Outcome,  Outcome,     Outcome,    Outcome,  Outcome]),
    (Step::ReplyGiven,     [Outcome,  Outcome,  Outcome,     Outcome,    Outcome,  Outcome]),
];

/// How a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Absent,
    InProgress,
    Completed,
    Released,
    Unknown,
}

/// What those are told who come then. `Unknown` stands for what the route does about unknown outcomes: see [`asked_again`].
#[rustfmt::skip]
const TELLS: [(State, [Told; 5]); 5] = [
    //           at once:                                         after the lease:
    //           retry             other body       other tenant  retry           other body
    (Absent,     [Told::Created,    Told::Created,  Told::Created, Told::Created,  Told::Created]),
    (InProgress, [Told::InProgress, Told::Mismatch, Told::Created, Told::Unknown,  Told::Mismatch]),
    (Completed,  [Told::Replayed,   Told::Mismatch, Told::Created, Told::Replayed, Told::Mismatch]),
    (Released,   [Told::Created,    Told::Created,  Told::Created, Told::Created,  Told::Created]),
    (Unknown,    [Told::Unknown,    Told::Mismatch, Told::Created, Told::Unknown,  Told::Mismatch]),
];

pub(super) fn of(cell: &Cell) -> Came {
    let next = next(cell);
    Came { next, first: first(cell, next), executions: executions(cell, next) }
}

fn next(cell: &Cell) -> Told {
    let column = Next::ALL.iter().position(|(next, _)| *next == cell.next);
    let row = TELLS.iter().find(|(state, _)| *state == state_of(cell)).map(|(_, row)| row);
    match row.zip(column).and_then(|(row, column)| row.get(column)) {
        Some(Told::Unknown) => asked_again(cell),
        told => told.copied().unwrap_or(Told::Nothing),
    }
}

/// An unknown outcome is held; or the request is sent on, knowing that it may execute twice; or the origin is asked.
fn asked_again(cell: &Cell) -> Told {
    match cell.on_unknown {
        OnUnknown::Hold => Told::Unknown,
        OnUnknown::Retry => Told::Created,
        OnUnknown::Probe if has_executed(cell) => Told::Replayed,
        OnUnknown::Probe => Told::Created,
    }
}

/// Whether the origin has executed the first request when the next one comes.
fn has_executed(cell: &Cell) -> bool {
    let has_gone_on = survives(cell) && cell.next.is_after_lease();
    cell.plot.executes() && (cell.plot.begins_unknown() || cell.step >= Step::OriginExecuted || has_gone_on)
}

/// Whether there is a Worker that goes on.
fn survives(cell: &Cell) -> bool {
    cell.crash.spares_the_worker() && !cell.plot.is_ordered()
}

fn left(cell: &Cell) -> Left {
    let column = Crash::ALL.iter().position(|(crash, _)| *crash == cell.crash);
    let row = LEAVES.iter().find(|(step, _)| *step == cell.step).map(|(_, row)| row);
    row.zip(column).and_then(|(row, column)| row.get(column)).copied().unwrap_or(Before)
}

fn state_of(cell: &Cell) -> State {
    if survives(cell) && cell.next.is_after_lease() {
        // It has gone on to its end in the meantime. Where the origin had not executed, whoever asked it has executed since.
        return if cell.plot == Plot::ProbedNot { Completed } else { outcome_of(cell.plot) };
    }
    match left(cell) {
        Before | Claim if cell.plot.is_ordered() => Unknown,
        Before if cell.plot.begins_unknown() => Unknown,
        Before => Absent,
        Claim => InProgress,
        Outcome => outcome_of(cell.plot),
    }
}

fn outcome_of(plot: Plot) -> State {
    match plot {
        Plot::Stored | Plot::ProbedExecuted | Plot::OrderedExecuted => Completed,
        Plot::Refused | Plot::ProbedNot | Plot::OrderedNot => Released,
        Plot::BadGateway | Plot::Silent => Unknown,
    }
}

/// What the client of the first Worker is told: nothing, unless that has given its reply, or lives. Then it is what it would have
/// been told anyway, unless another one took the key before it.
fn first(cell: &Cell, next: Told) -> Told {
    if cell.plot.is_ordered() || (!survives(cell) && cell.step != Step::ReplyGiven) {
        return Told::Nothing;
    }
    let is_free = left(cell) == Before || (cell.plot == Plot::ProbedNot && left(cell) == Outcome);
    match (cell.next, next) {
        (Next::Retry, Told::Created) if is_free => Told::Replayed,
        (Next::OtherBody, Told::Created) if is_free => Told::Mismatch,
        _ => match cell.plot {
            Plot::Stored | Plot::ProbedNot => Told::Created,
            Plot::Refused => Told::Released,
            Plot::BadGateway | Plot::Silent => Told::Unknown,
            Plot::ProbedExecuted | Plot::OrderedExecuted | Plot::OrderedNot => Told::Replayed,
        },
    }
}

/// At most one, where the route has not given that up: the first request's, or that of the next one.
fn executions(cell: &Cell, next: Told) -> usize {
    let is_next = next == Told::Created && cell.next != Next::OtherTenant;
    let is_taken = is_next && !cell.next.is_after_lease() && left(cell) == Before;
    let is_first = match cell.plot {
        // It is said not to have executed, and will not.
        Plot::OrderedNot => false,
        // The call that nobody has asked about may still execute. Else it is the one who asked who does, if it lives.
        Plot::ProbedNot => !is_next && (survives(cell) || cell.step < Step::OutcomeSent),
        Plot::ProbedExecuted | Plot::OrderedExecuted => true,
        Plot::Refused => false,
        Plot::Stored | Plot::BadGateway | Plot::Silent => {
            // Who is asked and says no does not execute any more.
            let is_denied = cell.on_unknown == OnUnknown::Probe && is_next && !is_taken && !has_executed(cell);
            (cell.step >= Step::OriginCalled && !is_denied) || (survives(cell) && !is_taken)
        }
    };
    usize::from(is_first).saturating_add(usize::from(is_next))
}
