//! What becomes of a request that comes with a key.

use core::time::Duration;

use super::{Answer, Event, History, Record, State, Stored, Transition, View};
use crate::DecodeError;
use crate::ids::{AttemptId, Fingerprint, LayoutId};
use crate::outcome::Doubt;
use crate::time::Timestamp;

/// A request for the right to call the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Drawn anew for each request; the same when a claim is sent again because its answer was lost.
    pub attempt: AttemptId,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
    /// How long the claim holds.
    pub lease: Duration,
    /// How long a settled record is kept: the route's ttl and guard.
    pub retention: Duration,
    /// What to do where the outcome of an earlier attempt is unknown.
    pub on_unknown: OnUnknown,
    /// Whether the ledger that is asked keeps new records.
    pub layout: Layout,
    /// How many records the ledger may have.
    pub max_records: u32,
    /// Whether a new key must be counted first.
    pub counting: Counting,
}

/// Whether a new key has been counted against the route's [`crate::quota::Quota`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counting {
    /// It need not be, or has been.
    Done,
    /// It has yet to be, if the key is new.
    Due,
}

/// In which layout of its route a ledger is asked. A route has a previous layout while its number of shards, or its name, is
/// being changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The one that keeps new records.
    Current,
    /// The one before: it is asked first, answers for the records that it has, and gives the other keys away for good.
    Previous {
        /// To which layout.
        next: LayoutId,
    },
}

/// What a request gets whose key has an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnUnknown {
    /// It is told so, and the origin is not called.
    Hold,
    /// The origin is called again. The operator knows that it may execute twice.
    Retry,
    /// The origin is asked whether it has executed. One request asks at a time; the others are told that one is under way.
    Probe,
}

/// What is to be done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin<'a> {
    /// Write `write`, if any, and then let the Worker call the origin.
    Forward {
        /// Which attempt this is, from 1.
        number: u32,
        /// When its lease ends.
        lease_until: Timestamp,
        /// The record to be written first; `None` where this same attempt holds it already.
        write: Option<Record>,
    },
    /// Answer from the record.
    Replay {
        /// The answer.
        answer: &'a Answer,
        /// The attempt that brought it.
        attempt: AttemptId,
        /// Until when it is on record.
        expires_at: Timestamp,
    },
    /// An attempt is under way.
    InProgress {
        /// When its lease ends.
        lease_until: Timestamp,
    },
    /// Write `write`, if any, and then let the Worker ask the origin what became of the attempt that holds the record.
    Probe {
        /// The attempt in question.
        fence: AttemptId,
        /// Which one that is, from 1.
        number: u32,
        /// Why its outcome is unknown.
        doubt: Doubt,
        /// The record to be written first; `None` where this same attempt is asking already.
        write: Option<Record>,
    },
    /// The key was used for another payload.
    Mismatch,
    /// The outcome of an earlier attempt is unknown.
    Unknown(Doubt),
    /// The key has been given away to the next layout; write `write`, if any, before saying so.
    Moved {
        /// What keeps anybody else from claiming the key here.
        write: Option<Record>,
    },
    /// The key has been given away to a layout that the Worker does not mean. Only that one may execute it.
    Elsewhere,
    /// The key is new, and must be counted before it is claimed.
    Count,
    /// The key is new, and the ledger has as many records as it may.
    Full,
    /// This very attempt has ended already: the claim was late, or sent twice, and nobody is there to use it.
    Stale,
    /// The record cannot be read. It is never taken for absent.
    Refuse(DecodeError),
}

