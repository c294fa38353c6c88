//! The origin's answer, as kept.

use crate::ids::{AttemptId, SealKeyId};
use crate::outcome::Status;
use crate::seal::Seal;

/// What is replayed. The body itself lies beside the record, untouched by this crate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The origin's status.
    pub status: Status,
    /// The origin's headers, in the order in which the platform gave them, repeated ones apart.
    pub headers: Vec<(String, String)>,
    /// Where the body is.
    pub body: KeptBody,
    /// The key that the body is sealed with; `None` where it is not sealed. It is the record that says so and not the route,
    /// which may begin and cease to seal while records live.
    pub sealed_by: Option<SealKeyId>,
}

impl Answer {
    /// What must be known to open the body, if it is sealed. `attempt` is the one that brought it.
    pub fn seal(&self, attempt: AttemptId) -> Option<Seal> {
        Some(Seal { key: self.sealed_by?, attempt, length: self.body.length()? })
    }
}

/// Where the body of an answer is. Lengths are those of what is kept: of the sealed body where it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeptBody {
    /// In the record's own row.
    Inline {
        /// Its length in bytes.
        length: u32,
    },
    /// In rows of its own, found by the attempt that brought it.
    Pieces {
        /// Its length in bytes, over all pieces.
        length: u32,
        /// How many pieces.
        count: u16,
    },
    /// Nowhere: it was over the route's `max_response`, or could not be sealed.
    TooLarge,
}

impl KeptBody {
    /// Its length in bytes, if it is kept.
    pub const fn length(self) -> Option<u32> {
        match self {
            Self::Inline { length } | Self::Pieces { length, .. } => Some(length),
            Self::TooLarge => None,
        }
    }

    /// Where a body of this length is kept, given how many bytes one row may hold.
    pub fn place(length: u32, row_bytes: u32) -> Self {
        let row = row_bytes.max(1);
        if length <= row {
            return Self::Inline { length };
        }
        u16::try_from(length.div_ceil(row)).map_or(Self::TooLarge, |count| Self::Pieces { length, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use crate::seal::{Segments, TAG_BYTES};

    #[test]
    fn a_body_is_cut_only_where_it_must_be() {
        assert_eq!(KeptBody::place(0, 10), KeptBody::Inline { length: 0 });
        assert_eq!(KeptBody::place(10, 10), KeptBody::Inline { length: 10 });
        assert_eq!(KeptBody::place(11, 10), KeptBody::Pieces { length: 11, count: 2 });
        assert_eq!(KeptBody::place(20, 10), KeptBody::Pieces { length: 20, count: 2 });
        assert_eq!(KeptBody::place(u32::MAX, 1), KeptBody::TooLarge);
    }

    #[test]
    fn a_row_holds_as_much_of_a_sealed_body_as_of_any() {
        let row = limits::ROW_BODY_BYTES;
        let place = |plain| KeptBody::place(Segments::of_plain(plain).sealed_length(), limits::ROW_BODY_BYTES);
        let tags = 15 * TAG_BYTES;
        assert_eq!(place(row - tags), KeptBody::Inline { length: row });
        assert_eq!(place(row - tags + 1), KeptBody::Pieces { length: row + 1, count: 2 });
        assert_eq!(place(row), KeptBody::Pieces { length: row + tags, count: 2 });
        let largest = u32::try_from(limits::MAX_RESPONSE_BYTES).unwrap();
        assert_eq!(place(largest), KeptBody::Pieces { length: largest + 512 * TAG_BYTES, count: 35 });
    }
}
