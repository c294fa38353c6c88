//! What a ledger with a [`Bug`] makes of what it is asked. The shipped protocol decides all the same: on what it is shown.

use core::time::Duration;

use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::record::{Claim, OnUnknown, Outcome, Record, State, Stored, View, Witness};
use oncegate_protocol::time::Timestamp;

use crate::bug::Bug;
use crate::scenario::{Scenario, TICK};

pub(super) fn retention(scenario: &Scenario) -> Duration {
    match scenario.bug {
        Some(Bug::NoGuard) => Scenario::span(scenario.ttl),
        _ => scenario.retention(),
    }
}

/// What is shown of the record where a key is begun, or `None` for what there is.
pub(super) fn at_begin(real: &Stored, claim: &mut Claim, now: Timestamp, bug: Bug) -> Option<Stored> {
    let record = match real {
        Stored::Record(record) => record,
        Stored::Unreadable(_) => return (bug == Bug::UnreadableIsAbsent).then_some(Stored::Absent),
        Stored::Absent => return None,
    };
    match (bug, record.view(now)) {
        (Bug::ExecuteAgainAfterLease, View::Unknown(Doubt::LeaseExpired)) => claim.on_unknown = OnUnknown::Retry,
        (Bug::FingerprintIgnored, _) => claim.fingerprint = record.fingerprint,
        (Bug::LeaseNotHeld, View::InProgress { .. }) => return Some(Stored::Absent),
        (Bug::LeaseNeverEnds, View::Unknown(Doubt::LeaseExpired)) => {
            let state = State::InProgress { lease_until: now.after(TICK) };
            return Some(Stored::Record(Record { state, ..record.clone() }));
        }
        _ => {}
    }
    None
}

/// Likewise where an attempt brings an outcome; and who is taken to bring it.
pub(super) fn at_settle(
    real: Stored,
    witness: Witness,
    number: u32,
    outcome: &Outcome,
    bug: Option<Bug>,
) -> (Stored, Witness) {
    let Stored::Record(record) = &real else { return (real, witness) };
    let holder = Witness::of_itself(record.attempt);
    match bug {
        Some(Bug::CompleteIgnoresFence) => (real, holder),
        Some(Bug::FenceRestarts) if record.number == number => (real, holder),
        Some(Bug::CompleteOverwrites) if matches!(outcome, Outcome::Completed(_)) => {
            let state = State::Unknown(Doubt::LeaseExpired);
            let shown = Record { attempt: witness.attempt, state, ..record.clone() };
            (Stored::Record(shown), Witness::of_itself(witness.attempt))
        }
        Some(Bug::ProbeNotBound) if matches!(record.state, State::Probing { by, .. } if by == witness.attempt) => {
            let of = record.attempt;
            (real, Witness { of, ..witness })
        }
        _ => (real, witness),
    }
}
