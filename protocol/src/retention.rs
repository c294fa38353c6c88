//! Where a ledger keeps its records, and when they may go.
//!
//! Records lie in *generations*: one table per span of time. A record is written to the newest generation and stays there;
//! a generation goes whole, once all its records have expired, because deleting rows costs a written row each and dropping
//! a table costs none. A key that is claimed again gets a new row in the newest generation, so a record is looked up from
//! the newest generation to the oldest and the first hit counts.
//!
//! Whether a record has expired is decided from its own time when it is read. Dropping is only garbage collection: doing it
//! late, twice or never changes no answer.

use core::time::Duration;

use crate::limits;
use crate::time::Timestamp;

/// A span of time whose records lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Its number, part of the name of its table. Numbers are never used again.
    pub number: u32,
    /// When a newer generation takes over.
    pub closes_at: Timestamp,
    /// When all its records have expired.
    pub drop_after: Timestamp,
}

/// The generations of one ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Generations {
    /// Oldest first.
    pub(crate) live: Vec<Generation>,
    pub(crate) last_number: u32,
}

/// Where a new record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into this generation.
    Into(u32),
    /// Into a generation that has to be opened first.
    Open(Generation),
}

impl Generations {
    /// The live generations' numbers, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = u32> {
        self.live.iter().rev().map(|generation| generation.number)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.live.len()
    }

    /// Where a record goes that is claimed at `now`, with this lease and retention.
    pub fn place(&self, lease: Duration, retention: Duration, now: Timestamp) -> Placement {
        match self.live.last() {
            Some(newest) if now < newest.closes_at || self.live.len() >= limits::GENERATIONS => {
                Placement::Into(newest.number)
            }
            _ => {
                let closes_at = now.after(width(lease, retention));
                Placement::Open(Generation {
                    number: self.last_number.saturating_add(1),
                    closes_at,
                    drop_after: closes_at.after(lease).after(retention),
                })
            }
        }
    }

    /// Takes note of a generation that was opened.
    pub fn open(&mut self, generation: Generation) {
        self.last_number = generation.number;
        self.live.push(generation);
    }

    /// Makes sure that a generation stays until a record in it has expired. Says whether that changed anything.
    ///
    /// A generation is opened with room for the leases and retention of its time; this is for what comes differently: a
    /// longer ttl after a deployment or by the origin's wish, or an outcome that comes late. It takes a share of `retention`
    /// on top, so that the records after this one seldom change it again.
    pub fn keep_until(&mut self, number: u32, expires_at: Timestamp, retention: Duration) -> bool {
        match self.live.iter_mut().find(|generation| generation.number == number) {
            Some(generation) if generation.drop_after < expires_at => {
                generation.drop_after = expires_at.after(retention.checked_div(4).unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    /// Takes out the generations that may be dropped at `now`, and gives their numbers.
    pub fn take_expired(&mut self, now: Timestamp) -> Vec<u32> {
        let (expired, live) = self.live.iter().partition(|generation| generation.drop_after <= now);
        self.live = live;
        let expired: Vec<Generation> = expired;
        expired.iter().map(|generation| generation.number).collect()
    }

    /// When the next generation may be dropped.
    pub fn next_sweep(&self) -> Option<Timestamp> {
        self.live.iter().map(|generation| generation.drop_after).min()
    }
}

/// How long a generation stays open: about as long as its records live, so that there are two or three at a time. Where
/// the lease is much longer than the retention, a quarter of their sum, so that there are still not many.
fn width(lease: Duration, retention: Duration) -> Duration {
    let life = lease.saturating_add(retention);
    retention.max(life.checked_div(4).unwrap_or_default()).max(Duration::from_millis(1))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(35);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// Claims a record at `now`, opening a generation where one is needed, and gives its generation.
    fn claim(generations: &mut Generations, retention: Duration, now: Timestamp) -> u32 {
        match generations.place(LEASE, retention, now) {
            Placement::Into(number) => number,
            Placement::Open(generation) => {
                generations.open(generation);
                generation.number
            }
        }
    }

    #[test]
    fn no_generation_goes_before_the_last_of_its_records() {
        for retention in [Duration::from_millis(1), Duration::from_secs(1), Duration::from_secs(60), DAY] {
            let mut generations = Generations::default();
            let mut records: Vec<(u32, Timestamp)> = Vec::new();
            let step = (crate::time::millis(retention) / 7).max(200);
            for tick in 0..300 {
                let now = Timestamp::from_millis(tick * step);
                let number = claim(&mut generations, retention, now);
                records.push((number, now.after(LEASE).after(retention)));
                for gone in generations.take_expired(now) {
                    assert!(records.iter().all(|(number, expires)| *number != gone || *expires <= now));
                }
                assert!(generations.count() <= 6, "{} generations for {retention:?}", generations.count());
            }
        }
    }

    #[test]
    fn a_record_is_looked_for_in_the_newest_generation_first() {
        let mut generations = Generations::default();
        for day in 0..3 {
            assert_eq!(generations.count(), day);
            claim(&mut generations, DAY, at(u64::try_from(day).unwrap() * 86_400));
        }
        assert_eq!(generations.newest_first().collect::<Vec<_>>(), [3, 2, 1]);
    }

    #[test]
    fn a_ledger_does_not_get_generations_without_end() {
        let mut generations = Generations::default();
        let claims = limits::GENERATIONS + 10;
        let numbers: Vec<u32> =
            (0..claims).map(|tick| claim(&mut generations, DAY, at(u64::try_from(tick).unwrap() * 86_400))).collect();
        let most = u32::try_from(limits::GENERATIONS).unwrap();
        assert!(numbers.iter().copied().take(limits::GENERATIONS).eq(1..=most));
        assert!(numbers.iter().skip(limits::GENERATIONS).all(|number| *number == most));
        assert_eq!(generations.count(), limits::GENERATIONS);
    }

    #[test]
    fn a_generation_is_open_for_the_retention_or_a_quarter_of_a_long_lease() {
        let seconds = Duration::from_secs;
        assert_eq!(width(seconds(35), seconds(100)), seconds(100));
        assert_eq!(width(seconds(310), seconds(10)), seconds(80));
        assert_eq!(width(Duration::ZERO, Duration::ZERO), Duration::from_millis(1));
    }

    #[test]
    fn an_idle_ledger_becomes_empty() {
        let mut generations = Generations::default();
        claim(&mut generations, DAY, at(0));
        let sweep = generations.next_sweep().unwrap();
        assert!(generations.take_expired(Timestamp::from_millis(sweep.as_millis() - 1)).is_empty());
        assert_eq!(generations.take_expired(sweep), [1]);
        assert_eq!(generations.next_sweep(), None);
        assert_eq!(claim(&mut generations, DAY, sweep), 2, "a number is not used again");
    }

    #[test]
    fn a_generation_is_kept_for_a_record_that_lives_longer() {
        let mut generations = Generations::default();
        let number = claim(&mut generations, DAY, at(0));
        let usual = generations.next_sweep().unwrap();
        assert!(!generations.keep_until(number, usual, DAY));
        let longer = usual.after(DAY);
        assert!(generations.keep_until(number, longer, DAY));
        assert!(!generations.keep_until(number, longer.after(Duration::from_secs(60)), DAY), "some room on top");
        assert!(generations.take_expired(longer).is_empty());
        assert_eq!(generations.next_sweep(), Some(longer.after(DAY / 4)));
        assert!(!generations.keep_until(number + 1, longer.after(DAY), DAY), "there is no such generation");
    }

    #[test]
    fn a_clock_that_steps_back_keeps_records_longer_never_shorter() {
        let mut generations = Generations::default();
        claim(&mut generations, DAY, at(10 * 86_400));
        let number = claim(&mut generations, DAY, at(86_400));
        assert_eq!(number, 1);
        assert!(generations.next_sweep().unwrap() >= at(86_400).after(LEASE).after(DAY));
    }
}
