//! The stored form of a record. Every released schema stays readable; a newer one is refused, never taken for absent.
//!
//! Schema 1, integers big-endian:
//!
//! ```text
//! version u8 = 1 · fingerprint [32] · attempt [16] · attempt number u32 · expires_at u64 · state u8 · …
//!   0 in progress   lease_until u64
//!   1 completed     status u16 · body u8 (0 inline, 1 pieces, 2 too large) · length u32 · pieces u16
//!                   · sealed u8 (0 no, 1 yes: by key [8]) · header count u16 · (name, value: length u32 and UTF-8)…
//!   2 released
//!   3 unknown       doubt
//!   4 moved         next layout [8]
//!   5 probing       by [16] · until u64 · doubt
//! · history: count u8 · (at u64 · attempt number u32 · event u8 …)…
//!   0 claimed · 1 completed, status u16 · 2 released · 3 doubted, doubt · 4 moved · 5 probed
//!   6 resolved, status u16 (0: released), note · 7 forgotten, note
//! note: who, why: length u32 and UTF-8
//! doubt: kind u8 · status u16 (0 unless the kind is a status)
//! ```

use super::{Answer, Event, History, KeptBody, Note, Record, State, Transition};
use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::{AttemptId, Fingerprint, LayoutId, SealKeyId};
use crate::outcome::{Doubt, Status};
use crate::time::Timestamp;

const SCHEMA: u8 = 1;

/// Where the byte of the state is in the stored form, counted from 0: storage can tell records apart by it without reading
/// them.
pub const STATE_OFFSET: usize = 1 + Fingerprint::LENGTH + AttemptId::LENGTH + 4 + 8;

impl Record {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.u8(SCHEMA);
        writer.bytes(self.fingerprint.as_bytes());
        writer.bytes(self.attempt.as_bytes());
        writer.u32(self.number);
        writer.u64(self.expires_at.as_millis());
        write_state(&mut writer, &self.state);
        write_history(&mut writer, &self.history);
        writer.finish()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// Where a newer program wrote it, or nobody did: see [`DecodeError`].
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(stored);
        bytes::version(&mut reader, SCHEMA)?;
        let record = Self {
            fingerprint: Fingerprint::from_bytes(reader.array("the fingerprint")?),
            attempt: AttemptId::from_bytes(reader.array("the attempt")?),
            number: reader.u32("the attempt number")?,
            expires_at: Timestamp::from_millis(reader.u64("the expiry")?),
            state: read_state(&mut reader)?,
            history: read_history(&mut reader)?,
        };
        reader.finish()?;
        Ok(record)
    }
}

fn write_state(writer: &mut Writer, state: &State) {
    match state {
        State::InProgress { lease_until } => {
            writer.u8(0);
            writer.u64(lease_until.as_millis());
        }
        State::Completed(answer) => {
            writer.u8(1);
            answer.write(writer);
        }
        State::Released => writer.u8(2),
        State::Unknown(doubt) => {
            writer.u8(3);
            doubt.write(writer);
        }
        State::Moved { next } => {
            writer.u8(4);
            writer.bytes(next.as_bytes());
        }
        State::Probing { by, until, doubt } => {
            writer.u8(5);
            writer.bytes(by.as_bytes());
            writer.u64(until.as_millis());
            doubt.write(writer);
        }
    }
}

fn read_state(reader: &mut Reader<'_>) -> Result<State, DecodeError> {
    match reader.u8("the state")? {
        0 => Ok(State::InProgress { lease_until: Timestamp::from_millis(reader.u64("the lease")?) }),
        1 => Answer::read(reader).map(State::Completed),
        2 => Ok(State::Released),
        3 => Doubt::read(reader).map(State::Unknown),
        4 => Ok(State::Moved { next: LayoutId::from_bytes(reader.array("the next layout")?) }),
        5 => Ok(State::Probing {
            by: AttemptId::from_bytes(reader.array("the asking attempt")?),
            until: Timestamp::from_millis(reader.u64("the end of asking")?),
            doubt: Doubt::read(reader)?,
        }),
        value => Err(DecodeError::Unknown { what: "the state", value }),
    }
}

impl Answer {
    fn write(&self, writer: &mut Writer) {
        writer.u16(self.status.as_u16());
        let (place, length, pieces) = match self.body {
            KeptBody::Inline { length } => (0, length, 0),
            KeptBody::Pieces { length, count } => (1, length, count),
            KeptBody::TooLarge => (2, 0, 0),
        };
        writer.u8(place);
        writer.u32(length);
        writer.u16(pieces);
        write_sealed_by(writer, self.sealed_by);
        write_headers(writer, &self.headers);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let status = read_status(reader)?;
        let place = reader.u8("the body's place")?;
        let length = reader.u32("the body's length")?;
        let count = reader.u16("the body's pieces")?;
        let body = match place {
            0 => KeptBody::Inline { length },
            1 => KeptBody::Pieces { length, count },
            2 => KeptBody::TooLarge,
            value => return Err(DecodeError::Unknown { what: "the body's place", value }),
        };
        let sealed_by = read_sealed_by(reader)?;
        Ok(Self { status, headers: read_headers(reader)?, body, sealed_by })
    }
}

