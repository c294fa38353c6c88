//! The ledger's storage: SQLite in the Durable Object.
//!
//! One row in `ledger` holds the ledger's own state. Records lie in a table per generation, `g1`, `g2`, …: slot, id, record, and
//! the body of the answer. A body that is too large for a row lies in pieces in `b1`, `b2`, …, under the attempt that
//! brought it. There is no secondary index, and no row is deleted but by an operator: each would be a written row. Claiming a key writes
//! one row, settling it one more; a generation goes by dropping its tables, which writes none.

use core::time::Duration;

use js_sys::Uint8Array;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::ledger_state::{Counters, LedgerState};
use oncegate_protocol::record::{Answer, Claim, KeptBody, Record, State, Stored};
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::JsValue;

use super::bodies::{Place, Replay, StoredBody};
use super::claimed::Claimed;
use super::pieces::Pieces;
use super::sql::{Database, Fault, Stores, first_column};
use super::statements::{Columns, Statements};
use crate::platform::{Storage, column_of};

/// What was found for a key.
pub(super) struct Found {
    pub(super) stored: Stored,
    /// The row's record, as it is written there.
    row: Vec<u8>,
    /// In which generation; `None` where there is no row.
    pub(super) generation: Option<u32>,
    /// The body in its row, if it was asked for and is there.
    body: Option<Uint8Array>,
    source: Source,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Storage,
    /// This object has written it. Storage has yet to confirm it.
    Memory,
}

impl Found {
    fn new(generation: u32, row: Vec<u8>, body: Option<Uint8Array>, source: Source) -> Self {
        Self { stored: Stored::read(Some(&row)), row, generation: Some(generation), body, source }
    }
}

/// How long a route's records live: a generation is opened for as long as that.
pub(super) struct Span {
    /// How long they are under way.
    pub(super) lease: Duration,
    /// How long they are kept afterwards.
    pub(super) retention: Duration,
}

/// The records of one ledger.
pub(super) struct Records {
    pub(super) database: Database,
    /// As stored, with the counters that have yet to be; `None` until it is read, and again after a failure.
    pub(super) state: Option<LedgerState>,
    /// The counters as they are stored.
    pub(super) stored_counters: Counters,
    /// About how many rows there are; `None` until they are counted, and again when some were dropped.
    pub(super) rows: Option<u64>,
    pub(super) claimed: Claimed,
    pub(super) statements: Statements,
}

