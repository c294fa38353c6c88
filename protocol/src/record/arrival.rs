//! A begin that may wait: what becomes of it when it arrives at the ledger, and each time it is looked at again.

use core::time::Duration;

use super::{Begin, Claim, Counting, Layout, Record, State, Stored, begin};
use crate::limits;
use crate::time::Timestamp;

/// How a begin has fared so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// How long it may wait for an attempt under way.
    pub wait: Duration,
    /// Whether it has been parked already.
    pub was_parked: bool,
}

/// How much there is in a ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// Begins that are parked for the same record.
    pub here: usize,
    /// Begins that are parked in the whole ledger.
    pub in_ledger: usize,
    /// Records, about.
    pub records: u64,
}

/// What is to be done with a begin now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// This, at once.
    Now(Begin<'a>),
    /// Park it, at most so long, and look again.
    Park(Duration),
    /// Ask the Worker to begin anew. It has become free to call the origin while it was parked; but the Worker counts its
    /// lease from when it sent the begin, and does not know how much of that time it was parked.
    Again,
}

/// Whether a begin would claim, or give away, a key that was not in use.
fn is_new(stored: &Stored, begun: &Begin<'_>) -> bool {
    let is_moved = matches!(stored, Stored::Record(Record { state: State::Moved { .. }, .. }));
    match begun {
        Begin::Forward { number: 1, write: Some(_), .. } => true,
        Begin::Moved { write: Some(_) } => !is_moved,
        _ => false,
    }
}

/// How many records there may be. A previous layout may have as many again for the keys that it gives away: it would else keep
/// a route from moving that moves because it is full.
fn most_records(claim: &Claim) -> u64 {
    let most = u64::from(claim.max_records);
    match claim.layout {
        Layout::Current => most,
        Layout::Previous { .. } => most.saturating_mul(2),
    }
}

/// Decides what becomes of a begin.
pub fn arrive<'a>(stored: &'a Stored, claim: &Claim, visit: &Visit, crowd: Crowd, now: Timestamp) -> Arrival<'a> {
    match begin(stored, claim, now) {
        begun if is_new(stored, &begun) && crowd.records >= most_records(claim) => Arrival::Now(Begin::Full),
        begun if is_new(stored, &begun) && claim.counting == Counting::Due => Arrival::Now(Begin::Count),
        Begin::Forward { write: Some(_), .. } | Begin::Probe { write: Some(_), .. } if visit.was_parked => {
            Arrival::Again
        }
        Begin::InProgress { lease_until } => {
            let until = visit.arrived_at.after(visit.wait).min(lease_until);
            let room = crowd.here < limits::WAITERS_PER_KEY && crowd.in_ledger < limits::WAITERS_PER_LEDGER;
            match until.since(now) {
                left if room && !left.is_zero() => Arrival::Park(left),
                _ => Arrival::Now(Begin::InProgress { lease_until }),
            }
        }
        other => Arrival::Now(other),
    }
}
