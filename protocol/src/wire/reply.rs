//! What the ledger answers in a frame.

use core::time::Duration;

use super::VERSION;
use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::AttemptId;
use crate::outcome::Doubt;
use crate::time::{Timestamp, millis};

/// What the ledger answers in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a begin: call the origin.
    Forward {
        /// Which attempt this is, from 1.
        number: u32,
        /// When the lease ends, by the ledger's clock.
        lease_until: Timestamp,
    },
    /// To a begin: ask the origin what became of the attempt that holds the record.
    Probe {
        /// The attempt in question.
        fence: AttemptId,
        /// Which one that is, from 1.
        number: u32,
        /// Why its outcome is unknown.
        doubt: Doubt,
    },
    /// To a begin that waited: begin again, the key may be free.
    Again,
    /// To a begin: the key is kept in the next layout.
    Moved,
    /// To a begin: the key is kept in a layout that the Worker does not mean.
    Elsewhere,
    /// To a begin: the key is new, and must be counted first.
    Count,
    /// To a begin: the key is new, and there is no room for it.
    Full,
    /// To a count: the scope has used all it may, for this time to come.
    Exhausted {
        /// For how long.
        left: Duration,
    },
    /// To an outcome: it is stored. To a count: the scope may use the key.
    Done,
    /// To an outcome: the attempt does not hold the record. Nothing was written.
    Stale,
    /// The record, or the ledger's own state, cannot be read.
    Unreadable,
    /// The frame was of another version, or broken.
    NotUnderstood,
}

impl Reply {
    /// The frame.
    pub fn encode(self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(16);
        writer.u8(VERSION);
        match self {
            Self::Forward { number, lease_until } => {
                writer.u8(0);
                writer.u32(number);
                writer.u64(lease_until.as_millis());
            }
            Self::Done => writer.u8(1),
            Self::Stale => writer.u8(2),
            Self::Unreadable => writer.u8(3),
            Self::NotUnderstood => writer.u8(4),
            Self::Again => writer.u8(5),
            Self::Moved => writer.u8(6),
            Self::Elsewhere => writer.u8(7),
            Self::Probe { fence, number, doubt } => {
                writer.u8(8);
                writer.bytes(fence.as_bytes());
                writer.u32(number);
                doubt.write(&mut writer);
            }
            Self::Count => writer.u8(9),
            Self::Full => writer.u8(10),
            Self::Exhausted { left } => {
                writer.u8(11);
                writer.u64(millis(left));
            }
        }
        writer.finish()
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// Where another version wrote it, or it is broken.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame);
        bytes::version(&mut reader, VERSION)?;
        let reply = match reader.u8("the reply")? {
            0 => Self::Forward {
                number: reader.u32("the attempt number")?,
                lease_until: Timestamp::from_millis(reader.u64("the lease")?),
            },
            1 => Self::Done,
            2 => Self::Stale,
            3 => Self::Unreadable,
            4 => Self::NotUnderstood,
            5 => Self::Again,
            6 => Self::Moved,
            7 => Self::Elsewhere,
            8 => Self::Probe {
                fence: AttemptId::from_bytes(reader.array("the fence")?),
                number: reader.u32("the attempt number")?,
                doubt: Doubt::read(&mut reader)?,
            },
            9 => Self::Count,
            10 => Self::Full,
            11 => Self::Exhausted { left: Duration::from_millis(reader.u64("the time left")?) },
            value => return Err(DecodeError::Unknown { what: "the reply", value }),
        };
        reader.finish()?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_is_read_as_it_was_sent() {
        let forward = Reply::Forward { number: 2, lease_until: Timestamp::from_millis(99) };
        let probe = Reply::Probe { fence: AttemptId::from_bytes([7; 16]), number: 3, doubt: Doubt::Status(504) };
        for reply in [
            forward,
            probe,
            Reply::Count,
            Reply::Full,
            Reply::Exhausted { left: Duration::from_millis(1500) },
            Reply::Again,
            Reply::Moved,
            Reply::Elsewhere,
            Reply::Done,
            Reply::Stale,
            Reply::Unreadable,
            Reply::NotUnderstood,
        ] {
            let frame = reply.encode();
            assert_eq!(Reply::decode(&frame), Ok(reply));
            assert!(Reply::decode(&frame[..frame.len() - 1]).is_err());
        }
    }
}
