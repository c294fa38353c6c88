//! What Worker and ledger say to each other: `fetch` with one framed, versioned, compact body each way.
//!
//! During a deployment old and new versions of either side meet, so a frame says its version, and a side that does not know
//! it answers [`Reply::NotUnderstood`], on which the Worker fails closed.
//!
//! A begin that does not lead to the origin is answered with the very response that the client is to get. A frame is told
//! from such a response by the header [`FRAME_HEADER`], which no answer of an origin can carry.

use core::time::Duration;

use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::{AttemptId, Fingerprint, RecordId};
use crate::outcome::{Doubt, Status};
use crate::record::{Claim, OnUnknown};
use crate::time::{Timestamp, millis};

/// The header of a ledger's answer that is a frame. Its prefix is stripped from all that an origin sends.
pub const FRAME_HEADER: &str = "oncegate-frame";

/// Enough bytes of any frame to learn by [`head_length`] how long its head is.
pub const PREFIX_BYTES: usize = 6;

const VERSION: u8 = 1;

/// What the Worker asks of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// May this request call the origin?
    Begin {
        /// Which record.
        id: RecordId,
        /// The claim.
        claim: Claim,
        /// How long to wait for an attempt under way; zero: not at all.
        wait: Duration,
    },
    /// Keep the origin's answer. Its body, if kept, follows the head.
    Complete {
        /// Which record.
        id: RecordId,
        /// Whose outcome this is.
        attempt: AttemptId,
        /// How long to keep the record.
        retention: Duration,
        /// The origin's status.
        status: Status,
        /// The headers to be replayed.
        headers: Vec<(String, String)>,
        /// Whether the body follows, or was too large.
        body: SentBody,
    },
    /// The origin was not called, or refused: free the key.
    Release {
        /// Which record.
        id: RecordId,
        /// Whose outcome this is.
        attempt: AttemptId,
        /// How long to keep the record.
        retention: Duration,
    },
    /// Whether the origin executed is not known.
    Doubt {
        /// Which record.
        id: RecordId,
        /// Whose outcome this is.
        attempt: AttemptId,
        /// How long to keep the record.
        retention: Duration,
        /// Why.
        doubt: Doubt,
    },
}

/// What a completion says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentBody {
    /// It follows the head of the frame, to the frame's end.
    Follows,
    /// It was over the limit, and is not kept.
    TooLarge,
}

impl Command {
    /// The frame's head. Behind that of a completion comes the body.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(192);
        match self {
            Self::Begin { id, claim, wait } => {
                head(&mut writer, 1, id, claim.attempt);
                writer.u64(millis(*wait));
                writer.bytes(claim.fingerprint.as_bytes());
                writer.u64(millis(claim.lease));
                writer.u64(millis(claim.retention));
                writer.u8(match claim.on_unknown {
                    OnUnknown::Hold => 0,
                    OnUnknown::Retry => 1,
                });
            }
            Self::Complete { id, attempt, retention, status, headers, body } => {
                head(&mut writer, 2, id, *attempt);
                writer.u64(millis(*retention));
                writer.u16(status.as_u16());
                writer.u8(match body {
                    SentBody::Follows => 0,
                    SentBody::TooLarge => 1,
                });
                crate::record::write_headers(&mut writer, headers);
            }
            Self::Release { id, attempt, retention } => {
                head(&mut writer, 3, id, *attempt);
                writer.u64(millis(*retention));
            }
            Self::Doubt { id, attempt, retention, doubt } => {
                head(&mut writer, 4, id, *attempt);
                writer.u64(millis(*retention));
                doubt.write(&mut writer);
            }
        }
        with_length(writer)
    }

    /// Reads a frame's head, which is as long as [`head_length`] said.
    ///
    /// # Errors
    /// Where another version wrote it, or it is broken.
    pub fn decode(frame_head: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame_head);
        bytes::version(&mut reader, VERSION)?;
        let command = reader.u8("the command")?;
        reader.u32("the head's length")?;
        let id = RecordId::from_bytes(reader.array("the record's id")?);
        let attempt = AttemptId::from_bytes(reader.array("the attempt")?);
        let read = match command {
            1 => Self::Begin {
                id,
                wait: span(&mut reader, "the wait")?,
                claim: Claim {
                    attempt,
                    fingerprint: Fingerprint::from_bytes(reader.array("the fingerprint")?),
                    lease: span(&mut reader, "the lease")?,
                    retention: span(&mut reader, "the retention")?,
                    on_unknown: match reader.u8("on_unknown")? {
                        0 => OnUnknown::Hold,
                        1 => OnUnknown::Retry,
                        value => return Err(DecodeError::Unknown { what: "on_unknown", value }),
                    },
                },
            },
            2 => Self::Complete {
                id,
                attempt,
                retention: span(&mut reader, "the retention")?,
                status: crate::record::read_status(&mut reader)?,
                body: match reader.u8("the body's place")? {
                    0 => SentBody::Follows,
                    1 => SentBody::TooLarge,
                    value => return Err(DecodeError::Unknown { what: "the body's place", value }),
                },
                headers: crate::record::read_headers(&mut reader)?,
            },
            3 => Self::Release { id, attempt, retention: span(&mut reader, "the retention")? },
            4 => Self::Doubt {
                id,
                attempt,
                retention: span(&mut reader, "the retention")?,
                doubt: Doubt::read(&mut reader)?,
            },
            value => return Err(DecodeError::Unknown { what: "the command", value }),
        };
        reader.finish()?;
        Ok(read)
    }
}

