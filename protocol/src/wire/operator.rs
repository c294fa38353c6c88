//! What an operator's request asks of a ledger, and what the ledger answers.

use core::time::Duration;

use super::VERSION;
use super::command::span;
use crate::bytes::{self, DecodeError, Reader, Writer};
use crate::ids::{AttemptId, RecordId, SealKeyId};
use crate::ledger_state::Counters;
use crate::limits;
use crate::operator::Listed;
use crate::outcome::Status;
use crate::record::{
    Answer, Intervention, KeptBody, Note, Record, read_headers, read_sealed_by, read_status, write_headers,
    write_sealed_by,
};
use crate::slot::Slot;
use crate::time::{Timestamp, millis};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// How does this record stand?
    Look {
        /// Which record.
        id: RecordId,
        /// Whether its body is wanted, if it is not over [`limits::OPERATOR_BODY_BYTES`].
        with_body: bool,
    },
    /// Change this record by hand. The body of an answer follows the head.
    Intervene {
        /// Which record.
        id: RecordId,
        /// The attempt that it is about.
        fence: AttemptId,
        /// An attempt's id drawn for this command.
        by: AttemptId,
        /// How long to keep the record from now.
        retention: Duration,
        /// What to do.
        intervention: SentIntervention,
        /// Who wants it, and why.
        note: Note,
    },
    /// Which records stand so?
    List {
        /// How.
        listed: Listed,
        /// How many records at most.
        limit: u16,
        /// From where; `None`: from the beginning.
        from: Option<Position>,
    },
    /// What have you counted?
    Tally,
}

/// [`Intervention`], as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentIntervention {
    /// As [`Intervention::Complete`]; the body follows the head of the frame, to the frame's end.
    Complete {
        /// The status to be replayed.
        status: Status,
        /// The headers to be replayed.
        headers: Vec<(String, String)>,
        /// The body's length in bytes, as it follows.
        length: u32,
        /// The key it is sealed with, if it is.
        sealed_by: Option<SealKeyId>,
    },
    /// As [`Intervention::Release`].
    Release,
    /// As [`Intervention::Forget`].
    Forget,
}

impl SentIntervention {
    /// As the record takes it.
    pub fn for_record(self) -> Intervention {
        match self {
            Self::Complete { status, headers, length, sealed_by } => {
                let body = KeptBody::place(length, limits::ROW_BODY_BYTES);
                Intervention::Complete(Answer { status, headers, body, sealed_by })
            }
            Self::Release => Intervention::Release,
            Self::Forget => Intervention::Forget,
        }
    }
}

/// How far a ledger's records have been listed: oldest generation first, by slot in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The generation where to go on.
    pub generation: u32,
    /// Behind which slot; `None`: at the first.
    pub after: Option<Slot>,
}

/// What a ledger answers an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// To a look or an intervention: there is no row for this id.
    Nothing,
    /// The record, or the ledger's own state, cannot be read: why, if it is told.
    Unreadable(String),
    /// The frame was of another version, or broken.
    NotUnderstood,
    /// To a look: the record.
    Found {
        /// The ledger's clock.
        now: Timestamp,
        /// The record.
        record: Box<Record>,
        /// Its body.
        body: ShownBody,
    },
    /// To an intervention: it has been carried out, and this is the record now.
    Done {
        /// The ledger's clock.
        now: Timestamp,
        /// The record.
        record: Box<Record>,
    },
    /// To an intervention: the record does not stand so that it could be carried out.
    Refused {
        /// The ledger's clock.
        now: Timestamp,
        /// The record.
        record: Box<Record>,
    },
    /// To an intervention: the record is another attempt's than the one that it is about.
    OtherAttempt {
        /// The ledger's clock.
        now: Timestamp,
        /// The record.
        record: Box<Record>,
    },
    /// To a list.
    Page(Page),
    /// To a tally.
    Tally(Box<Tally>),
}

/// The body of a record that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownBody {
    /// It was not asked for, or there is none.
    None,
    /// This.
    Bytes(Vec<u8>),
    /// It is over the limit.
    TooLarge,
    /// Its rows are not, or no longer, all there.
    Lost,
}

/// Some of a ledger's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records that stand as was asked, by the ledger's clock.
    pub entries: Vec<Entry>,
    /// How many rows that were looked at cannot be read.
    pub unreadable: u32,
    /// Where to go on; `None` where these were the last.
    pub next: Option<Position>,
}

/// One record on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: RecordId,
    /// The ledger's clock when it was read.
    pub now: Timestamp,
    /// The record.
    pub record: Record,
}

