//! How a call to a ledger is tried again.
//!
//! A begin and a completion are harmless when repeated (the attempt id tells), so a lost answer is asked for again. An
//! overloaded ledger is never asked again: that would only add to its load.

use core::time::Duration;

/// How many times a call is made at most.
pub const TRIES: u32 = 3;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(3);

/// How long all tries of a call may take together: less than the lease outlasts the origin's timeout.
const BUDGET: Duration = Duration::from_secs(8);

const FIRST_PAUSE_MS: u64 = 40;

/// What went wrong with a call, as far as it matters for what comes next; the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The ledger said that it has too much to do: it did nothing.
    Overloaded,
    /// No answer, or a broken one: it may have been carried out or not.
    Lost,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many tries were made.
    pub made: u32,
    /// How long ago the first began.
    pub elapsed: Duration,
    /// How long the ledger may keep the call waiting on purpose, which the time that is allowed does not include.
    pub wait: Duration,
}

/// How long the next try may take.
pub fn time_limit(progress: Progress) -> Duration {
    TRY_TIMEOUT.saturating_add(progress.wait).min(left(progress))
}

fn left(Progress { elapsed, wait, .. }: Progress) -> Duration {
    BUDGET.saturating_add(wait).saturating_sub(elapsed)
}

/// How long to pause before the next try, or `None` when it is over.
///
/// `random` is any number: the pause is drawn from the upper half of a span that doubles with each try, so that callers who
/// failed together do not come back together.
pub fn pause(failure: Failure, progress: Progress, random: u32) -> Option<Duration> {
    let made = progress.made;
    if failure == Failure::Overloaded || made >= TRIES {
        return None;
    }
    let span = FIRST_PAUSE_MS.checked_shl(made.min(8)).unwrap_or(FIRST_PAUSE_MS);
    let half = span.checked_div(2).unwrap_or(0);
    let jitter = u64::from(random).checked_rem(half.max(1)).unwrap_or(0);
    Some(Duration::from_millis(half.saturating_add(jitter))).filter(|pause| *pause < left(progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_few_spread_out_and_none_against_overload() {
        let after = |made| Progress { made, elapsed: Duration::ZERO, wait: Duration::ZERO };
        assert_eq!(pause(Failure::Overloaded, after(1), 0), None);
        assert_eq!(pause(Failure::Lost, after(TRIES), 0), None);
        for random in [0, 1, 39, u32::MAX] {
            let first = pause(Failure::Lost, after(1), random).unwrap();
            let second = pause(Failure::Lost, after(2), random).unwrap();
            assert!((40..80).contains(&first.as_millis()), "{first:?}");
            assert!((80..160).contains(&second.as_millis()), "{second:?}");
        }
    }

    #[test]
    fn all_tries_together_end_before_a_lease_does() {
        let at = |seconds, wait| Progress {
            made: 1,
            elapsed: Duration::from_secs(seconds),
            wait: Duration::from_secs(wait),
        };
        let limits = [(0, 0, 3), (3, 0, 3), (6, 0, 2), (9, 0, 0), (0, 10, 13), (13, 10, 5)];
        for (seconds, wait, limit) in limits {
            assert_eq!(time_limit(at(seconds, wait)), Duration::from_secs(limit), "{seconds} s, {wait} s");
        }
        assert!(pause(Failure::Lost, at(7, 0), 0).is_some());
        assert_eq!(pause(Failure::Lost, at(8, 0), 0), None);
        let left = |millis| Progress { elapsed: BUDGET.saturating_sub(Duration::from_millis(millis)), ..at(0, 0) };
        assert!(pause(Failure::Lost, left(41), 0).is_some());
        assert_eq!(pause(Failure::Lost, left(40), 0), None, "nothing is left after the pause");
        assert!(BUDGET < crate::limits::LEASE_SLACK);
    }
}
