//! How an attempt ends: completed, released, or in doubt.
//!
//! Each is a no-op when the same attempt says it again, so that a lost answer can be asked for again; and each is refused
//! from an attempt that does not hold the record, since that would undo what another one did.

use core::time::Duration;

use super::{Answer, Event, Record, State, Stored, Transition};
use crate::DecodeError;
use crate::ids::AttemptId;
use crate::outcome::Doubt;
use crate::time::Timestamp;

/// What is to be done with an attempt's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Write this record.
    Write(Record),
    /// It has been said before.
    Already,
    /// The attempt does not hold the record: write nothing, count it and log it.
    Stale(StaleReason),
    /// The record cannot be read.
    Refuse(DecodeError),
}

/// Why an outcome came too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StaleReason {
    /// There is no record any more.
    Gone,
    /// Another attempt holds the record; if this one executed, the request may have been executed twice.
    OtherAttempt,
    /// The same attempt has said something else before.
    OtherOutcome,
}

/// The origin has answered: keep it.
///
/// An attempt whose lease has ended may still complete, as long as nobody else has claimed the key since.
pub fn complete(stored: &Stored, attempt: AttemptId, answer: Answer, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, attempt, |record| match record.state {
        State::InProgress { .. } | State::Unknown(_) => {
            let event = Event::Completed(answer.status);
            Some(record.ended(State::Completed(answer), event, retention, now))
        }
        State::Completed(_) => Some(Settle::Already),
        State::Released => None,
    })
}

/// The origin is known not to have executed: free the key.
pub fn release(stored: &Stored, attempt: AttemptId, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, attempt, |record| match record.state {
        State::InProgress { .. } => Some(record.ended(State::Released, Event::Released, retention, now)),
        State::Released => Some(Settle::Already),
        State::Completed(_) | State::Unknown(_) => None,
    })
}

/// It is not known whether the origin executed.
pub fn doubt(stored: &Stored, attempt: AttemptId, doubt: Doubt, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, attempt, |record| match record.state {
        State::InProgress { .. } => Some(record.ended(State::Unknown(doubt), Event::Doubted(doubt), retention, now)),
        State::Unknown(_) => Some(Settle::Already),
        State::Completed(_) | State::Released => None,
    })
}

/// What all three share: `decide` is asked only for a record that the attempt holds; its `None` means another outcome.
///
/// An expired record counts as held as long as its row is there: nobody else has claimed the key since.
fn settle(stored: &Stored, attempt: AttemptId, decide: impl FnOnce(&Record) -> Option<Settle>) -> Settle {
    match stored {
        Stored::Absent => Settle::Stale(StaleReason::Gone),
        Stored::Unreadable(error) => Settle::Refuse(*error),
        Stored::Record(record) if record.attempt != attempt => Settle::Stale(StaleReason::OtherAttempt),
        Stored::Record(record) => decide(record).unwrap_or(Settle::Stale(StaleReason::OtherOutcome)),
    }
}

impl Record {
    fn ended(&self, state: State, event: Event, retention: Duration, now: Timestamp) -> Settle {
        let entry = Transition { at: now, attempt_number: self.number, event };
        Settle::Write(Self {
            fingerprint: self.fingerprint,
            attempt: self.attempt,
            number: self.number,
            state,
            expires_at: now.after(retention),
            history: self.settled_history(now).with(entry),
        })
    }
}
