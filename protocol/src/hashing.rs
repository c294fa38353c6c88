//! Hashing of several parts to one digest, without confusion between them.

use sha2::{Digest, Sha256};

/// A SHA-256 over a sequence of parts. Each part is preceded by its length, so that no two different sequences are the
/// same bytes: `("ab", "c")` and `("a", "bc")` differ, and so do one part and none.
#[derive(Clone)]
pub struct Parts(Sha256);

impl Parts {
    /// Begins a digest. The domain keeps digests made for one purpose apart from those made for another.
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).part(domain.as_bytes())
    }

    /// Adds a part.
    #[must_use]
    #[inline]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.add(bytes);
        self
    }

    /// Apart from [`Self::part`], which is inlined, so that the state of the hash stays where it is.
    fn add(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
    }

    /// Adds how many parts follow, where that varies.
    #[must_use]
    #[inline]
    pub fn count(self, parts: usize) -> Self {
        self.part(&u64::try_from(parts).unwrap_or(u64::MAX).to_be_bytes())
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The SHA-256 of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigest([u8; Self::LENGTH]);

impl BodyDigest {
    /// How many bytes it has.
    pub const LENGTH: usize = 32;

    /// Computes it.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// One that has been computed elsewhere.
    pub fn from_sha256(digest: [u8; Self::LENGTH]) -> Self {
        Self(digest)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl Default for BodyDigest {
    /// That of no bytes at all.
    fn default() -> Self {
        Self::of(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let digest = |parts: &[&str]| parts.iter().fold(Parts::new("t"), |p, part| p.part(part.as_bytes())).finish();
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a", ""]), digest(&["a"]));
        assert_ne!(digest(&[]), Parts::new("u").finish());
    }

    #[test]
    fn a_body_digest_is_its_sha_256() {
        // FIPS 180-4's example.
        let abc = BodyDigest::of(b"abc");
        assert_eq!(abc.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(BodyDigest::from_sha256(*abc.as_bytes()), abc);
        assert_eq!(BodyDigest::default(), BodyDigest::of(b""));
    }
}
