//! Reading and writing of the compact binary forms: the stored record and the frames between Worker and ledger.
//!
//! Integers are big-endian. Reading never panics and never allocates more than the input holds.

use thiserror::Error;

/// Why bytes could not be read as what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A newer version of Oncegate wrote it.
    #[error("it has version {found}, and this program reads up to version {known}")]
    Newer {
        /// The version it says it has.
        found: u8,
        /// The newest version that this program can read.
        known: u8,
    },
    /// It ends before it is whole.
    #[error("it ends in the middle of {0}")]
    Truncated(&'static str),
    /// A value that this version never writes.
    #[error("{what} is {value}, which is none of the known values")]
    Unknown {
        /// Which value.
        what: &'static str,
        /// What it is.
        value: u8,
    },
    /// Text that is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
    /// Bytes behind the end.
    #[error("{0} bytes follow its end")]
    Trailing(usize),
}

/// Checks the version byte at the front. There is one version yet; a reader of more of them would go on with the one found.
pub(crate) fn version(reader: &mut Reader<'_>, known: u8) -> Result<(), DecodeError> {
    version_since(reader, known, known).map(|_| ())
}

/// Reads a version, from the oldest that is known to the newest.
pub(crate) fn version_since(reader: &mut Reader<'_>, oldest: u8, known: u8) -> Result<u8, DecodeError> {
    match reader.u8("the version")? {
        found if found > known => Err(DecodeError::Newer { found, known }),
        found if found < oldest => Err(DecodeError::Unknown { what: "the version", value: found }),
        found => Ok(found),
    }
}

/// Bytes from their hexadecimal digits, of either case; `None` where they are others, or more or fewer.
pub(crate) fn from_hex<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if text.len() != LENGTH.saturating_mul(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[derive(Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated(what))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_be_bytes)
    }

    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, DecodeError> {
        let bytes = self.sized(what)?;
        core::str::from_utf8(bytes).map_err(|_| DecodeError::NotText(what))
    }

    /// Bytes with their length in front.
    pub(crate) fn sized(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.u32(what)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX), what)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.0.len() {
            0 => Ok(()),
            length => Err(DecodeError::Trailing(length)),
        }
    }
}

#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    /// Text with its length.
    pub(crate) fn text(&mut self, value: &str) {
        self.sized(value.as_bytes());
    }

    /// Bytes with their length. What is written has been limited long before 4 GiB.
    pub(crate) fn sized(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.bytes(value);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_above_the_known_one_is_newer() {
        let version_of = |byte| version(&mut Reader::new(&[byte]), 1);
        assert_eq!(version_of(1), Ok(()));
        assert_eq!(version_of(2), Err(DecodeError::Newer { found: 2, known: 1 }));
        assert_eq!(version_of(0), Err(DecodeError::Unknown { what: "the version", value: 0 }));
    }
}
