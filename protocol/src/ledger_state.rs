//! What a ledger keeps beside its records: where they lie, and what it did.

use serde_json::{Map, Value};

use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::retention::{Generation, Generations};
use crate::time::Timestamp;

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
    /// Requests for which the origin was asked about an unknown outcome.
    pub probed: u64,
    /// Requests refused because their scope had used all its new keys.
    pub limited: u64,
    /// Requests refused because there was no room for a new record.
    pub full: u64,
    /// Answers kept.
    pub completed: u64,
    /// Keys freed.
    pub released: u64,
    /// Outcomes in doubt.
    pub doubted: u64,
    /// Keys given away to the next layout.
    pub moved: u64,
    /// Records settled by an operator.
    pub resolved: u64,
    /// Records that an operator had forgotten.
    pub forgotten: u64,
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
    /// As the log and operators have them.
    pub fn shown(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        for (name, value) in self.named() {
            shown.insert(name.to_owned(), value.into());
        }
        shown
    }

    /// Name and value of each, in a fixed order.
    pub fn named(&self) -> [(&'static str, u64); 20] {
        [
            ("forwarded", self.forwarded),
            ("replayed", self.replayed),
            ("in_progress", self.in_progress),
            ("waited", self.waited),
            ("mismatch", self.mismatch),
            ("unknown", self.unknown),
            ("probed", self.probed),
            ("limited", self.limited),
            ("full", self.full),
            ("completed", self.completed),
            ("released", self.released),
            ("doubted", self.doubted),
            ("moved", self.moved),
            ("resolved", self.resolved),
            ("forgotten", self.forgotten),
            ("stale", self.stale),
            ("unreadable", self.unreadable),
            ("record_rows", self.record_rows),
            ("other_rows", self.other_rows),
            ("dropped", self.dropped),
        ]
    }

    /// These and those.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sums = self.named().into_iter().zip(other.named()).map(|((_, a), (_, b))| a.saturating_add(b));
        Self::from_values(|| Ok(sums.next().unwrap_or_default())).unwrap_or_default()
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        for (_, value) in self.named() {
            writer.u64(value);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_values(|| reader.u64("a counter"))
    }

    fn from_values(mut next: impl FnMut() -> Result<u64, DecodeError>) -> Result<Self, DecodeError> {
        Ok(Self {
            forwarded: next()?,
            replayed: next()?,
            in_progress: next()?,
            waited: next()?,
            mismatch: next()?,
            unknown: next()?,
            probed: next()?,
            limited: next()?,
            full: next()?,
            completed: next()?,
            released: next()?,
            doubted: next()?,
            moved: next()?,
            resolved: next()?,
            forgotten: next()?,
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
        self.counters.write(&mut writer);
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
        let counters = Counters::read(&mut reader)?;
        reader.finish()?;
        Ok(Self { generations: Generations { live, last_number }, counters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_as_it_was_written_and_a_newer_one_is_refused() {
        let mut state = LedgerState::default();
        let at = Timestamp::from_millis;
        state.generations.open(Generation { number: 7, closes_at: at(70), drop_after: at(700) });
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