/// How long the head of a frame is, from its first [`PREFIX_BYTES`] bytes.
///
/// # Errors
/// Where another version wrote it, or it is shorter than that.
pub fn head_length(prefix: &[u8]) -> Result<usize, DecodeError> {
    let mut reader = Reader::new(prefix);
    bytes::version(&mut reader, VERSION)?;
    reader.u8("the command")?;
    let length = reader.u32("the head's length")?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

fn head(writer: &mut Writer, command: u8, id: &RecordId, attempt: AttemptId) {
    writer.u8(VERSION);
    writer.u8(command);
    writer.u32(0);
    writer.bytes(id.as_bytes());
    writer.bytes(attempt.as_bytes());
}

/// Puts the length of the whole head into its place, bytes 2 to 5.
fn with_length(writer: Writer) -> Vec<u8> {
    let mut frame = writer.finish();
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = frame.get_mut(2..6) {
        place.copy_from_slice(&length);
    }
    frame
}

fn span(reader: &mut Reader<'_>, what: &'static str) -> Result<Duration, DecodeError> {
    reader.u64(what).map(Duration::from_millis)
}

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
    /// To an outcome: it is stored.
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
            value => return Err(DecodeError::Unknown { what: "the reply", value }),
        };
        reader.finish()?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands() -> Vec<Command> {
        let id = RecordId::from_bytes([7; 32]);
        let attempt = AttemptId::from_bytes([9; 16]);
        let retention = Duration::from_secs(87_300);
        let claim = Claim {
            attempt,
            fingerprint: Fingerprint::from_bytes([1; 32]),
            lease: Duration::from_secs(35),
            retention,
            on_unknown: OnUnknown::Retry,
        };
        vec![
            Command::Begin { id, claim, wait: Duration::from_millis(250) },
            Command::Complete {
                id,
                attempt,
                retention,
                status: Status::new(201).unwrap(),
                headers: vec![("x-a".into(), "ü".into()), ("x-a".into(), String::new())],
                body: SentBody::Follows,
            },
            Command::Release { id, attempt, retention },
            Command::Doubt { id, attempt, retention, doubt: Doubt::Status(502) },
        ]
    }

    #[test]
    fn every_command_is_read_as_it_was_sent() {
        for command in commands() {
            let frame = command.encode();
            assert_eq!(head_length(&frame), Ok(frame.len()));
            assert_eq!(Command::decode(&frame), Ok(command));
        }
    }

    #[test]
    fn a_broken_or_newer_command_is_an_error() {
        for command in commands() {
            let frame = command.encode();
            for length in 0..frame.len() {
                assert!(Command::decode(&frame[..length]).is_err());
            }
            let newer = [&[2], &frame[1..]].concat();
            assert_eq!(Command::decode(&newer), Err(DecodeError::Newer { found: 2, known: 1 }));
            assert_eq!(Command::decode(&[&frame[..], &[0]].concat()), Err(DecodeError::Trailing(1)));
        }
    }

    #[test]
    fn every_reply_is_read_as_it_was_sent() {
        let forward = Reply::Forward { number: 2, lease_until: Timestamp::from_millis(99) };
        for reply in [forward, Reply::Done, Reply::Stale, Reply::Unreadable, Reply::NotUnderstood] {
            let frame = reply.encode();
            assert_eq!(Reply::decode(&frame), Ok(reply));
            assert!(Reply::decode(&frame[..frame.len() - 1]).is_err());
        }
    }
}
