//! What the Worker asks: the frame has a head, and behind that of a completion comes the body.

use core::num::NonZeroU32;
use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{OperatorCommand, VERSION};
use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::{AttemptId, Fingerprint, LayoutId, RecordId, SealKeyId};
use crate::limits;
use crate::outcome::{Doubt, Status};
use crate::quota::Quota;
use crate::record::{
    Answer, Claim, Counting, KeptBody, Layout, OnUnknown, Outcome, Witness, read_headers, read_sealed_by, read_status,
    write_headers, write_sealed_by,
};
use crate::replay_cache::Use;
use crate::time::millis;

/// The header that carries a command's head, where that is short and there is no answer in it: a body must be read piece by piece,
/// and that costs each side more than all that is in a head. The platform may log headers, but blots out those whose name tells of
/// a secret (Cloudflare, "Tail Workers").
pub const COMMAND_HEADER: &str = "oncegate-secret-command";

/// The longest head that goes in a header, in bytes. Platforms limit headers; base64 makes four bytes of three.
const HEADER_BYTES: usize = 6 << 10;

/// The head that is in such a header.
///
/// # Errors
/// Where it is not base64.
pub fn from_header(value: &str) -> Result<Vec<u8>, DecodeError> {
    let unknown = |_| DecodeError::Unknown { what: "the command", value: value.bytes().next().unwrap_or_default() };
    STANDARD.decode(value).map_err(unknown)
}

/// Enough bytes of any frame to learn by [`head_length`] how long its head is.
pub const PREFIX_BYTES: usize = 6;

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
        /// What the Worker does with a replay.
        replays: Use,
        /// How many calls to ledgers have failed of which it has told none yet.
        failures: u16,
    },
    /// May this scope use a new key?
    Count {
        /// Which scope.
        id: RecordId,
        /// For whose key.
        attempt: AttemptId,
        /// Which key.
        key: RecordId,
        /// How many it may use.
        quota: Quota,
        /// How many records the ledger may have.
        max_records: u32,
        /// How long an attempt of the route's may be under way.
        lease: Duration,
        /// How long records are kept; the window is no longer.
        retention: Duration,
    },
    /// This is how an attempt ended. The body of an answer, if kept, follows the head.
    Settle {
        /// Which record.
        id: RecordId,
        /// Who brings it, and of which attempt.
        witness: Witness,
        /// How long an attempt of the route's may be under way.
        lease: Duration,
        /// How long to keep the record.
        retention: Duration,
        /// The outcome.
        outcome: SentOutcome,
    },
    /// What an operator asks.
    Operator(OperatorCommand),
}

/// How an attempt ended, as the Worker says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentOutcome {
    /// The origin has answered.
    Completed {
        /// Its status.
        status: Status,
        /// The headers to be replayed.
        headers: Vec<(String, String)>,
        /// Its body.
        body: SentBody,
    },
    /// The origin was not called, or refused.
    Released,
    /// The origin was asked about the attempt that holds the record, and says that it has not executed it.
    NotExecuted,
    /// Whether the origin executed is not known.
    Doubted(Doubt),
}

/// What a completion says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentBody {
    /// It follows the head of the frame, to the frame's end.
    Follows {
        /// Its length in bytes, as it follows.
        length: u32,
        /// The key it is sealed with, if it is.
        sealed_by: Option<SealKeyId>,
    },
    /// It was over the limit, or could not be sealed, and is not kept.
    TooLarge,
}

impl SentOutcome {
    /// Whether it says that the origin executed, and that its answer is not kept.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Completed { body: SentBody::TooLarge, .. })
    }

    /// As the record keeps it.
    pub fn for_record(self) -> Outcome {
        match self {
            Self::Completed { status, headers, body } => {
                let (body, sealed_by) = match body {
                    SentBody::Follows { length, sealed_by } => {
                        (KeptBody::place(length, limits::ROW_BODY_BYTES), sealed_by)
                    }
                    SentBody::TooLarge => (KeptBody::TooLarge, None),
                };
                Outcome::Completed(Answer { status, headers, body, sealed_by })
            }
            Self::Released => Outcome::Released,
            Self::NotExecuted => Outcome::NotExecuted,
            Self::Doubted(doubt) => Outcome::Doubted(doubt),
        }
    }

    /// What to say instead where this could not be brought to the ledger. An answer that there is no room for can still be in
    /// doubt, which needs none; where the answer did arrive after all, that is refused. Of the others the end of the lease
    /// says enough.
    pub fn instead(&self) -> Option<Self> {
        match self {
            Self::Completed { .. } => Some(Self::Doubted(Doubt::NotRecorded)),
            Self::Released | Self::NotExecuted | Self::Doubted(_) => None,
        }
    }

    fn body_length(&self) -> usize {
        match self {
            Self::Completed { body: SentBody::Follows { length, .. }, .. } => {
                usize::try_from(*length).unwrap_or(usize::MAX)
            }
            _ => 0,
        }
    }
}

