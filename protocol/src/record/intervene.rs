//! What an operator does to a record by hand, knowing what the gate cannot: whether the origin executed.

use core::time::Duration;

use super::{Answer, Event, Note, Record, State, Stored, Transition, View};
use crate::DecodeError;
use crate::ids::AttemptId;
use crate::time::Timestamp;

/// An operator's command about one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The attempt that the operator has looked at. What is known of it says nothing of any other.
    pub fence: AttemptId,
    /// An attempt's id drawn for this command. It becomes the record's, so that what the earlier attempt brings late is
    /// refused, as from any attempt that does not hold the record; and the command may be sent again if its answer is lost.
    pub by: AttemptId,
    /// What to do.
    pub intervention: Intervention,
    /// Who wants it, and why.
    pub note: Note,
    /// How long to keep the record from now.
    pub retention: Duration,
}

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
pub enum Intervened<'a> {
    /// Write this record.
    Write(Record),
    /// This very command has been carried out before, and the record is still as it left it.
    Already(&'a Record),
    /// The record is another attempt's by now than the one that the operator has looked at.
    OtherAttempt(&'a Record),
    /// The record does not stand so that this could be done. Its view says how it stands.
    Refused(&'a Record),
    /// There is no record.
    Absent,
    /// The record cannot be read. Nobody may decide about what they do not know.
    Refuse(DecodeError),
}

/// Decides what becomes of an operator's command.
///
/// It may come late: after its own second try has been carried out, and another attempt has taken the key that it freed. So
/// it is about the attempt that it names, and no other. While the origin is being asked about that attempt, nothing is
/// changed: what it says is about to come, and counts more.
pub fn intervene(stored: &Stored, order: Order, now: Timestamp) -> Intervened<'_> {
    let record = match stored {
        Stored::Absent => return Intervened::Absent,
        Stored::Unreadable(error) => return Intervened::Refuse(*error),
        Stored::Record(record) if record.attempt == order.by => return Intervened::Already(record),
        Stored::Record(record) => record,
    };
    let note = order.note;
    let (state, event) = match (record.view(now), order.intervention) {
        // Whose it was does not matter any more; and another layout may have the record.
        (View::Absent | View::Moved { .. }, _) => return Intervened::Refused(record),
        _ if record.attempt != order.fence => return Intervened::OtherAttempt(record),
        (View::Unknown(_), Intervention::Complete(answer)) => {
            let event = Event::Resolved { status: Some(answer.status), note };
            (State::Completed(answer), event)
        }
        (View::Unknown(_), Intervention::Release) => (State::Released, Event::Resolved { status: None, note }),
        (View::Unknown(_) | View::Completed(_), Intervention::Forget) => (State::Released, Event::Forgotten(note)),
        _ => return Intervened::Refused(record),
    };
    Intervened::Write(Record {
        fingerprint: record.fingerprint,
        attempt: order.by,
        number: record.number,
        state,
        expires_at: now.after(order.retention),
        history: record.settled_history(now).with(Transition { at: now, attempt_number: record.number, event }),
    })
}
