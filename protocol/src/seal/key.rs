//! The secrets that bodies are sealed with.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hashing::Parts;
use crate::ids::SealKeyId;

/// A secret. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealKey([u8; Self::LENGTH]);

impl SealKey {
    /// How many bytes it has: those of an AES-256 key, though it only ever has other keys derived from it.
    pub const LENGTH: usize = 32;
    /// What a variable that holds one must be.
    pub const EXPECTED: &str = "32 random bytes in base64, as `openssl rand -base64 32` prints them";

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// From base64 (RFC 4648, section 4). White space around it, such as the end of a line, does not count.
    ///
    /// # Errors
    /// What it is instead, in words that give nothing of it away.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| "no base64".to_owned())?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| format!("{length} bytes"))
    }

    /// Its bytes, for the derivation of a body's key.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Its name, made from itself so that nobody has to give it one. A hash over 256 random bits says nothing of them.
    pub fn id(&self) -> SealKeyId {
        let [a, b, c, d, e, f, g, h, ..] = Parts::new("oncegate seal key 1").part(&self.0).finish();
        SealKeyId::from_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id())
    }
}

/// The secrets of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealKeys {
    /// `SEAL_KEY`: seals, and opens what it has sealed.
    pub current: Option<SealKey>,
    /// `SEAL_KEY_PREVIOUS`: only opens. It is the key before, as long as records live that it has sealed; or the next one, so
    /// that every Worker can open what the first of them seals with it.
    pub previous: Option<SealKey>,
}

impl SealKeys {
    /// The one with this name.
    pub fn find(&self, id: SealKeyId) -> Option<&SealKey> {
        self.current.iter().chain(&self.previous).find(|key| key.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_base64() {
        let good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = SealKey::parse(good).unwrap();
        assert_eq!(key.as_bytes()[..3], [0, 1, 2]);
        assert_eq!(SealKey::parse(&format!(" {good}\n")), Ok(key));
        for (bad, told) in [
            ("", "0 bytes"),
            ("c2hvcnQ=", "5 bytes"),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", "31 bytes"),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g", "33 bytes"),
            ("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "48 bytes"),
            ("a secret", "no base64"),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "no base64"),
        ] {
            assert_eq!(SealKey::parse(bad).unwrap_err(), told, "{bad}");
        }
    }

    #[test]
    fn a_key_has_a_name_of_its_own_and_shows_nothing_else() {
        let (one, other) = (SealKey::from_bytes([7; 32]), SealKey::from_bytes([8; 32]));
        assert_ne!(one.id(), other.id());
        assert_eq!(format!("{one:?}"), format!("SealKey({})", one.id()));
        assert_eq!(one.id().to_string(), "5c387eb2d2cad824", "a stored record would not find its key any more");
    }
}
