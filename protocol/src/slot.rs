//! Where in a table a row is.
//!
//! A ledger's tables are in the order of whole numbers, not of ids. To find an id in a table that is in the order of ids, SQLite compares
//! rows as a whole, and reads each of them with all of its body: more pages with each record, and with each byte of an answer.
//! A number is compared alone.

use core::fmt;

use crate::ids::{AttemptId, RecordId, first_number};

/// The number of a row. Each id has one of its own to begin with, which another id may have as well; then its row is in one of
/// those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u64);

/// How many bits of an id are its slot: JavaScript's numbers are whole up to 53, and there is room behind the last one. That two of a
/// ledger's ten million records have the same is to be expected in one ledger of ninety.
const BITS: u32 = 52;

impl Slot {
    /// In how many slots a record may be: its own, and those behind it. That all of them are taken by others does not happen by chance.
    pub const TRIES: u32 = 8;

    /// The slot of this number.
    pub fn new(number: u64) -> Option<Self> {
        (number >> (BITS + 1) == 0).then_some(Self(number))
    }

    /// The number, below 2^53.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The slot so many behind this one.
    #[must_use]
    pub fn behind(self, count: u32) -> Self {
        Self(self.0.saturating_add(count.into()))
    }

    /// Where the first of so many parts of all ids' slots ends, if each part has as many.
    pub fn end_of_first(parts: u32) -> Self {
        Self((1_u64 << BITS).checked_div(parts.into()).unwrap_or(0))
    }

    fn first_bits(number: u64) -> Self {
        Self(number >> (u64::BITS - BITS))
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RecordId {
    /// The first slot that its row may be in. Slots are in the order of ids.
    pub fn slot(&self) -> Slot {
        Slot::first_bits(first_number(self.as_bytes()))
    }
}

impl AttemptId {
    /// The slot of the first piece of the body that it brought. The others are behind it. (An attempt's id is drawn at random, so that nobody
    /// chooses one that another has; where chance does, the body is not stored.)
    pub fn slot(&self) -> Slot {
        Slot::first_bits(first_number(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_in_the_order_of_ids_and_whole_numbers_in_javascript() {
        let id = |first: u8, seventh: u8| {
            let mut bytes = [0; 32];
            (bytes[0], bytes[6]) = (first, seventh);
            RecordId::from_bytes(bytes)
        };
        let ids = [id(0, 0), id(0, 16), id(1, 0), id(1, 16), id(255, 255)];
        assert!(ids.iter().map(RecordId::slot).is_sorted_by(|a, b| a < b));
        // What an id ends with makes no difference.
        assert_eq!(id(1, 15).slot(), id(1, 0).slot());
        let last = RecordId::from_bytes([255; 32]).slot().behind(u16::MAX.into());
        assert!(last.number() < 1 << 53, "{last}");
        assert_eq!(Slot::new(last.number()), Some(last));
        assert_eq!(Slot::new(1 << 53), None);
    }

    #[test]
    fn ids_that_begin_with_a_zero_are_the_first_256th() {
        let end = Slot::end_of_first(256);
        let with = |first| RecordId::from_bytes([first; 32]).slot();
        assert!(with(0) < end && with(1) > end);
        let mut last = [255; 32];
        last[0] = 0;
        assert!(RecordId::from_bytes(last).slot() < end);
    }
}
