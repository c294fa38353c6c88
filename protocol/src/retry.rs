//! How a call to a ledger is tried again.
//!
//! A begin and a completion are harmless when repeated (the attempt id tells), so a lost answer is asked for again. An
//! overloaded ledger is never asked again: that would only add to its load.

use core::time::Duration;

/// How many times a call is made at most.
pub const TRIES: u32 = 3;

/// How long one try may take.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(3);

const FIRST_PAUSE_MS: u64 = 40;

/// What went wrong with a call, as far as it matters for what comes next; the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The ledger said that it has too much to do: it did nothing.
    Overloaded,
    /// No answer, or a broken one: it may have been carried out or not.
    Lost,
}

/// How long to pause before the next try, or `None` when it is over.
///
/// `made` counts the tries made so far. `random` is any number: the pause is drawn from the upper half of a span that
/// doubles with each try, so that callers who failed together do not come back together.
pub fn pause(failure: Failure, made: u32, random: u32) -> Option<Duration> {
    if failure == Failure::Overloaded || made >= TRIES {
        return None;
    }
    let span = FIRST_PAUSE_MS.checked_shl(made.min(8)).unwrap_or(FIRST_PAUSE_MS);
    let half = span.checked_div(2).unwrap_or(0);
    let jitter = u64::from(random).checked_rem(half.max(1)).unwrap_or(0);
    Some(Duration::from_millis(half.saturating_add(jitter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_few_spread_out_and_none_against_overload() {
        assert_eq!(pause(Failure::Overloaded, 1, 0), None);
        assert_eq!(pause(Failure::Lost, TRIES, 0), None);
        for random in [0, 1, 39, u32::MAX] {
            let first = pause(Failure::Lost, 1, random).unwrap();
            let second = pause(Failure::Lost, 2, random).unwrap();
            assert!((40..80).contains(&first.as_millis()), "{first:?}");
            assert!((80..160).contains(&second.as_millis()), "{second:?}");
        }
    }
}
