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
    pub fn part(mut self, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.update(length.to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds how many parts follow, where that varies.
    #[must_use]
    pub fn count(self, parts: usize) -> Self {
        self.part(&u64::try_from(parts).unwrap_or(u64::MAX).to_be_bytes())
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A SHA-256 of a body that arrives in pieces. How it was cut into pieces makes no difference.
#[derive(Clone, Default)]
pub struct BodyDigest(Sha256);

impl BodyDigest {
    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
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
    fn a_body_digest_does_not_depend_on_the_pieces() {
        let mut whole = BodyDigest::default();
        whole.update(b"abc");
        let mut pieces = BodyDigest::default();
        pieces.update(b"a");
        pieces.update(b"");
        pieces.update(b"bc");
        assert_eq!(whole.finish(), pieces.finish());
    }
}