/// Decides what becomes of a request, from what is stored for its key.
///
/// Another payload is a mismatch whatever else holds, save where nothing was executed (absent, expired or released): such a
/// key is free.
pub fn begin<'a>(stored: &'a Stored, claim: &Claim, now: Timestamp) -> Begin<'a> {
    let record = match stored {
        Stored::Absent => return claim_free(None, claim, now),
        Stored::Unreadable(error) => return Begin::Refuse(*error),
        Stored::Record(record) => record,
    };
    match record.view(now) {
        View::Absent => claim_free(None, claim, now),
        View::Released if record.attempt == claim.attempt => Begin::Stale,
        View::Released => claim_free(Some(record), claim, now),
        View::Moved { next } if claim.layout == (Layout::Previous { next }) => {
            // For as long as anybody asks for it, the key is not claimed here again.
            let is_ending = record.expires_at < now.after(claim.lease).after(claim.retention);
            Begin::Moved { write: is_ending.then(|| moved(Some(record), next, claim, now)) }
        }
        View::Moved { .. } => Begin::Elsewhere,
        _ if record.fingerprint != claim.fingerprint => Begin::Mismatch,
        View::InProgress { lease_until } if record.attempt == claim.attempt => {
            Begin::Forward { number: record.number, lease_until, write: None }
        }
        View::InProgress { lease_until } => Begin::InProgress { lease_until },
        View::Probing { by, doubt, .. } if by == claim.attempt => probe(record, doubt, None),
        View::Probing { until, .. } => Begin::InProgress { lease_until: until },
        View::Completed(answer) => Begin::Replay { answer, attempt: record.attempt, expires_at: record.expires_at },
        View::Unknown(doubt) => match claim.on_unknown {
            _ if record.has_been_tried_by(claim.attempt) => Begin::Stale,
            OnUnknown::Hold => Begin::Unknown(doubt),
            OnUnknown::Retry => forward(Some(record), claim, now),
            OnUnknown::Probe => probe(record, doubt, Some(probing(record, doubt, claim, now))),
        },
    }
}

fn probe<'a>(record: &Record, doubt: Doubt, write: Option<Record>) -> Begin<'a> {
    Begin::Probe { fence: record.attempt, number: record.number, doubt, write }
}

/// The record keeps its attempt, which may still complete, and its expiry: asking adds nothing to what is known.
fn probing(record: &Record, doubt: Doubt, claim: &Claim, now: Timestamp) -> Record {
    let transition = Transition { at: now, attempt_number: record.number, event: Event::Probed };
    Record {
        fingerprint: record.fingerprint,
        attempt: record.attempt,
        number: record.number,
        state: State::Probing { by: claim.attempt, until: now.after(claim.lease), doubt },
        expires_at: record.expires_at,
        history: record.settled_history(now).with(transition),
    }
}

/// A key that nobody holds: claimed in the current layout, and given away by the previous one.
fn claim_free<'a>(previous: Option<&Record>, claim: &Claim, now: Timestamp) -> Begin<'a> {
    match claim.layout {
        Layout::Current => forward(previous, claim, now),
        Layout::Previous { next } => Begin::Moved { write: Some(moved(previous, next, claim, now)) },
    }
}

fn moved(previous: Option<&Record>, next: LayoutId, claim: &Claim, now: Timestamp) -> Record {
    let number = previous.map_or(0, |record| record.number);
    let history = previous.map(|record| record.settled_history(now)).unwrap_or_default();
    Record {
        fingerprint: claim.fingerprint,
        attempt: claim.attempt,
        number,
        state: State::Moved { next },
        // Twice as long as a record would live that was claimed now where the key goes: so it is seldom renewed.
        expires_at: now.after(claim.lease).after(claim.retention).after(claim.lease).after(claim.retention),
        history: history.with(Transition { at: now, attempt_number: number, event: Event::Moved }),
    }
}

fn forward<'a>(previous: Option<&Record>, claim: &Claim, now: Timestamp) -> Begin<'a> {
    let number = previous.map_or(1, |record| record.number.saturating_add(1));
    let lease_until = now.after(claim.lease);
    let history = previous.map(|record| record.settled_history(now)).unwrap_or_default();
    let write = Record {
        fingerprint: claim.fingerprint,
        attempt: claim.attempt,
        number,
        state: State::InProgress { lease_until },
        expires_at: lease_until.after(claim.retention),
        history: history.with(Transition { at: now, attempt_number: number, event: Event::Claimed }),
    };
    Begin::Forward { number, lease_until, write: Some(write) }
}

impl Record {
    /// Whether this attempt has held the record, or asked about it: then its claim came twice, and nobody waits for it.
    fn has_been_tried_by(&self, attempt: AttemptId) -> bool {
        self.attempt == attempt || matches!(self.state, State::Probing { by, .. } if by == attempt)
    }

    /// The history, with the end of the lease written in where it has ended without an outcome.
    pub(super) fn settled_history(&self, now: Timestamp) -> History {
        match self.state {
            State::InProgress { lease_until } if now >= lease_until => self.history.clone().with(Transition {
                at: lease_until,
                attempt_number: self.number,
                event: Event::Doubted(Doubt::LeaseExpired),
            }),
            _ => self.history.clone(),
        }
    }
}
