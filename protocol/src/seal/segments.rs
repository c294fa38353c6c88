//! How a body is cut into segments.

use crate::limits::SEAL_SEGMENT_BYTES;

/// How many bytes AES-GCM adds to a segment: its tag, at full length.
pub const TAG_BYTES: u32 = 16;
/// The length of AES-GCM's nonce.
pub const NONCE_BYTES: usize = 12;

const SEALED_SEGMENT_BYTES: u32 = SEAL_SEGMENT_BYTES + TAG_BYTES;

/// The segments of a body: all full but the last, which is empty only where the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    plain_length: u32,
    count: u32,
}

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which it is, from 0.
    pub number: u32,
    /// The nonce: seven zeros, its number in four bytes, and 1 in the last byte where it is the last one.
    pub nonce: [u8; NONCE_BYTES],
    /// Where it begins in the plain body, in bytes.
    pub plain_from: u32,
    /// Where it ends there.
    pub plain_to: u32,
    /// How many bytes it has when it is sealed.
    pub sealed_length: u32,
}

impl Segments {
    /// Of a plain body of this length in bytes.
    pub const fn of_plain(plain_length: u32) -> Self {
        let count = plain_length.div_ceil(SEAL_SEGMENT_BYTES);
        Self { plain_length, count: if count == 0 { 1 } else { count } }
    }

    /// Of a sealed body of this length in bytes; `None` where nothing is sealed to that length.
    pub fn of_sealed(sealed_length: u32) -> Option<Self> {
        let tags = sealed_length.div_ceil(SEALED_SEGMENT_BYTES).checked_mul(TAG_BYTES)?;
        let segments = Self::of_plain(sealed_length.checked_sub(tags)?);
        (segments.sealed_length() == sealed_length).then_some(segments)
    }

    /// The length of the plain body in bytes.
    pub const fn plain_length(self) -> u32 {
        self.plain_length
    }

    /// The length of the sealed body in bytes. A body has [`crate::limits::MAX_RESPONSE_BYTES`] at most, so this is far from
    /// saturating.
    pub const fn sealed_length(self) -> u32 {
        self.plain_length.saturating_add(self.count.saturating_mul(TAG_BYTES))
    }

    /// How many there are; at least one.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// They, in their order.
    pub fn iter(self) -> impl Iterator<Item = Segment> {
        (0..self.count).map(move |number| self.segment(number))
    }

    /// The first, and the others.
    pub fn split_first(self) -> (Segment, impl Iterator<Item = Segment>) {
        (self.segment(0), self.iter().skip(1))
    }

    fn segment(self, number: u32) -> Segment {
        let plain_from = number.saturating_mul(SEAL_SEGMENT_BYTES);
        let plain_to = plain_from.saturating_add(SEAL_SEGMENT_BYTES).min(self.plain_length);
        let [a, b, c, d] = number.to_be_bytes();
        let is_last = u8::from(number.saturating_add(1) == self.count);
        Segment {
            number,
            nonce: [0, 0, 0, 0, 0, 0, 0, a, b, c, d, is_last],
            plain_from,
            plain_to,
            sealed_length: plain_to.saturating_sub(plain_from).saturating_add(TAG_BYTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;
    use std::collections::HashSet;

    const FULL: u32 = SEAL_SEGMENT_BYTES;

    #[test]
    fn a_body_is_cut_into_full_segments_and_a_last_one() {
        for (plain, sealed, lengths) in [
            (0, 16, vec![0]),
            (1, 17, vec![1]),
            (FULL - 1, FULL + 15, vec![FULL - 1]),
            (FULL, FULL + 16, vec![FULL]),
            (FULL + 1, FULL + 33, vec![FULL, 1]),
            (2 * FULL, 2 * FULL + 32, vec![FULL, FULL]),
            (2 * FULL + 5, 2 * FULL + 53, vec![FULL, FULL, 5]),
        ] {
            let segments = Segments::of_plain(plain);
            assert_eq!((segments.plain_length(), segments.sealed_length()), (plain, sealed));
            assert_eq!(Segments::of_sealed(sealed), Some(segments));
            let all: Vec<Segment> = segments.iter().collect();
            assert_eq!(all.iter().map(|one| one.plain_to - one.plain_from).collect::<Vec<_>>(), lengths, "{plain}");
            assert_eq!(all.iter().map(|one| one.sealed_length).sum::<u32>(), sealed);
            assert_eq!(all.len(), segments.count() as usize);
            let (first, rest) = segments.split_first();
            assert_eq!([vec![first], rest.collect()].concat(), all);
            for (number, segment) in (0..).zip(&all) {
                assert_eq!((segment.number, segment.plain_from), (number, number * FULL));
                let is_last = u8::from(number + 1 == segments.count());
                let expected = [&[0; 7], &number.to_be_bytes()[..], &[is_last]].concat();
                assert_eq!(segment.nonce[..], expected);
            }
        }
    }

    #[test]
    fn no_two_segments_of_a_body_have_the_same_nonce() {
        let largest = Segments::of_plain(u32::MAX);
        let nonces: HashSet<_> = largest.iter().map(|segment| segment.nonce).collect();
        assert_eq!(nonces.len(), largest.count() as usize);
    }

    #[test]
    fn every_sealed_length_leads_back_to_its_plain_one_and_no_other_length_to_any() {
        for plain in
            (0..4 * FULL).step_by(7).chain(0..40).chain(FULL - 40..FULL + 40).chain(2 * FULL - 40..2 * FULL + 40)
        {
            let segments = Segments::of_plain(plain);
            assert_eq!(Segments::of_sealed(segments.sealed_length()), Some(segments));
        }
        for sealed in (0..16).chain(FULL + 17..FULL + 33).chain(2 * FULL + 33..2 * FULL + 49) {
            assert_eq!(Segments::of_sealed(sealed), None, "{sealed}");
        }
        let largest = Segments::of_plain(u32::try_from(limits::MAX_RESPONSE_BYTES).unwrap());
        assert_eq!(largest.sealed_length(), (32 << 20) + 512 * 16);
        assert_eq!(Segments::of_sealed(largest.sealed_length()), Some(largest));
        let _ = Segments::of_sealed(u32::MAX);
    }
}
