//! For whom a ledger's answer is, as its header says.

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::VERSION;
use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::{AttemptId, SealKeyId};
use crate::record::Answer;
use crate::replay_cache::Use;
use crate::seal::Seal;
use crate::time::millis;

/// The header of a ledger's answer that is not for the client as it is. Its prefix is stripped from all that an origin sends.
///
/// There is one header for all kinds: a Worker that finds a kind it does not know fails closed, instead of handing a sealed
/// body to the client.
pub const KIND_HEADER: &str = "oncegate-kind";

/// What a short frame begins with. Base64 has no colon.
const SHORT: &str = "frame:";

/// What stands before the milliseconds for which an answer will be on record.
const FOR: &str = "for:";

/// What a ledger's answer is where it has the header [`KIND_HEADER`]; without it, it is the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A frame, for the Worker alone: it is the body.
    Frame,
    /// A frame that is so short that the header itself carries it. A body costs each side more than all that is in a frame.
    Short(Vec<u8>),
    /// The client's, save that its body has yet to be opened.
    Sealed(Seal),
    /// The client's, and on record for so long to come: it may be remembered. A span holds whatever the Worker's clock shows.
    For(Duration),
}

impl Kind {
    /// The header's value for a frame in the body.
    pub const FRAME: &str = "frame";

    /// The kind of a replay, of an answer that this attempt brought and that is on record for `left`; `None` where it is the
    /// client's as it is.
    pub fn of_replay(answer: &Answer, attempt: AttemptId, replays: Use, left: Duration) -> Option<Self> {
        match (answer.seal(attempt), replays) {
            (Some(seal), _) => Some(Self::Sealed(seal)),
            (None, Use::Remember) => answer.is_memorable().then_some(Self::For(left)),
            (None, Use::HandOn) => None,
        }
    }

    /// The header's value.
    pub fn to_header(&self) -> String {
        match self {
            Self::Frame => Self::FRAME.to_owned(),
            Self::Short(frame) => format!("{SHORT}{}", STANDARD.encode(frame)),
            Self::For(left) => format!("{FOR}{}", millis(*left)),
            Self::Sealed(seal) => {
                let mut writer = Writer::with_capacity(32);
                writer.u8(VERSION);
                writer.bytes(seal.key.as_bytes());
                writer.bytes(seal.attempt.as_bytes());
                writer.u32(seal.length);
                STANDARD.encode(writer.finish())
            }
        }
    }

    /// Reads the header's value.
    ///
    /// # Errors
    /// Where another version wrote it, or it is broken.
    pub fn from_header(value: &str) -> Result<Self, DecodeError> {
        if value == Self::FRAME {
            return Ok(Self::Frame);
        }
        let unknown = |_| DecodeError::Unknown { what: "the kind", value: value.bytes().next().unwrap_or_default() };
        if let Some(frame) = value.strip_prefix(SHORT) {
            return STANDARD.decode(frame).map(Self::Short).map_err(unknown);
        }
        if let Some(left) = value.strip_prefix(FOR) {
            let broken = |_| DecodeError::Unknown { what: "the span", value: left.bytes().next().unwrap_or_default() };
            return left.parse().map(|millis| Self::For(Duration::from_millis(millis))).map_err(broken);
        }
        let seal = STANDARD.decode(value).map_err(unknown)?;
        let mut reader = Reader::new(&seal);
        bytes::version(&mut reader, VERSION)?;
        let seal = Seal {
            key: SealKeyId::from_bytes(reader.array("the key")?),
            attempt: AttemptId::from_bytes(reader.array("the attempt")?),
            length: reader.u32("the length")?,
        };
        reader.finish()?;
        Ok(Self::Sealed(seal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_as_it_was_sent() {
        let seal = Seal {
            key: SealKeyId::from_bytes([0xfb; 8]),
            attempt: AttemptId::from_bytes([0xff; 16]),
            length: u32::MAX,
        };
        for frame in [vec![], vec![1, 2, 3, 255]] {
            let kind = Kind::Short(frame);
            assert_eq!(Kind::from_header(&kind.to_header()), Ok(kind));
        }
        assert!(Kind::from_header("frame:?").is_err());
        for time in [0, 1_700_000_000_123, u64::MAX] {
            let kind = Kind::For(Duration::from_millis(time));
            assert_eq!(Kind::from_header(&kind.to_header()), Ok(kind));
        }
        for broken in ["for:", "for:-1", "for:ever", "for:18446744073709551616"] {
            assert!(Kind::from_header(broken).is_err(), "{broken}");
        }
        for kind in [Kind::Frame, Kind::Sealed(seal)] {
            let value = kind.to_header();
            assert_eq!(Kind::from_header(&value), Ok(kind));
            for length in 0..value.len() {
                let cut = value.get(..length).unwrap();
                assert!(Kind::from_header(cut).is_err(), "{cut} of {value}");
            }
            assert!(Kind::from_header(&format!("{value}AAAA")).is_err());
        }
        assert_eq!(Kind::from_header("Ag=="), Err(DecodeError::Newer { found: 2, known: 1 }));
        assert!(Kind::from_header("1").is_err());
    }
}
