//! How much of a stored body is in memory at a time while it is replayed.
//!
//! Storage reads a row anew for each part of it that is asked for, so that to read a row whole is the least work. But a client who is slow
//! keeps what was read in memory for as long, and many may be.

use crate::limits;

/// What the replays hold that are under way in an isolate.
#[derive(Debug, Default)]
pub struct Replaying {
    held: u32,
}

/// What one replay may read at a time. It is [given back](Replaying::end) when that has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Portion {
    bytes: u32,
    counted: u32,
}

impl Portion {
    /// How many bytes, of one row at most.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }
}

impl Replaying {
    /// Begins the replay of a body of this length: row by row, as long as all of them together hold no more than
    /// [`limits::REPLAYED_BYTES`] by that; else by windows of [`limits::REPLAY_WINDOW_BYTES`], which are not counted.
    pub fn begin(&mut self, length: u32) -> Portion {
        let row = length.min(limits::ROW_BODY_BYTES);
        let held = self.held.saturating_add(row);
        if held > limits::REPLAYED_BYTES {
            return Portion { bytes: limits::REPLAY_WINDOW_BYTES, counted: 0 };
        }
        self.held = held;
        Portion { bytes: row, counted: row }
    }

    /// Ends it.
    pub fn end(&mut self, portion: &Portion) {
        self.held = self.held.saturating_sub(portion.counted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u32 = 1 << 20;

    #[test]
    fn a_body_is_read_row_by_row() {
        let mut replaying = Replaying::default();
        assert_eq!(replaying.begin(200_000).bytes(), 200_000);
        assert_eq!(replaying.begin(32 * MIB).bytes(), limits::ROW_BODY_BYTES);
    }

    #[test]
    fn where_many_are_replayed_the_others_are_read_by_windows() {
        let mut replaying = Replaying::default();
        let mut whole: Vec<Portion> = Vec::new();
        let other = loop {
            let portion = replaying.begin(MIB);
            if portion.bytes() != limits::ROW_BODY_BYTES {
                break portion;
            }
            whole.push(portion);
        };
        let most = limits::REPLAYED_BYTES / limits::ROW_BODY_BYTES;
        assert_eq!((whole.len(), other.bytes()), (most as usize, limits::REPLAY_WINDOW_BYTES));

        // A window that is done with makes no room for a row.
        replaying.end(&other);
        assert_eq!(replaying.begin(MIB).bytes(), limits::REPLAY_WINDOW_BYTES);
        replaying.end(&whole.pop().unwrap());
        assert_eq!(replaying.begin(MIB).bytes(), limits::ROW_BODY_BYTES);
    }
}
