//! When an origin may still be called.

use core::time::Duration;

use crate::limits;

/// How long a claim of a route with this `timeout` holds.
pub fn lease(timeout: Duration) -> Duration {
    timeout.saturating_add(limits::LEASE_SLACK)
}

/// Whether the origin may be called, when `elapsed` has passed in the Worker since it sent its claim.
///
/// The call must be over, at the latest by its own timeout, before the lease is. The Worker counts from the moment when it
/// *sent* the claim, which is before the ledger began to count, so the two clocks need not agree.
pub fn may_call_origin(elapsed: Duration, timeout: Duration, lease: Duration) -> bool {
    elapsed.saturating_add(timeout) <= lease
}

/// Whether an answer that took so long came in time. One that is only observed may take longer than the gate would have waited.
pub fn came_in_time(elapsed: Duration, timeout: Duration) -> bool {
    elapsed <= timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_is_begun_that_could_outlive_its_lease() {
        let timeout = Duration::from_secs(25);
        let lease = lease(timeout);
        assert!(may_call_origin(Duration::from_secs(10), timeout, lease));
        assert!(!may_call_origin(Duration::from_millis(10_001), timeout, lease));
        assert!(!may_call_origin(Duration::MAX, timeout, lease));
    }
}