/// What one ledger, or several together, have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What it did.
    pub counters: Counters,
    /// How many generations of records there are.
    pub generations: u64,
    /// How many bytes its database takes.
    pub bytes: u64,
}

impl Tally {
    /// This one's and that one's.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            counters: self.counters.plus(&other.counters),
            generations: self.generations.saturating_add(other.generations),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl OperatorCommand {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Look { .. } => 64,
            Self::Intervene { .. } => 65,
            Self::List { .. } => 66,
            Self::Tally => 67,
        }
    }

    pub(super) fn body_length(&self) -> usize {
        match self {
            Self::Intervene { intervention: SentIntervention::Complete { length, .. }, .. } => {
                usize::try_from(*length).unwrap_or(usize::MAX)
            }
            _ => 0,
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Look { id, with_body } => {
                writer.bytes(id.as_bytes());
                writer.u8(u8::from(*with_body));
            }
            Self::Intervene { id, fence, by, retention, intervention, note } => {
                writer.bytes(id.as_bytes());
                writer.bytes(fence.as_bytes());
                writer.bytes(by.as_bytes());
                writer.u64(millis(*retention));
                note.write(writer);
                match intervention {
                    SentIntervention::Complete { status, headers, length, sealed_by } => {
                        writer.u8(0);
                        writer.u16(status.as_u16());
                        writer.u32(*length);
                        write_sealed_by(writer, *sealed_by);
                        write_headers(writer, headers);
                    }
                    SentIntervention::Release => writer.u8(1),
                    SentIntervention::Forget => writer.u8(2),
                }
            }
            Self::List { listed, limit, from } => {
                writer.u8(match listed {
                    Listed::Unknown => 0,
                    Listed::InProgress => 1,
                });
                writer.u16(*limit);
                write_position(writer, *from);
            }
            Self::Tally => {}
        }
    }

    /// `None` where the command is none of these.
    pub(super) fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match kind {
            64 => Self::Look {
                id: read_id(reader)?,
                with_body: match reader.u8("whether the body is wanted")? {
                    0 => false,
                    1 => true,
                    value => return Err(DecodeError::Unknown { what: "whether the body is wanted", value }),
                },
            },
            65 => Self::Intervene {
                id: read_id(reader)?,
                fence: AttemptId::from_bytes(reader.array("the attempt in question")?),
                by: AttemptId::from_bytes(reader.array("the attempt")?),
                retention: span(reader, "the retention")?,
                note: Note::read(reader)?,
                intervention: match reader.u8("the intervention")? {
                    0 => SentIntervention::Complete {
                        status: read_status(reader)?,
                        length: reader.u32("the body's length")?,
                        sealed_by: read_sealed_by(reader)?,
                        headers: read_headers(reader)?,
                    },
                    1 => SentIntervention::Release,
                    2 => SentIntervention::Forget,
                    value => return Err(DecodeError::Unknown { what: "the intervention", value }),
                },
            },
            66 => Self::List {
                listed: match reader.u8("what is listed")? {
                    0 => Listed::Unknown,
                    1 => Listed::InProgress,
                    value => return Err(DecodeError::Unknown { what: "what is listed", value }),
                },
                limit: reader.u16("the limit")?,
                from: read_position(reader)?,
            },
            67 => Self::Tally,
            _ => return Ok(None),
        }))
    }
}

