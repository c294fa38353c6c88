//! The origin's answer, as kept.

use crate::outcome::Status;

/// What is replayed. The body itself lies beside the record, untouched by this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The origin's status.
    pub status: Status,
    /// The origin's headers, in the order in which the platform gave them, repeated ones apart.
    pub headers: Vec<(String, String)>,
    /// Where the body is.
    pub body: KeptBody,
}

/// Where the body of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Nowhere: it was over the route's `max_response`.
    TooLarge,
}

impl KeptBody {
    /// Where a body of this length is kept, given how many bytes one row may hold.
    pub fn place(length: u32, row_bytes: usize) -> Self {
        let row = u32::try_from(row_bytes).unwrap_or(u32::MAX).max(1);
        if length <= row {
            return Self::Inline { length };
        }
        u16::try_from(length.div_ceil(row)).map_or(Self::TooLarge, |count| Self::Pieces { length, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_only_where_it_must_be() {
        assert_eq!(KeptBody::place(0, 10), KeptBody::Inline { length: 0 });
        assert_eq!(KeptBody::place(10, 10), KeptBody::Inline { length: 10 });
        assert_eq!(KeptBody::place(11, 10), KeptBody::Pieces { length: 11, count: 2 });
        assert_eq!(KeptBody::place(20, 10), KeptBody::Pieces { length: 20, count: 2 });
        assert_eq!(KeptBody::place(u32::MAX, 1), KeptBody::TooLarge);
    }
}