pub(crate) fn write_sealed_by(writer: &mut Writer, key: Option<SealKeyId>) {
    match key {
        None => writer.u8(0),
        Some(key) => {
            writer.u8(1);
            writer.bytes(key.as_bytes());
        }
    }
}

pub(crate) fn read_sealed_by(reader: &mut Reader<'_>) -> Result<Option<SealKeyId>, DecodeError> {
    match reader.u8("whether it is sealed")? {
        0 => Ok(None),
        1 => Ok(Some(SealKeyId::from_bytes(reader.array("the key it is sealed with")?))),
        value => Err(DecodeError::Unknown { what: "whether it is sealed", value }),
    }
}

/// Headers, at most 65,535: [`crate::limits::RESPONSE_HEADERS`] is far below.
pub(crate) fn write_headers(writer: &mut Writer, headers: &[(String, String)]) {
    writer.u16(u16::try_from(headers.len()).unwrap_or(u16::MAX));
    for (name, value) in headers.iter().take(usize::from(u16::MAX)) {
        writer.text(name);
        writer.text(value);
    }
}

pub(crate) fn read_headers(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, DecodeError> {
    let count = reader.u16("the number of headers")?;
    let header = |_| Ok((reader.text("a header's name")?.to_owned(), reader.text("a header's value")?.to_owned()));
    (0..count).map(header).collect()
}

pub(crate) fn read_status(reader: &mut Reader<'_>) -> Result<Status, DecodeError> {
    let number = reader.u16("the status")?;
    // A status out of range is as unreadable as an unknown kind; its last byte is enough to tell which it was.
    Status::new(number).ok_or(DecodeError::Unknown { what: "the status", value: number.to_be_bytes()[1] })
}

/// 0 stands for none.
fn read_optional_status(reader: &mut Reader<'_>) -> Result<Option<Status>, DecodeError> {
    let mut ahead = reader.clone();
    if ahead.u16("the status")? == 0 {
        *reader = ahead;
        return Ok(None);
    }
    read_status(reader).map(Some)
}

impl Doubt {
    pub(crate) fn write(self, writer: &mut Writer) {
        let (kind, status) = match self {
            Self::LeaseExpired => (0, 0),
            Self::OriginTimeout => (1, 0),
            Self::ConnectionLost => (2, 0),
            Self::BodyCut => (3, 0),
            Self::NotRecorded => (4, 0),
            Self::Status(status) => (5, status),
        };
        writer.u8(kind);
        writer.u16(status);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.u8("the doubt")?;
        let status = reader.u16("the doubt's status")?;
        match kind {
            0 => Ok(Self::LeaseExpired),
            1 => Ok(Self::OriginTimeout),
            2 => Ok(Self::ConnectionLost),
            3 => Ok(Self::BodyCut),
            4 => Ok(Self::NotRecorded),
            5 => Ok(Self::Status(status)),
            value => Err(DecodeError::Unknown { what: "the doubt", value }),
        }
    }
}

/// At most 255 transitions: [`crate::limits::HISTORY`] is far below.
fn write_history(writer: &mut Writer, history: &History) {
    let transitions = history.transitions();
    writer.u8(u8::try_from(transitions.len()).unwrap_or(u8::MAX));
    for transition in transitions.iter().take(usize::from(u8::MAX)) {
        writer.u64(transition.at.as_millis());
        writer.u32(transition.attempt_number);
        match &transition.event {
            Event::Claimed => writer.u8(0),
            Event::Completed(status) => {
                writer.u8(1);
                writer.u16(status.as_u16());
            }
            Event::Released => writer.u8(2),
            Event::Doubted(doubt) => {
                writer.u8(3);
                doubt.write(writer);
            }
            Event::Moved => writer.u8(4),
            Event::Probed => writer.u8(5),
            Event::Resolved { status, note } => {
                writer.u8(6);
                writer.u16(status.map_or(0, Status::as_u16));
                note.write(writer);
            }
            Event::Forgotten(note) => {
                writer.u8(7);
                note.write(writer);
            }
        }
    }
}

fn read_history(reader: &mut Reader<'_>) -> Result<History, DecodeError> {
    let count = reader.u8("the history's length")?;
    let transition = |_| {
        let at = Timestamp::from_millis(reader.u64("a transition's time")?);
        let attempt_number = reader.u32("a transition's attempt")?;
        let event = match reader.u8("a transition's event")? {
            0 => Event::Claimed,
            1 => Event::Completed(read_status(reader)?),
            2 => Event::Released,
            3 => Event::Doubted(Doubt::read(reader)?),
            4 => Event::Moved,
            5 => Event::Probed,
            6 => Event::Resolved { status: read_optional_status(reader)?, note: Note::read(reader)? },
            7 => Event::Forgotten(Note::read(reader)?),
            value => return Err(DecodeError::Unknown { what: "a transition's event", value }),
        };
        Ok(Transition { at, attempt_number, event })
    };
    (0..count).map(transition).collect()
}
