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

use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::limits;
use crate::time::Timestamp;

/// A span of time whose records lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number, part of the name of its table. Numbers are never used again.
    pub number: u32,
    /// When a newer generation takes over.
    pub closes_at: Timestamp,
    /// When all its records have expired.
    pub drop_after: Timestamp,
}

/// The generations of one ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generations {
    /// Oldest first.
    live: Vec<Generation>,
    last_number: u32,
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

/// What a ledger did since it began to count. Sums over ledgers are sums of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that were let through to the origin.
    pub forwarded: u64,
    /// Requests answered from the record.
    pub replayed: u64,
    /// Requests told that the first is still running.
    pub in_progress: u64,
    /// Requests that were parked until the first was done.
    pub waited: u64,
    /// Requests with another payload.
    pub mismatch: u64,
    /// Requests told that the outcome is unknown.
    pub unknown: u64,
    /// Answers kept.
    pub completed: u64,
    /// Keys freed.
    pub released: u64,
    /// Outcomes in doubt.
    pub doubted: u64,
    /// Outcomes refused from an attempt that does not hold the record.
    pub stale: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// Rows written for records, as storage reports them.
    pub record_rows: u64,
    /// Rows written for all else: generations, this state.
    pub other_rows: u64,
    /// Generations dropped.
    pub dropped: u64,
}

impl Counters {
    /// Name and value of each, in a fixed order.
    pub fn named(&self) -> [(&'static str, u64); 14] {
        [
            ("forwarded", self.forwarded),
            ("replayed", self.replayed),
            ("in_progress", self.in_progress),
            ("waited", self.waited),
            ("mismatch", self.mismatch),
            ("unknown", self.unknown),
            ("completed", self.completed),
            ("released", self.released),
            ("doubted", self.doubted),
            ("stale", self.stale),
            ("unreadable", self.unreadable),
            ("record_rows", self.record_rows),
            ("other_rows", self.other_rows),
            ("dropped", self.dropped),
        ]
    }

    fn from_values(mut next: impl FnMut() -> Result<u64, DecodeError>) -> Result<Self, DecodeError> {
        Ok(Self {
            forwarded: next()?,
            replayed: next()?,
            in_progress: next()?,
            waited: next()?,
            mismatch: next()?,
            unknown: next()?,
            completed: next()?,
            released: next()?,
            doubted: next()?,
            stale: next()?,
            unreadable: next()?,
            record_rows: next()?,
            other_rows: next()?,
            dropped: next()?,
        })
    }
}

/// What a ledger keeps beside its records, in one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    /// Where the records lie.
    pub generations: Generations,
    /// What it did.
    pub counters: Counters,
}

const SCHEMA: u8 = 1;

impl LedgerState {
    /// The stored form: version, the last number, the generations, the counters; integers big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.u8(SCHEMA);
        writer.u32(self.generations.last_number);
        writer.u16(u16::try_from(self.generations.live.len()).unwrap_or(u16::MAX));
        for generation in &self.generations.live {
            writer.u32(generation.number);
            writer.u64(generation.closes_at.as_millis());
            writer.u64(generation.drop_after.as_millis());
        }
        for (_, value) in self.counters.named() {
            writer.u64(value);
        }
        writer.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Where a newer program wrote it, or nobody did. Then the ledger must not be used: without its generations every
    /// record would seem absent.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(stored);
        bytes::version(&mut reader, SCHEMA)?;
        let last_number = reader.u32("the last generation's number")?;
        let count = reader.u16("the number of generations")?;
        let generation = |_| {
            Ok(Generation {
                number: reader.u32("a generation's number")?,
                closes_at: Timestamp::from_millis(reader.u64("a generation's end")?),
                drop_after: Timestamp::from_millis(reader.u64("a generation's expiry")?),
            })
        };
        let live = (0..count).map(generation).collect::<Result<_, _>>()?;
        let counters = Counters::from_values(|| reader.u64("a counter"))?;
        reader.finish()?;
        Ok(Self { generations: Generations { live, last_number }, counters })
    }
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
    }

    #[test]
    fn a_clock_that_steps_back_keeps_records_longer_never_shorter() {
        let mut generations = Generations::default();
        claim(&mut generations, DAY, at(10 * 86_400));
        let number = claim(&mut generations, DAY, at(86_400));
        assert_eq!(number, 1);
        assert!(generations.next_sweep().unwrap() >= at(86_400).after(LEASE).after(DAY));
    }

    #[test]
    fn the_state_is_read_as_it_was_written_and_a_newer_one_is_refused() {
        let mut state = LedgerState::default();
        claim(&mut state.generations, DAY, at(7));
        state.counters.replayed = 3;
        state.counters.dropped = u64::MAX;
        let stored = state.encode();
        assert_eq!(LedgerState::decode(&stored), Ok(state));
        let mut newer = stored.clone();
        newer[0] = 2;
        assert_eq!(LedgerState::decode(&newer), Err(DecodeError::Newer { found: 2, known: 1 }));
        for length in 0..stored.len() {
            assert!(LedgerState::decode(&stored[..length]).is_err());
        }
    }
}