impl Command {
    /// Its head as the header [`COMMAND_HEADER`] has it; `None` where the head goes in the body, before the body of an answer.
    pub fn to_header(&self, head: &[u8]) -> Option<String> {
        let has_answer = match self {
            Self::Settle { outcome, .. } => matches!(outcome, SentOutcome::Completed { .. }),
            Self::Operator(_) => true,
            Self::Begin { .. } | Self::Count { .. } => false,
        };
        (!has_answer && head.len() <= HEADER_BYTES).then(|| STANDARD.encode(head))
    }

    /// The frame's head. Behind that of a completion comes the body.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(192);
        match self {
            Self::Begin { id, claim, wait, replays, failures } => {
                head(&mut writer, 1, id, claim.attempt);
                writer.u64(millis(*wait));
                writer.bytes(claim.fingerprint.as_bytes());
                writer.u64(millis(claim.lease));
                writer.u64(millis(claim.retention));
                writer.u8(match claim.on_unknown {
                    OnUnknown::Hold => 0,
                    OnUnknown::Retry => 1,
                    OnUnknown::Probe => 2,
                });
                match claim.layout {
                    Layout::Current => writer.u8(0),
                    Layout::Previous { next } => {
                        writer.u8(1);
                        writer.bytes(next.as_bytes());
                    }
                }
                writer.u32(claim.max_records);
                writer.u8(match claim.counting {
                    Counting::Done => 0,
                    Counting::Due => 1,
                });
                writer.u8(match replays {
                    Use::HandOn => 0,
                    Use::Remember => 1,
                });
                writer.u16(*failures);
            }
            Self::Count { id, attempt, key, quota, max_records, lease, retention } => {
                head(&mut writer, 3, id, *attempt);
                writer.bytes(key.as_bytes());
                writer.u32(*max_records);
                writer.u64(millis(*lease));
                writer.u32(quota.keys.get());
                writer.u64(millis(quota.window));
                writer.u64(millis(*retention));
            }
            Self::Settle { id, witness, lease, retention, outcome } => {
                head(&mut writer, 2, id, witness.attempt);
                writer.bytes(witness.of.as_bytes());
                writer.u64(millis(*lease));
                writer.u64(millis(*retention));
                outcome.write(&mut writer);
            }
            Self::Operator(command) => {
                start(&mut writer, command.kind());
                command.write(&mut writer);
            }
        }
        with_length(writer)
    }

    /// Reads a frame's head, which is as long as [`head_length`] said, and which `body_length` bytes follow.
    ///
    /// # Errors
    /// Where another version wrote it, or it is broken, or another length of body was to follow.
    pub fn decode(frame_head: &[u8], body_length: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame_head);
        bytes::version(&mut reader, VERSION)?;
        let command = reader.u8("the command")?;
        reader.u32("the head's length")?;
        if let Some(command) = OperatorCommand::read(command, &mut reader)? {
            reader.finish()?;
            check_body(command.body_length(), body_length)?;
            return Ok(Self::Operator(command));
        }
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
                        2 => OnUnknown::Probe,
                        value => return Err(DecodeError::Unknown { what: "on_unknown", value }),
                    },
                    layout: match reader.u8("the layout")? {
                        0 => Layout::Current,
                        1 => Layout::Previous { next: LayoutId::from_bytes(reader.array("the next layout")?) },
                        value => return Err(DecodeError::Unknown { what: "the layout", value }),
                    },
                    max_records: reader.u32("max_records")?,
                    counting: match reader.u8("the counting")? {
                        0 => Counting::Done,
                        1 => Counting::Due,
                        value => return Err(DecodeError::Unknown { what: "the counting", value }),
                    },
                },
                replays: match reader.u8("what replays are for")? {
                    0 => Use::HandOn,
                    1 => Use::Remember,
                    value => return Err(DecodeError::Unknown { what: "what replays are for", value }),
                },
                failures: reader.u16("the failures")?,
            },
            2 => Self::Settle {
                id,
                witness: Witness { attempt, of: AttemptId::from_bytes(reader.array("the attempt in question")?) },
                lease: span(&mut reader, "the lease")?,
                retention: span(&mut reader, "the retention")?,
                outcome: SentOutcome::read(&mut reader)?,
            },
            3 => Self::Count {
                id,
                attempt,
                key: RecordId::from_bytes(reader.array("the key's record")?),
                max_records: reader.u32("max_records")?,
                lease: span(&mut reader, "the lease")?,
                quota: Quota {
                    keys: NonZeroU32::new(reader.u32("the quota")?)
                        .ok_or(DecodeError::Unknown { what: "the quota", value: 0 })?,
                    window: span(&mut reader, "the window")?,
                },
                retention: span(&mut reader, "the retention")?,
            },
            value => return Err(DecodeError::Unknown { what: "the command", value }),
        };
        reader.finish()?;
        let expected = match &read {
            Self::Settle { outcome, .. } => outcome.body_length(),
            Self::Begin { .. } | Self::Count { .. } | Self::Operator(_) => 0,
        };
        check_body(expected, body_length)?;
        Ok(read)
    }
}

