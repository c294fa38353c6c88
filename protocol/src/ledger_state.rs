//! What a ledger keeps beside its records: where they lie, and what it did.

use core::time::Duration;

use serde_json::{Map, Value};

use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::outcome::Doubt;
use crate::record::{Record, State};
use crate::retention::{Generation, Generations};
use crate::time::{Timestamp, millis};

macro_rules! counters {
    ($($(#[$what:meta])* $name:ident,)*) => {
        /// What a ledger did since it began to count. Sums over ledgers are sums of these.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$what])* pub $name: u64,)*
        }

        impl Counters {
            /// How many there are.
            pub const COUNT: usize = [$(stringify!($name)),*].len();

            /// Name and value of each, in a fixed order. A new one comes last: those that are stored are read in this order.
            pub fn named(&self) -> [(&'static str, u64); Self::COUNT] {
                [$((stringify!($name), self.$name)),*]
            }

            fn from_values(mut next: impl FnMut() -> Result<u64, DecodeError>) -> Result<Self, DecodeError> {
                Ok(Self { $($name: next()?,)* })
            }
        }
    };
}

counters! {
    /// Requests that were let through to the origin.
    forwarded,
    /// Requests answered from the record.
    replayed,
    /// Requests told that the first is still running.
    in_progress,
    /// Requests that were parked until the first was done.
    waited,
    /// Requests with another payload.
    mismatch,
    /// Requests told that the outcome is unknown.
    unknown,
    /// Requests for which the origin was asked about an unknown outcome.
    probed,
    /// Requests refused because their scope had used all its new keys.
    limited,
    /// Requests refused because there was no room for a new record.
    full,
    /// Answers kept.
    completed,
    /// Keys freed.
    released,
    /// Outcomes in doubt.
    doubted,
    /// Keys given away to the next layout.
    moved,
    /// Records settled by an operator.
    resolved,
    /// Records that an operator had forgotten.
    forgotten,
    /// Outcomes refused from an attempt that does not hold the record.
    stale,
    /// Records that could not be read.
    unreadable,
    /// Rows written for records, as storage reports them.
    record_rows,
    /// Rows written for all else: generations, this state.
    other_rows,
    /// Generations dropped.
    dropped,
    /// Of the requests told that the outcome is unknown: since the Worker never said how it ended.
    unknown_lease_expired,
    /// Since the origin took too long.
    unknown_origin_timeout,
    /// Since the call failed.
    unknown_connection_lost,
    /// Since the answer's body broke off.
    unknown_body_cut,
    /// Since the answer could not be recorded.
    unknown_not_recorded,
    /// Since something between edge and origin answered.
    unknown_status,
    /// Calls to ledgers that failed, as Workers have told since.
    ledger_failures,
    /// Answers kept within so long of the first request with their key, and later than the span before.
    completed_in_10ms,
    /// Likewise.
    completed_in_50ms,
    /// Likewise.
    completed_in_100ms,
    /// Likewise.
    completed_in_250ms,
    /// Likewise.
    completed_in_500ms,
    /// Likewise.
    completed_in_1s,
    /// Likewise.
    completed_in_2500ms,
    /// Likewise.
    completed_in_5s,
    /// Likewise.
    completed_in_10s,
    /// Likewise.
    completed_in_30s,
    /// Likewise.
    completed_in_2m,
    /// Answers kept later than that.
    completed_later,
    /// The sum of these times, in milliseconds.
    completion_millis,
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

    /// These and those.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sums = self.named().into_iter().zip(other.named()).map(|((_, a), (_, b))| a.saturating_add(b));
        Self::from_values(|| Ok(sums.next().unwrap_or_default())).unwrap_or_default()
    }

    /// Counts a request that was told that the outcome is unknown.
    pub fn told_unknown(&mut self, doubt: Doubt) {
        add(&mut self.unknown, 1);
        let reason = match doubt {
            Doubt::LeaseExpired => &mut self.unknown_lease_expired,
            Doubt::OriginTimeout => &mut self.unknown_origin_timeout,
            Doubt::ConnectionLost => &mut self.unknown_connection_lost,
            Doubt::BodyCut => &mut self.unknown_body_cut,
            Doubt::NotRecorded => &mut self.unknown_not_recorded,
            Doubt::Status(_) => &mut self.unknown_status,
        };
        add(reason, 1);
    }

    /// Counts how an attempt ended, by the record that was written.
    pub fn settled(&mut self, record: &Record, now: Timestamp) {
        match record.state {
            State::Completed(_) => {
                add(&mut self.completed, 1);
                let began = record.history.transitions().first().map_or(now, |first| first.at);
                self.took(now.since(began));
            }
            State::Unknown(_) | State::Probing { .. } => add(&mut self.doubted, 1),
            State::Released | State::InProgress { .. } | State::Moved { .. } => add(&mut self.released, 1),
        }
    }

    fn took(&mut self, time: Duration) {
        let millis = millis(time);
        add(&mut self.completion_millis, millis);
        let span = match millis {
            0..=10 => &mut self.completed_in_10ms,
            11..=50 => &mut self.completed_in_50ms,
            51..=100 => &mut self.completed_in_100ms,
            101..=250 => &mut self.completed_in_250ms,
            251..=500 => &mut self.completed_in_500ms,
            501..=1_000 => &mut self.completed_in_1s,
            1_001..=2_500 => &mut self.completed_in_2500ms,
            2_501..=5_000 => &mut self.completed_in_5s,
            5_001..=10_000 => &mut self.completed_in_10s,
            10_001..=30_000 => &mut self.completed_in_30s,
            30_001..=120_000 => &mut self.completed_in_2m,
            _ => &mut self.completed_later,
        };
        add(span, 1);
    }

    /// How many answers were kept within how many seconds, each span without those before it; the last has no end.
    pub fn completion_spans(&self) -> [(&'static str, u64); 12] {
        [
            ("0.01", self.completed_in_10ms),
            ("0.05", self.completed_in_50ms),
            ("0.1", self.completed_in_100ms),
            ("0.25", self.completed_in_250ms),
            ("0.5", self.completed_in_500ms),
            ("1.0", self.completed_in_1s),
            ("2.5", self.completed_in_2500ms),
            ("5.0", self.completed_in_5s),
            ("10.0", self.completed_in_10s),
            ("30.0", self.completed_in_30s),
            ("120.0", self.completed_in_2m),
            ("+Inf", self.completed_later),
        ]
    }

    /// How many there are, and then each.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u16(u16::try_from(Self::COUNT).unwrap_or(u16::MAX));
        for (_, value) in self.named() {
            writer.u64(value);
        }
    }

    /// Reads them. A program that knows fewer has written fewer, and one that knows more has written more at the end.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.u16("the number of counters")?;
        Self::read_some(reader, count)
    }

    fn read_some(reader: &mut Reader<'_>, count: u16) -> Result<Self, DecodeError> {
        let mut left = count;
        let counters = Self::from_values(|| match left.checked_sub(1) {
            Some(fewer) => {
                left = fewer;
                reader.u64("a counter")
            }
            None => Ok(0),
        })?;
        for _ in 0..left {
            reader.u64("a counter of a newer program")?;
        }
        Ok(counters)
    }
}

