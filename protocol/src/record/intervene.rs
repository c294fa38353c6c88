//! What an operator does to a record by hand, knowing what the gate cannot: whether the origin executed.

use core::time::Duration;

use super::{Answer, Event, Note, Record, State, Stored, Transition, View};
use crate::DecodeError;
use crate::ids::AttemptId;
use crate::time::Timestamp;

/// What an operator wants of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intervention {
    /// The origin executed, and this is to be the answer to every retry. For an unknown outcome only.
    Complete(Answer),
    /// The origin did not execute: free the key. For an unknown outcome only.
    Release,
    /// Free the key whatever is known, and delete the answer. Not while an attempt is under way.
    Forget,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intervened {
    /// Write this record.
    Write(Record),
    /// This very command has been carried out before.
    Already,
    /// The record does not stand so that this could be done. Its view says how it stands.
    Refused,
    /// The record cannot be read. Nobody may decide about what they do not know.
    Refuse(DecodeError),
}

/// Decides what becomes of an operator's command.
///
/// `by` is an attempt's id drawn for this command. It becomes the record's attempt, so that what the earlier attempt brings
/// late is refused, as from any attempt that does not hold the record; and the command may be sent again if its answer is
/// lost. `retention` is counted from now.
pub fn intervene(
    stored: &Stored,
    by: AttemptId,
    intervention: Intervention,
    note: Note,
    retention: Duration,
    now: Timestamp,
) -> Intervened {
    let record = match stored {
        Stored::Absent => return Intervened::Refused,
        Stored::Unreadable(error) => return Intervened::Refuse(*error),
        Stored::Record(record) if record.attempt == by => return Intervened::Already,
        Stored::Record(record) => record,
    };
    let (state, event) = match (record.view(now), intervention) {
        (View::Unknown(_), Intervention::Complete(answer)) => {
            let event = Event::Resolved { status: Some(answer.status), note };
            (State::Completed(answer), event)
        }
        (View::Unknown(_), Intervention::Release) => (State::Released, Event::Resolved { status: None, note }),
        (View::Unknown(_) | View::Completed(_), Intervention::Forget) => (State::Released, Event::Forgotten(note)),
        _ => return Intervened::Refused,
    };
    Intervened::Write(Record {
        fingerprint: record.fingerprint,
        attempt: by,
        number: record.number,
        state,
        expires_at: now.after(retention),
        history: record.settled_history(now).with(Transition { at: now, attempt_number: record.number, event }),
    })
}