fn check_body(expected: usize, found: usize) -> Result<(), DecodeError> {
    match found.checked_sub(expected) {
        Some(0) => Ok(()),
        Some(more) => Err(DecodeError::Trailing(more)),
        None => Err(DecodeError::Truncated("the body")),
    }
}

impl SentOutcome {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Completed { status, headers, body } => {
                writer.u8(0);
                writer.u16(status.as_u16());
                match body {
                    SentBody::Follows { length, sealed_by } => {
                        writer.u8(0);
                        writer.u32(*length);
                        write_sealed_by(writer, *sealed_by);
                    }
                    SentBody::TooLarge => writer.u8(1),
                }
                write_headers(writer, headers);
            }
            Self::Released => writer.u8(1),
            Self::Doubted(doubt) => {
                writer.u8(2);
                doubt.write(writer);
            }
            Self::NotExecuted => writer.u8(3),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8("the outcome")? {
            0 => {
                let status = read_status(reader)?;
                let body = match reader.u8("the body's place")? {
                    0 => SentBody::Follows {
                        length: reader.u32("the body's length")?,
                        sealed_by: read_sealed_by(reader)?,
                    },
                    1 => SentBody::TooLarge,
                    value => return Err(DecodeError::Unknown { what: "the body's place", value }),
                };
                Ok(Self::Completed { status, headers: read_headers(reader)?, body })
            }
            1 => Ok(Self::Released),
            2 => Doubt::read(reader).map(Self::Doubted),
            3 => Ok(Self::NotExecuted),
            value => Err(DecodeError::Unknown { what: "the outcome", value }),
        }
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

fn start(writer: &mut Writer, command: u8) {
    writer.u8(VERSION);
    writer.u8(command);
    writer.u32(0);
}

fn head(writer: &mut Writer, command: u8, id: &RecordId, attempt: AttemptId) {
    start(writer, command);
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

pub(super) fn span(reader: &mut Reader<'_>, what: &'static str) -> Result<Duration, DecodeError> {
    reader.u64(what).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_goes_in_a_header_unless_an_answer_is_in_it() {
        for command in commands() {
            let head = command.encode();
            let has_answer = matches!(
                command,
                Command::Settle { outcome: SentOutcome::Completed { .. }, .. } | Command::Operator(_)
            );
            let header = command.to_header(&head);
            assert_eq!(header.is_none(), has_answer, "{command:?}");
            assert!(header.is_none_or(|header| from_header(&header) == Ok(head)), "{command:?}");
        }
        let begin = commands().into_iter().find(|command| matches!(command, Command::Begin { .. })).unwrap();
        assert!(begin.to_header(&vec![255; HEADER_BYTES]).is_some());
        assert!(begin.to_header(&vec![255; HEADER_BYTES + 1]).is_none());
        assert!(from_header("?").is_err());
    }

    fn commands() -> Vec<Command> {
        let id = RecordId::from_bytes([7; 32]);
        let attempt = AttemptId::from_bytes([9; 16]);
        let (lease, retention) = (Duration::from_secs(35), Duration::from_secs(87_300));
        let witness = Witness { attempt, of: AttemptId::from_bytes([8; 16]) };
        let begin = |on_unknown, layout, counting| {
            let fingerprint = Fingerprint::from_bytes([1; 32]);
            let claim = Claim { attempt, fingerprint, lease, retention, on_unknown, layout, max_records: 7, counting };
            let replays = if counting == Counting::Due { Use::Remember } else { Use::HandOn };
            Command::Begin { id, claim, wait: Duration::from_millis(250), replays, failures: 513 }
        };
        let previous = Layout::Previous { next: LayoutId::from_bytes([5; 8]) };
        let quota = Quota { keys: NonZeroU32::MIN, window: Duration::from_secs(60) };
        let settle = |outcome| Command::Settle { id, witness, lease, retention, outcome };
        let completed = |body| {
            let headers = vec![("x-a".into(), "ü".into()), ("x-a".into(), String::new())];
            settle(SentOutcome::Completed { status: Status::new(201).unwrap(), headers, body })
        };
        vec![
            begin(OnUnknown::Hold, Layout::Current, Counting::Done),
            begin(OnUnknown::Retry, Layout::Current, Counting::Due),
            begin(OnUnknown::Probe, previous, Counting::Done),
            Command::Count { id, attempt, key: id, quota, max_records: 7, lease, retention },
            completed(SentBody::Follows { length: 0, sealed_by: None }),
            completed(SentBody::Follows { length: 0, sealed_by: Some(SealKeyId::from_bytes([6; 8])) }),
            completed(SentBody::TooLarge),
            settle(SentOutcome::Released),
            settle(SentOutcome::NotExecuted),
            settle(SentOutcome::Doubted(Doubt::Status(502))),
        ]
    }

    #[test]
    fn every_command_is_read_as_it_was_sent() {
        for command in commands() {
            let frame = command.encode();
            assert_eq!(head_length(&frame), Ok(frame.len()));
            assert_eq!(Command::decode(&frame, 0), Ok(command));
        }
    }

    #[test]
    fn a_broken_or_newer_command_is_an_error() {
        for command in commands() {
            let frame = command.encode();
            for length in 0..frame.len() {
                assert!(Command::decode(&frame[..length], 0).is_err());
            }
            let newer = [&[2], &frame[1..]].concat();
            assert_eq!(Command::decode(&newer, 0), Err(DecodeError::Newer { found: 2, known: 1 }));
            assert_eq!(Command::decode(&[&frame[..], &[0]].concat(), 0), Err(DecodeError::Trailing(1)));
            assert_eq!(Command::decode(&frame, 1), Err(DecodeError::Trailing(1)), "a body that was not announced");
        }
    }

    #[test]
    fn a_body_that_broke_off_is_not_kept() {
        let id = RecordId::from_bytes([7; 32]);
        let body = SentBody::Follows { length: 5, sealed_by: None };
        let outcome = SentOutcome::Completed { status: Status::new(200).unwrap(), headers: Vec::new(), body };
        let attempt = AttemptId::from_bytes([9; 16]);
        let command = Command::Settle {
            id,
            witness: Witness::of_itself(attempt),
            lease: Duration::ZERO,
            retention: Duration::ZERO,
            outcome,
        };
        let frame = command.encode();
        assert_eq!(Command::decode(&frame, 4), Err(DecodeError::Truncated("the body")));
        assert_eq!(Command::decode(&frame, 5), Ok(command));
    }

    #[test]
    fn an_outcome_is_kept_as_it_is_said_and_in_doubt_where_an_answer_cannot_be_brought() {
        let status = Status::new(201).unwrap();
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        let sealed_by = Some(SealKeyId::from_bytes([6; 8]));
        let completed = |body| SentOutcome::Completed { status, headers: headers.clone(), body };
        let kept = |body, sealed_by| Outcome::Completed(Answer { status, headers: headers.clone(), body, sealed_by });
        let doubt = Doubt::Status(502);
        let in_doubt = Some(SentOutcome::Doubted(Doubt::NotRecorded));
        // What is said, what is kept, what is said instead, and whether its body is over the limit.
        for (sent, expected, instead, is_too_large) in [
            (
                completed(SentBody::Follows { length: 5, sealed_by }),
                kept(KeptBody::Inline { length: 5 }, sealed_by),
                in_doubt.clone(),
                false,
            ),
            (completed(SentBody::TooLarge), kept(KeptBody::TooLarge, None), in_doubt, true),
            (SentOutcome::Released, Outcome::Released, None, false),
            (SentOutcome::NotExecuted, Outcome::NotExecuted, None, false),
            (SentOutcome::Doubted(doubt), Outcome::Doubted(doubt), None, false),
        ] {
            assert_eq!((sent.instead(), sent.is_too_large()), (instead, is_too_large), "{sent:?}");
            assert_eq!(sent.for_record(), expected);
        }
    }
}
