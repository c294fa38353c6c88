//! Sealing of stored bodies: what is encrypted with which key, how it is cut, and what of it can be opened.
//!
//! The Worker seals a body before the ledger gets it, and opens it when it comes back, so the ledger and its storage never
//! see what is in it. This module has the arithmetic and the decisions; the encryption itself is the platform's (WebCrypto).
//!
//! - Each attempt has a key of its own: HKDF-SHA-256 (RFC 5869) over the secret, with the attempt's id as salt and the
//!   record's id in [`info`]. A body that lies under another record or attempt therefore does not open.
//! - Under that key lies one body only, in segments of [`limits::SEAL_SEGMENT_BYTES`]. Each is sealed by AES-256-GCM (NIST SP
//!   800-38D) with a nonce that says which segment it is and whether it is the last: the STREAM construction (Hoang,
//!   Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015). A body
//!   that was cut off, put in another order or changed does not open, and a large one can be opened as it comes.
//! - An empty body is one empty segment, so that it cannot be mistaken for one that was taken away.
//! - The answer's status is authenticated with each segment: see [`additional_data`].

mod key;
mod segments;

pub use key::{SealKey, SealKeys};
pub use segments::{NONCE_BYTES, Segment, Segments, TAG_BYTES};

use thiserror::Error;

use crate::ids::{AttemptId, RecordId, SealKeyId};
#[cfg(doc)]
use crate::limits;
use crate::outcome::Status;

/// What must be known of a sealed body to open it, beside the key and the record's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Which key sealed it.
    pub key: SealKeyId,
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// Its length in bytes, as sealed.
    pub length: u32,
}

/// Why a sealed body cannot be opened. For the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unopenable {
    /// The deployment no longer has the key.
    #[error("it was sealed with the key {0}, which is neither SEAL_KEY nor SEAL_KEY_PREVIOUS")]
    KeyGone(SealKeyId),
    /// Nothing that was sealed has this length.
    #[error("it has {0} bytes, and nothing that was sealed can have so many")]
    Length(u32),
    /// A segment is missing, cut off, changed, or another body's.
    #[error("segment {0} is not what was sealed")]
    Altered(u32),
}

impl Seal {
    /// The key that opens it, and its segments.
    ///
    /// # Errors
    /// Where it cannot be opened, whatever its bytes are.
    pub fn opening<'k>(&self, keys: &'k SealKeys) -> Result<(&'k SealKey, Segments), Unopenable> {
        let key = keys.find(self.key).ok_or(Unopenable::KeyGone(self.key))?;
        let segments = Segments::of_sealed(self.length).ok_or(Unopenable::Length(self.length))?;
        Ok((key, segments))
    }
}

/// What HKDF binds a body's key to, beside the attempt: that it is for this, and the record.
pub fn info(record: &RecordId) -> Vec<u8> {
    // The domain's length is fixed, and so is the id's: nothing else comes to the same bytes.
    [b"oncegate seal 1".as_slice(), record.as_bytes()].concat()
}

/// What is authenticated with each segment: the answer's status, so that what was said with one is not shown with another.
pub const fn additional_data(status: Status) -> [u8; 2] {
    status.as_u16().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::from_bytes([byte; SealKey::LENGTH])
    }

    #[test]
    fn a_body_is_opened_by_the_key_that_sealed_it_if_that_is_still_there() {
        let seal =
            |sealed_by: &SealKey, length| Seal { key: sealed_by.id(), attempt: AttemptId::from_bytes([1; 16]), length };
        let (old, new) = (key(1), key(2));
        let rotated = SealKeys { current: Some(new.clone()), previous: Some(old.clone()) };
        let forgotten = SealKeys { current: Some(new.clone()), previous: None };
        let off = SealKeys { current: None, previous: Some(old.clone()) };
        let opened_by = |sealed_by: &SealKey, keys: &SealKeys| {
            seal(sealed_by, TAG_BYTES).opening(keys).map(|(key, segments)| (key.id(), segments.plain_length()))
        };
        assert_eq!(opened_by(&new, &rotated), Ok((new.id(), 0)));
        assert_eq!(opened_by(&old, &rotated), Ok((old.id(), 0)));
        assert_eq!(opened_by(&old, &off), Ok((old.id(), 0)));
        assert_eq!(opened_by(&old, &forgotten), Err(Unopenable::KeyGone(old.id())));
        assert_eq!(opened_by(&old, &SealKeys::default()), Err(Unopenable::KeyGone(old.id())));
        assert_eq!(seal(&new, 15).opening(&rotated).unwrap_err(), Unopenable::Length(15));
    }

    #[test]
    fn another_record_or_status_is_bound_to_other_bytes() {
        let one = info(&RecordId::from_bytes([1; 32]));
        assert_ne!(one, info(&RecordId::from_bytes([2; 32])));
        assert!(one.starts_with(b"oncegate seal 1"));
        let data = |status| additional_data(Status::new(status).unwrap());
        assert_eq!((data(201), data(503)), ([0, 201], [1, 247]));
    }
}
