//! The promises of GUARANTEES.md, as what must never be seen.
//!
//! P3, that nothing is lost, is among them as P1 and P2: an answer that was marked `created` and then lost lets the origin
//! execute again, or another answer be given.

use oncegate_protocol::record::{Begin, Claim, OnUnknown, Record, State, Stored};
use oncegate_protocol::time::Timestamp;

use crate::scenario::Scenario;
use crate::world::{Execution, Told, World, are_tries_of_one_begin};

impl World {
    /// P1: within the ttl, nothing is executed twice. A route that retries has given that up.
    pub(crate) fn check_executions(&mut self, scenario: &Scenario) {
        let Some((last, earlier)) = self.executions.split_last() else { return };
        let is_again = earlier.iter().any(|execution| last.at < execution.at.saturating_add(scenario.ttl));
        if is_again && scenario.on_unknown != OnUnknown::Retry {
            self.violation = Some("P1: the origin executed twice within the ttl");
        }
    }

    /// What the latest of those who were told must not have been told.
    pub(crate) fn check_told(&mut self, scenario: &Scenario) {
        let Some((last, earlier)) = self.told.split_last() else { return };
        let payload = |request: usize| scenario.payloads.get(request);
        let broken = match self.execution(last) {
            None => Some("P2: an answer of an execution that never was"),
            Some(execution) if payload(execution.by) != payload(last.client) => {
                Some("P4: an answer to another payload")
            }
            Some(_) if scenario.on_unknown == OnUnknown::Retry => None,
            Some(_) => earlier
                .iter()
                .any(|other| self.contradicts(last, other, scenario) || self.contradicts(other, last, scenario))
                .then_some("P2: two answers within the ttl that differ"),
        };
        self.violation = broken.or(self.violation);
    }

    /// Whether one was told something else than another, less than a ttl after that one's answer was stored.
    fn contradicts(&self, one: &Told, other: &Told, scenario: &Scenario) -> bool {
        let Some(stored_at) = self.execution(other).and_then(|execution| execution.stored_at) else { return false };
        let is_later = one.at.answers > stored_at.answers;
        one.execution != other.execution && is_later && one.at.tick < stored_at.tick.saturating_add(scenario.ttl)
    }

    fn execution(&self, told: &Told) -> Option<&Execution> {
        self.executions.get(usize::try_from(told.execution).ok()?)
    }
}

/// What a ledger must not make of a begin.
///
/// # Errors
/// Which promise it breaks.
pub(crate) fn check_begin(
    stored: &Stored,
    claim: &Claim,
    begin: &Begin<'_>,
    now: Timestamp,
) -> Result<(), &'static str> {
    match (begin, stored) {
        (Begin::Forward { .. } | Begin::Probe { .. }, Stored::Unreadable(_)) => {
            Err("P5: a record that cannot be read was taken for absent")
        }
        (Begin::InProgress { .. }, Stored::Record(record)) => {
            // By its history, which says when the record was claimed, or the origin asked: not by the lease's own end.
            let since = record.history.transitions().last().map(|latest| latest.at);
            if since.is_none_or(|since| since.after(claim.lease) <= now) {
                Err("P6: a key is in progress past its lease")
            } else if is_own_claim(record, claim) {
                Err("P6: a request is held up by its own claim")
            } else {
                Ok(())
            }
        }
        (Begin::InProgress { .. }, _) => Err("P6: a key is in progress that nobody holds"),
        _ => Ok(()),
    }
}

/// Whether the record is held by the very request that is told to wait for it.
fn is_own_claim(record: &Record, claim: &Claim) -> bool {
    matches!(record.state, State::InProgress { .. }) && are_tries_of_one_begin(record.attempt, claim.attempt)
}
