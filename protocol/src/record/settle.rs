//! How an attempt ends: completed, released, or in doubt.
//!
//! Each is a no-op when the same attempt says it again, so that a lost answer can be asked for again; and each is refused
//! from an attempt that does not hold the record, since that would undo what another one did.

use core::time::Duration;

use super::{Answer, Event, Record, State, Stored, Transition, View};
use crate::DecodeError;
use crate::ids::{AttemptId, Fingerprint};
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

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The origin has answered: keep the answer.
    Completed(Answer),
    /// The origin is known not to have executed: free the key.
    Released,
    /// It is not known whether the origin executed.
    Doubted(Doubt),
}

/// Decides what becomes of an attempt's outcome.
///
/// An attempt whose lease has ended, or whose outcome was in doubt, may still complete as long as nobody else has claimed
/// the key since; also where the record has expired and its row is still there.
pub fn settle(stored: &Stored, attempt: AttemptId, outcome: Outcome, retention: Duration, now: Timestamp) -> Settle {
    let record = match stored {
        Stored::Absent if outcome == Outcome::Released => {
            return Settle::Write(tombstone(None, attempt, retention, now));
        }
        Stored::Absent => return Settle::Stale(StaleReason::Gone),
        Stored::Unreadable(error) => return Settle::Refuse(*error),
        Stored::Record(record) if record.attempt == attempt => record,
        Stored::Record(record) => {
            let is_free = matches!(record.view(now), View::Absent | View::Released);
            return match outcome {
                Outcome::Released if is_free => Settle::Write(tombstone(Some(record), attempt, retention, now)),
                _ => Settle::Stale(StaleReason::OtherAttempt),
            };
        }
    };
    match (&record.state, outcome) {
        (State::InProgress { .. } | State::Unknown(_), Outcome::Completed(answer)) => {
            let event = Event::Completed(answer.status);
            record.ended(State::Completed(answer), event, retention, now)
        }
        (State::InProgress { .. }, Outcome::Released) => record.ended(State::Released, Event::Released, retention, now),
        (State::InProgress { .. }, Outcome::Doubted(doubt)) => {
            record.ended(State::Unknown(doubt), Event::Doubted(doubt), retention, now)
        }
        (State::Completed(_), Outcome::Completed(_))
        | (State::Released | State::Moved { .. }, Outcome::Released)
        | (State::Unknown(_), Outcome::Doubted(_)) => Settle::Already,
        (State::Completed(_), Outcome::Released | Outcome::Doubted(_))
        | (State::Released, Outcome::Completed(_) | Outcome::Doubted(_))
        | (State::Unknown(_), Outcome::Released)
        | (State::Moved { .. }, Outcome::Completed(_) | Outcome::Doubted(_)) => {
            Settle::Stale(StaleReason::OtherOutcome)
        }
    }
}

/// What a release leaves that finds the key free: its claim may still be on its way, and must not be taken when it comes, as
/// nobody would use it.
fn tombstone(free: Option<&Record>, attempt: AttemptId, retention: Duration, now: Timestamp) -> Record {
    let number = free.map_or(0, |record| record.number);
    let history = free.map(|record| record.settled_history(now)).unwrap_or_default();
    Record {
        fingerprint: free.map_or(Fingerprint::from_bytes([0; Fingerprint::LENGTH]), |record| record.fingerprint),
        attempt,
        number,
        state: State::Released,
        expires_at: now.after(retention),
        history: history.with(Transition { at: now, attempt_number: number, event: Event::Released }),
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