impl Records {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            database: Database::new(storage),
            state: None,
            stored_counters: Counters::default(),
            rows: None,
            claimed: Claimed::default(),
            statements: Statements::default(),
        }
    }

    /// Looks a key up, from the newest generation to the oldest, with its body if that is small.
    pub(super) fn find(&mut self, id: &RecordId) -> Stores<Found> {
        self.look_up(id, Columns::RecordAndBody)
    }

    pub(super) fn find_without_body(&mut self, id: &RecordId) -> Stores<Found> {
        self.look_up(id, Columns::Record)
    }

    /// Finds a record that is to be settled: what this object has claimed is not looked up, but [confirmed](Self::confirm), or
    /// [settled](Self::settle) if it is so.
    pub(super) fn find_to_settle(&mut self, id: &RecordId) -> Stores<Found> {
        // Where its state cannot be read a ledger does not serve.
        self.state()?;
        match self.claimed.take(id) {
            Some((generation, row)) => Ok(Found::new(generation, row, None, Source::Memory)),
            None => self.find_without_body(id),
        }
    }

    fn look_up(&mut self, id: &RecordId, columns: Columns) -> Stores<Found> {
        Ok(match self.newest_row(id, columns)? {
            Some((generation, row)) => {
                let body = if columns == Columns::RecordAndBody { column_of(&row, 1) } else { None };
                Found::new(generation, first_column(&row), body, Source::Storage)
            }
            None => {
                Found { stored: Stored::Absent, row: Vec::new(), generation: None, body: None, source: Source::Storage }
            }
        })
    }

    /// That what was found is in storage. Another instance of this object, of which this one does not know yet, may have taken over.
    ///
    /// # Errors
    /// Where it is not.
    pub(super) fn confirm(&mut self, id: &RecordId, found: &Found) -> Stores<()> {
        match found.source {
            Source::Memory if self.find_without_body(id)?.row != found.row => Err(changed()),
            Source::Memory | Source::Storage => Ok(()),
        }
    }

    /// The body of an answer, to be replayed.
    pub(super) fn body(&self, id: &RecordId, found: &Found, answer: &Answer) -> Stores<Replay> {
        let (Some(generation), Stored::Record(record)) = (found.generation, &found.stored) else {
            return Ok(Replay::Lost);
        };
        let (length, place) = match (answer.body, &found.body) {
            (KeptBody::TooLarge, _) => return Ok(Replay::Lost),
            (KeptBody::Inline { length: 0 }, _) => return Ok(Replay::Whole(Uint8Array::new_with_length(0).into())),
            (KeptBody::Inline { length }, Some(body)) if body.length() == length => {
                return Ok(Replay::Whole(body.into()));
            }
            (KeptBody::Inline { .. }, Some(_)) => return Ok(Replay::Lost),
            (KeptBody::Inline { length }, None) => (length, Place::Row { id: *id, record: found.row.clone() }),
            (KeptBody::Pieces { length, count }, _) => {
                (length, Place::Pieces(Pieces { attempt: record.attempt, count }))
            }
        };
        let stored = StoredBody { database: self.database.clone(), generation, place, length };
        Ok(if stored.is_whole()? { Replay::Stored(stored) } else { Replay::Lost })
    }

    /// Writes a claim: one row.
    pub(super) fn claim(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        claim: &Claim,
        now: Timestamp,
    ) -> Stores<()> {
        let span = Span { lease: claim.lease, retention: claim.retention };
        self.write_new(id, found.generation, record, &span, now)
    }

    fn write_new(
        &mut self,
        id: &RecordId,
        found: Option<u32>,
        record: &Record,
        span: &Span,
        now: Timestamp,
    ) -> Stores<()> {
        let row = record.encode();
        let (generation, rows) = self.insert(id, found, &row, span, record.expires_at, now)?;
        self.claimed.note(*id, generation, row);
        self.count_rows(rows, |counters| &mut counters.record_rows);
        Ok(())
    }

    /// Writes how an attempt ended.
    pub(super) fn settle(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        body: Option<&Uint8Array>,
        span: &Span,
        now: Timestamp,
    ) -> Stores<()> {
        // A release that finds no row writes one, in case its claim is yet to come.
        let Some(generation) = found.generation else {
            return self.write_new(id, None, record, span, now);
        };
        self.overwrite(id, generation, found, record, body, span.retention)?;
        self.tell(|counters| counters.settled(record, now));
        Ok(())
    }

    /// Writes a record over the row that was found: one row, and one more per piece of a large body.
    ///
    /// # Errors
    /// Also where the row has another record by now.
    pub(super) fn overwrite(
        &mut self,
        id: &RecordId,
        generation: u32,
        found: &Found,
        record: &Record,
        body: Option<&Uint8Array>,
        retention: Duration,
    ) -> Stores<()> {
        self.keep_until(generation, record.expires_at, retention)?;
        let body = match &record.state {
            State::Completed(Answer { body: KeptBody::Inline { length: 1.. }, .. }) => body,
            State::Completed(Answer { body: KeptBody::Pieces { count, .. }, .. }) => {
                if let Some(body) = body {
                    let pieces = Pieces { attempt: record.attempt, count: *count };
                    let written = pieces.write(&self.database, generation, body);
                    let rows = self.known(written)?;
                    self.count_rows(rows, |counters| &mut counters.record_rows);
                }
                None
            }
            _ => None,
        };
        self.claimed.take(id);
        let written = self.database.settle(self.statements.settle(generation), id, &record.encode(), body, &found.row);
        let rows = self.known(written.and_then(some_row))?;
        self.count_rows(rows, |counters| &mut counters.record_rows);
        Ok(())
    }
}

/// How many rows were written, where one was to be.
///
/// # Errors
/// Where none was.
pub(super) fn some_row(written: u64) -> Stores<u64> {
    if written > 0 { Ok(written) } else { Err(changed()) }
}

/// That a row is not what was found, or written, before. Whoever asks again is told by what it is.
fn changed() -> Fault {
    Fault::Storage(JsValue::from_str("the record is not the one that was there before"))
}