fn add(counter: &mut u64, number: u64) {
    *counter = counter.saturating_add(number);
}

/// What a ledger keeps beside its records, in one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerState {
    /// Where the records lie.
    pub generations: Generations,
    /// What it did.
    pub counters: Counters,
}

const SCHEMA: u8 = 2;

/// The schema that had these many counters, and did not say so.
const SCHEMA_WITHOUT_COUNT: u8 = 1;
const COUNTERS_THEN: u16 = 20;

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
        let schema = bytes::version_since(&mut reader, SCHEMA_WITHOUT_COUNT, SCHEMA)?;
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
        let counters = match schema {
            SCHEMA_WITHOUT_COUNT => Counters::read_some(&mut reader, COUNTERS_THEN)?,
            _ => Counters::read(&mut reader)?,
        };
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
        newer[0] = 3;
        assert_eq!(LedgerState::decode(&newer), Err(DecodeError::Newer { found: 3, known: 2 }));
        for length in 0..stored.len() {
            assert!(LedgerState::decode(&stored[..length]).is_err());
        }
    }

    #[test]
    fn counters_of_programs_that_know_fewer_or_more_are_read() {
        let counters = |values: &[u64]| {
            let mut writer = Writer::with_capacity(64);
            writer.u16(u16::try_from(values.len()).unwrap());
            values.iter().for_each(|value| writer.u64(*value));
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            let counters = Counters::read(&mut reader).unwrap();
            reader.finish().unwrap();
            counters
        };
        assert_eq!(counters(&[]), Counters::default());
        assert_eq!(counters(&[1, 2]), Counters { forwarded: 1, replayed: 2, ..Counters::default() });
        let more = counters(&[5; Counters::COUNT + 2]);
        assert!(more.named().iter().all(|(_, value)| *value == 5));
    }

    #[test]
    fn an_answer_is_counted_in_the_shortest_span_that_it_took_no_longer_than() {
        let spans = [
            (0, "0.01"),
            (10, "0.01"),
            (11, "0.05"),
            (51, "0.1"),
            (250, "0.25"),
            (251, "0.5"),
            (1_000, "1.0"),
            (1_001, "2.5"),
            (5_000, "5.0"),
            (10_000, "10.0"),
            (30_000, "30.0"),
            (120_000, "120.0"),
            (120_001, "+Inf"),
        ];
        for (millis, expected) in spans {
            let mut counters = Counters::default();
            counters.took(Duration::from_millis(millis));
            let counted: Vec<_> = counters.completion_spans().into_iter().filter(|(_, count)| *count > 0).collect();
            assert_eq!((counted, counters.completion_millis), (vec![(expected, 1)], millis));
        }
    }

    #[test]
    fn who_is_told_that_the_outcome_is_unknown_is_counted_by_the_reason_too() {
        let doubts = [
            Doubt::LeaseExpired,
            Doubt::OriginTimeout,
            Doubt::ConnectionLost,
            Doubt::BodyCut,
            Doubt::NotRecorded,
            Doubt::Status(502),
        ];
        let mut counters = Counters::default();
        doubts.into_iter().for_each(|doubt| counters.told_unknown(doubt));
        let by_reason: Vec<_> = counters.named().into_iter().filter(|(name, _)| name.starts_with("unknown_")).collect();
        assert!(by_reason.len() == doubts.len() && by_reason.iter().all(|(_, count)| *count == 1), "{by_reason:?}");
        assert_eq!(counters.unknown, 6);
    }
}
