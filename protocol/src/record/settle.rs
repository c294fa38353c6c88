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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The origin has answered: keep the answer.
    Completed(Answer),
    /// This attempt is known not to have executed anything: free the key, where the attempt has claimed it.
    Released,
    /// The origin was asked, and says that it has not executed the attempt in question: free the key.
    NotExecuted,
    /// It is not known whether the origin executed.
    Doubted(Doubt),
}

/// Who brings an outcome, and of which attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Witness {
    /// Who brings it.
    pub attempt: AttemptId,
    /// Whose outcome it is: its own, or that of the attempt that it has asked the origin about. By the time it comes the record
    /// may be another's, of whom it says nothing.
    pub of: AttemptId,
}

impl Witness {
    /// An attempt that says how it ended itself.
    pub const fn of_itself(attempt: AttemptId) -> Self {
        Self { attempt, of: attempt }
    }
}

/// Decides what becomes of an attempt's outcome.
///
/// An attempt whose lease has ended, or whose outcome was in doubt, may still complete as long as nobody else has claimed
/// the key since; also where the record has expired and its row is still there.
pub fn settle(stored: &Stored, witness: Witness, outcome: Outcome, retention: Duration, now: Timestamp) -> Settle {
    let attempt = witness.attempt;
    if witness.of != attempt {
        return settle_another(stored, witness, outcome, retention, now);
    }
    let record = match stored {
        Stored::Absent if outcome == Outcome::Released => {
            return Settle::Write(tombstone(None, attempt, retention, now));
        }
        Stored::Absent => return Settle::Stale(StaleReason::Gone),
        Stored::Unreadable(error) => return Settle::Refuse(*error),
        Stored::Record(record) if record.attempt == attempt => record,
        // Its begin's answer was lost, so that it has not asked.
        Stored::Record(record) if record.is_asked_about_by(attempt) => {
            return match outcome {
                Outcome::Released | Outcome::Doubted(_) => record.learnt_nothing(now),
                Outcome::Completed(_) | Outcome::NotExecuted => Settle::Stale(StaleReason::OtherAttempt),
            };
        }
        Stored::Record(record) => {
            let is_free = matches!(record.view(now), View::Absent | View::Released);
            return match outcome {
                Outcome::Released if is_free => Settle::Write(tombstone(Some(record), attempt, retention, now)),
                _ => Settle::Stale(StaleReason::OtherAttempt),
            };
        }
    };
    match (&record.state, outcome) {
        (State::InProgress { .. } | State::Unknown(_) | State::Probing { .. }, Outcome::Completed(answer)) => {
            record.completed(attempt, answer, retention, now)
        }
        (State::InProgress { .. }, Outcome::Released) => record.released(attempt, retention, now),
        (State::InProgress { .. }, Outcome::Doubted(doubt)) => {
            record.ended(attempt, State::Unknown(doubt), Event::Doubted(doubt), retention, now)
        }
        (State::Completed(_), Outcome::Completed(_))
        | (State::Released | State::Moved { .. }, Outcome::Released)
        | (State::Unknown(_) | State::Probing { .. }, Outcome::Doubted(_)) => Settle::Already,
        (State::Completed(_), Outcome::Released | Outcome::Doubted(_))
        | (State::Released, Outcome::Completed(_) | Outcome::Doubted(_))
        | (State::Unknown(_) | State::Probing { .. }, Outcome::Released)
        | (State::Moved { .. }, Outcome::Completed(_) | Outcome::Doubted(_))
        // Only an attempt that asks about another may say so.
        | (_, Outcome::NotExecuted) => Settle::Stale(StaleReason::OtherOutcome),
    }
}

/// What an attempt brings that has asked the origin about another. What is known then is its word: the attempt in question is
/// refused from then on.
fn settle_another(stored: &Stored, witness: Witness, outcome: Outcome, retention: Duration, now: Timestamp) -> Settle {
    let record = match stored {
        Stored::Absent => return Settle::Stale(StaleReason::Gone),
        Stored::Unreadable(error) => return Settle::Refuse(*error),
        Stored::Record(record) => record,
    };
    let by = witness.attempt;
    if record.attempt == witness.of && record.is_asked_about_by(by) {
        return match outcome {
            Outcome::Completed(answer) => record.completed(by, answer, retention, now),
            Outcome::NotExecuted => record.released(by, retention, now),
            Outcome::Released | Outcome::Doubted(_) => record.learnt_nothing(now),
        };
    }
    match (&record.state, outcome) {
        (State::Completed(_), Outcome::Completed(_)) | (State::Released, Outcome::NotExecuted)
            if record.attempt == by =>
        {
            Settle::Already
        }
        _ => Settle::Stale(StaleReason::OtherAttempt),
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
    fn is_asked_about_by(&self, attempt: AttemptId) -> bool {
        matches!(self.state, State::Probing { by, .. } if by == attempt)
    }

    /// Who asked knows no more than before: the record is as it was, and may be asked about again.
    fn learnt_nothing(&self, now: Timestamp) -> Settle {
        match self.state {
            State::Probing { by, until, doubt } if now < until => {
                Settle::Write(Self { state: State::Probing { by, until: now, doubt }, ..self.clone() })
            }
            _ => Settle::Already,
        }
    }

    fn completed(&self, by: AttemptId, answer: Answer, retention: Duration, now: Timestamp) -> Settle {
        let event = Event::Completed(answer.status);
        self.ended(by, State::Completed(answer), event, retention, now)
    }

    fn released(&self, by: AttemptId, retention: Duration, now: Timestamp) -> Settle {
        self.ended(by, State::Released, Event::Released, retention, now)
    }

    fn ended(&self, by: AttemptId, state: State, event: Event, retention: Duration, now: Timestamp) -> Settle {
        let entry = Transition { at: now, attempt_number: self.number, event };
        Settle::Write(Self {
            fingerprint: self.fingerprint,
            attempt: by,
            number: self.number,
            state,
            expires_at: now.after(retention),
            history: self.settled_history(now).with(entry),
        })
    }
}