impl Report {
    /// The frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256);
        writer.u8(VERSION);
        match self {
            // These two are said alike to whoever asks: see [`super::Reply`].
            Self::Unreadable(reason) => {
                writer.u8(3);
                writer.text(reason);
            }
            Self::NotUnderstood => writer.u8(4),
            Self::Nothing => writer.u8(64),
            Self::Found { now, record, body } => {
                writer.u8(65);
                write_record(&mut writer, *now, record);
                match body {
                    ShownBody::None => writer.u8(0),
                    ShownBody::Bytes(bytes) => {
                        writer.u8(1);
                        writer.sized(bytes);
                    }
                    ShownBody::TooLarge => writer.u8(2),
                    ShownBody::Lost => writer.u8(3),
                }
            }
            Self::Done { now, record } => {
                writer.u8(66);
                write_record(&mut writer, *now, record);
            }
            Self::Refused { now, record } => {
                writer.u8(67);
                write_record(&mut writer, *now, record);
            }
            Self::OtherAttempt { now, record } => {
                writer.u8(68);
                write_record(&mut writer, *now, record);
            }
            Self::Page(page) => {
                writer.u8(69);
                writer.u16(u16::try_from(page.entries.len()).unwrap_or(u16::MAX));
                for entry in page.entries.iter().take(usize::from(u16::MAX)) {
                    writer.bytes(entry.id.as_bytes());
                    write_record(&mut writer, entry.now, &entry.record);
                }
                writer.u32(page.unreadable);
                write_position(&mut writer, page.next);
            }
            Self::Tally(tally) => {
                writer.u8(70);
                tally.counters.write(&mut writer);
                writer.u64(tally.generations);
                writer.u64(tally.bytes);
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
        let report = match reader.u8("the report")? {
            3 if reader.is_at_end() => Self::Unreadable(String::new()),
            3 => Self::Unreadable(reader.text("the reason")?.to_owned()),
            4 => Self::NotUnderstood,
            64 => Self::Nothing,
            65 => {
                let (now, record) = read_record(&mut reader)?;
                let body = match reader.u8("the body's place")? {
                    0 => ShownBody::None,
                    1 => ShownBody::Bytes(reader.sized("the body")?.to_vec()),
                    2 => ShownBody::TooLarge,
                    3 => ShownBody::Lost,
                    value => return Err(DecodeError::Unknown { what: "the body's place", value }),
                };
                Self::Found { now, record, body }
            }
            66 => read_record(&mut reader).map(|(now, record)| Self::Done { now, record })?,
            67 => read_record(&mut reader).map(|(now, record)| Self::Refused { now, record })?,
            68 => read_record(&mut reader).map(|(now, record)| Self::OtherAttempt { now, record })?,
            69 => {
                let count = reader.u16("the number of records")?;
                let entry = |_| {
                    let id = read_id(&mut reader)?;
                    let (now, record) = read_record(&mut reader)?;
                    Ok(Entry { id, now, record: *record })
                };
                let entries = (0..count).map(entry).collect::<Result<_, _>>()?;
                let unreadable = reader.u32("the unreadable rows")?;
                Self::Page(Page { entries, unreadable, next: read_position(&mut reader)? })
            }
            70 => Self::Tally(Box::new(Tally {
                counters: Counters::read(&mut reader)?,
                generations: reader.u64("the generations")?,
                bytes: reader.u64("the bytes")?,
            })),
            value => return Err(DecodeError::Unknown { what: "the report", value }),
        };
        reader.finish()?;
        Ok(report)
    }
}

fn write_record(writer: &mut Writer, now: Timestamp, record: &Record) {
    writer.u64(now.as_millis());
    writer.sized(&record.encode());
}

fn read_record(reader: &mut Reader<'_>) -> Result<(Timestamp, Box<Record>), DecodeError> {
    let now = Timestamp::from_millis(reader.u64("the ledger's time")?);
    Ok((now, Box::new(Record::decode(reader.sized("the record")?)?)))
}

fn write_position(writer: &mut Writer, position: Option<Position>) {
    match position {
        None => writer.u8(0),
        Some(Position { generation, after: None }) => {
            writer.u8(1);
            writer.u32(generation);
        }
        Some(Position { generation, after: Some(slot) }) => {
            writer.u8(2);
            writer.u32(generation);
            writer.u64(slot.number());
        }
    }
}

fn read_position(reader: &mut Reader<'_>) -> Result<Option<Position>, DecodeError> {
    Ok(match reader.u8("the position")? {
        0 => None,
        1 => Some(Position { generation: reader.u32("the generation")?, after: None }),
        2 => Some(Position { generation: reader.u32("the generation")?, after: Some(read_slot(reader)?) }),
        value => return Err(DecodeError::Unknown { what: "the position", value }),
    })
}

fn read_slot(reader: &mut Reader<'_>) -> Result<Slot, DecodeError> {
    let number = reader.u64("the slot")?;
    let [value, ..] = number.to_be_bytes();
    Slot::new(number).ok_or(DecodeError::Unknown { what: "the slot", value })
}

fn read_id(reader: &mut Reader<'_>) -> Result<RecordId, DecodeError> {
    reader.array("the record's id").map(RecordId::from_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Fingerprint;
    use crate::record::{Event, History, State, Transition};
    use crate::wire::{Command, Reply};

    const ID: RecordId = RecordId::from_bytes([7; 32]);

    fn note() -> Note {
        Note::new("alice", "found in the bank's file").unwrap()
    }

    fn record() -> Record {
        let at = Timestamp::from_millis(5);
        let events = [
            Event::Claimed,
            Event::Resolved { status: Status::new(201), note: note() },
            Event::Resolved { status: None, note: note() },
            Event::Forgotten(note()),
        ];
        let history: History = events.into_iter().map(|event| Transition { at, attempt_number: 1, event }).collect();
        Record {
            fingerprint: Fingerprint::from_bytes([1; 32]),
            attempt: AttemptId::from_bytes([9; 16]),
            number: 2,
            state: State::Released,
            expires_at: Timestamp::from_millis(99),
            history,
        }
    }

    #[test]
    fn every_command_is_read_as_it_was_sent() {
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        let status = Status::new(201).unwrap();
        let sealed_by = Some(SealKeyId::from_bytes([6; 8]));
        let complete = SentIntervention::Complete { status, headers, length: 3, sealed_by };
        let intervene = |intervention| OperatorCommand::Intervene {
            id: ID,
            fence: AttemptId::from_bytes([8; 16]),
            by: AttemptId::from_bytes([9; 16]),
            retention: Duration::from_secs(9),
            intervention,
            note: note(),
        };
        let list = |from| OperatorCommand::List { listed: Listed::InProgress, limit: 50, from };
        let commands = [
            (OperatorCommand::Look { id: ID, with_body: true }, 0),
            (OperatorCommand::Look { id: ID, with_body: false }, 0),
            (OperatorCommand::List { listed: Listed::Unknown, limit: 1, from: None }, 0),
            (intervene(complete), 3),
            (intervene(SentIntervention::Release), 0),
            (intervene(SentIntervention::Forget), 0),
            (list(None), 0),
            (list(Some(Position { generation: 3, after: None })), 0),
            (list(Some(Position { generation: 3, after: Some(ID.slot()) })), 0),
            (OperatorCommand::Tally, 0),
        ];
        for (command, body_length) in commands {
            let frame = Command::Operator(command.clone()).encode();
            assert_eq!(Command::decode(&frame, body_length), Ok(Command::Operator(command)));
            assert!(Command::decode(&frame, body_length + 1).is_err());
            for length in 0..frame.len() {
                assert!(Command::decode(&frame[..length], body_length).is_err());
            }
        }
    }

    #[test]
    fn an_intervention_is_carried_out_as_it_is_sent() {
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        let (status, sealed_by) = (Status::new(201).unwrap(), Some(SealKeyId::from_bytes([6; 8])));
        let sent = SentIntervention::Complete { status, headers: headers.clone(), length: 3, sealed_by };
        let body = KeptBody::Inline { length: 3 };
        assert_eq!(sent.for_record(), Intervention::Complete(Answer { status, headers, body, sealed_by }));
        assert_eq!(SentIntervention::Release.for_record(), Intervention::Release);
        assert_eq!(SentIntervention::Forget.for_record(), Intervention::Forget);
    }

    #[test]
    fn every_report_is_read_as_it_was_sent() {
        let now = Timestamp::from_millis(7);
        let found = |body| Report::Found { now, record: Box::new(record()), body };
        let entries = vec![Entry { id: ID, now, record: record() }; 2];
        let counters = Counters { resolved: 3, ..Counters::default() };
        let reports = [
            Report::Nothing,
            Report::Unreadable("why".to_owned()),
            Report::NotUnderstood,
            found(ShownBody::None),
            found(ShownBody::Bytes(vec![0, 255])),
            found(ShownBody::TooLarge),
            found(ShownBody::Lost),
            Report::Done { now, record: Box::new(record()) },
            Report::Refused { now, record: Box::new(record()) },
            Report::OtherAttempt { now, record: Box::new(record()) },
            Report::Page(Page::default()),
            Report::Page(Page {
                entries,
                unreadable: 1,
                next: Some(Position { generation: 1, after: Some(ID.slot()) }),
            }),
            Report::Tally(Box::new(Tally { counters, generations: 2, bytes: 4096 })),
        ];
        for report in reports {
            let frame = report.encode();
            assert_eq!(Report::decode(&frame).as_ref(), Ok(&report));
            for length in 0..frame.len() {
                let is_short_unreadable = matches!(report, Report::Unreadable(_)) && length == 2;
                assert!(is_short_unreadable || Report::decode(&frame[..length]).is_err(), "{length} of {report:?}");
            }
        }
    }

    #[test]
    fn what_a_ledger_says_to_anybody_is_a_report_too() {
        assert_eq!(Report::decode(&Reply::Unreadable.encode()), Ok(Report::Unreadable(String::new())));
        assert_eq!(Report::decode(&Reply::NotUnderstood.encode()), Ok(Report::NotUnderstood));
        assert!(Report::decode(&Reply::Done.encode()).is_err());
    }
}
