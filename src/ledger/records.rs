//! The ledger's storage: SQLite in the Durable Object.
//!
//! One row in `ledger` holds the ledger's own state. Records lie in a table per generation, `g1`, `g2`, …: id, record, and
//! the body of the answer. A body that is too large for a row lies in pieces in `b1`, `b2`, …, under the attempt that
//! brought it. There is no secondary index, and no row is ever deleted: each would be a written row. Claiming a key writes
//! one row, settling it one more; a generation goes by dropping its tables, which writes none.

use core::time::Duration;

use oncegate_protocol::ids::RecordId;
use oncegate_protocol::ledger_state::{Counters, LedgerState};
use oncegate_protocol::limits;
use oncegate_protocol::record::{Answer, Claim, KeptBody, Record, State, Stored};
use oncegate_protocol::retention::{Generation, Placement};
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::js_sys::Uint8Array;

use super::bodies::{Place, Replay, StoredBody};
use super::sql::{Database, Fault, Stores, as_bytes, blob};
use crate::platform::Storage;

/// What was found for a key.
pub(super) struct Found {
    pub(super) stored: Stored,
    /// In which generation; `None` where there is no row.
    generation: Option<u32>,
    /// The body in its row, if it was asked for and is there.
    body: Option<Uint8Array>,
}

/// The records of one ledger.
pub(super) struct Records {
    database: Database,
    /// As stored, with the counters that have yet to be; `None` until it is read, and again after a failure.
    state: Option<LedgerState>,
}

impl Records {
    pub(super) fn new(storage: Storage) -> Self {
        Self { database: Database::new(storage), state: None }
    }

    /// Looks a key up, from the newest generation to the oldest, with its body if that is small.
    pub(super) fn find(&mut self, id: &RecordId) -> Stores<Found> {
        let small = limits::REPLAY_WINDOW_BYTES;
        self.look_up(id, &format!("record, CASE WHEN length(body) <= {small} THEN body END"))
    }

    pub(super) fn find_without_body(&mut self, id: &RecordId) -> Stores<Found> {
        self.look_up(id, "record")
    }

    fn look_up(&mut self, id: &RecordId, columns: &str) -> Stores<Found> {
        let id = blob(id.as_bytes());
        let generations: Vec<u32> = self.state()?.generations.newest_first().collect();
        for number in generations {
            let rows = self.database.read(&format!("SELECT {columns} FROM g{number} WHERE id = ?"), &[&id])?;
            if let Some(row) = rows.first() {
                let record = as_bytes(&row.get(0)).map(|bytes| bytes.to_vec());
                return Ok(Found {
                    stored: Stored::read(Some(&record.unwrap_or_default())),
                    generation: Some(number),
                    body: as_bytes(&row.get(1)),
                });
            }
        }
        Ok(Found { stored: Stored::Absent, generation: None, body: None })
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
            (KeptBody::Inline { length }, None) => (length, Place::Row { id: *id, record: record.encode() }),
            (KeptBody::Pieces { length, .. }, _) => (length, Place::Pieces(record.attempt)),
        };
        let stored = StoredBody { database: self.database.clone(), generation, place, length };
        Ok(if stored.is_whole()? { Replay::Stored(stored) } else { Replay::Lost })
    }

    /// Writes a claim: one row.
    pub(super) fn claim(&mut self, id: &RecordId, record: &Record, claim: &Claim, now: Timestamp) -> Stores<()> {
        self.insert(id, record, claim.lease, claim.retention, now)
    }

    /// Writes a record to the newest generation.
    fn insert(
        &mut self,
        id: &RecordId,
        record: &Record,
        lease: Duration,
        retention: Duration,
        now: Timestamp,
    ) -> Stores<()> {
        let generation = match self.state()?.generations.place(lease, retention, now) {
            Placement::Into(number) => number,
            Placement::Open(generation) => self.open(generation, now)?,
        };
        self.keep_until(generation, record.expires_at, retention)?;
        let statement = format!(
            "INSERT INTO g{generation} (id, record) VALUES (?, ?) \
             ON CONFLICT (id) DO UPDATE SET record = excluded.record, body = NULL"
        );
        let rows = self.write(&statement, &[&blob(id.as_bytes()), &blob(&record.encode())])?;
        self.count_rows(rows, |counters| &mut counters.record_rows);
        Ok(())
    }

    /// Writes how an attempt ended: one row, and one more per piece of a large body.
    pub(super) fn settle(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        body: &Uint8Array,
        retention: Duration,
        now: Timestamp,
    ) -> Stores<()> {
        // A release that finds no row writes one, in case its claim is yet to come.
        let Some(generation) = found.generation else { return self.insert(id, record, Duration::ZERO, retention, now) };
        self.keep_until(generation, record.expires_at, retention)?;
        let body = match &record.state {
            State::Completed(Answer { body: KeptBody::Inline { length: 1.. }, .. }) => body.into(),
            State::Completed(Answer { body: KeptBody::Pieces { .. }, .. }) => {
                self.write_pieces(generation, record, body)?;
                JsValue::NULL
            }
            _ => JsValue::NULL,
        };
        let statement = format!("UPDATE g{generation} SET record = ?, body = ? WHERE id = ?");
        let rows = self.write(&statement, &[&blob(&record.encode()), &body, &blob(id.as_bytes())])?;
        self.count_rows(rows, |counters| &mut counters.record_rows);
        self.count(|counters| match record.state {
            State::Completed(_) => &mut counters.completed,
            State::Unknown(_) | State::Probing { .. } => &mut counters.doubted,
            State::Released | State::InProgress { .. } | State::Moved { .. } => &mut counters.released,
        });
        Ok(())
    }

    fn write_pieces(&mut self, generation: u32, record: &Record, body: &Uint8Array) -> Stores<()> {
        let table = format!(
            "CREATE TABLE IF NOT EXISTS b{generation} \
             (attempt BLOB, part INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (attempt, part)) WITHOUT ROWID, STRICT"
        );
        let mut rows = self.write(&table, &[])?;
        let statement = format!("INSERT OR REPLACE INTO b{generation} (attempt, part, bytes) VALUES (?, ?, ?)");
        let size = u32::try_from(limits::ROW_BODY_BYTES).unwrap_or(u32::MAX);
        let (mut part, mut from) = (0_u32, 0_u32);
        while from < body.length() {
            let to = from.saturating_add(size).min(body.length());
            // A copy of this piece alone: what is bound is then no larger than the piece.
            let piece = body.slice(from, to);
            let values: [&JsValue; 3] = [&blob(record.attempt.as_bytes()), &part.into(), &piece];
            rows = rows.saturating_add(self.write(&statement, &values)?);
            (part, from) = (part.saturating_add(1), to);
        }
        self.count_rows(rows, |counters| &mut counters.record_rows);
        Ok(())
    }

    /// Opens a generation, having dropped those that have expired, and sees to it that the sweep will come.
    fn open(&mut self, generation: Generation, now: Timestamp) -> Stores<u32> {
        self.drop_expired(now)?;
        let table = format!(
            "CREATE TABLE IF NOT EXISTS g{} (id BLOB PRIMARY KEY, record BLOB NOT NULL, body BLOB) WITHOUT ROWID, STRICT",
            generation.number
        );
        let rows = self.write(&table, &[])?;
        self.count_rows(rows, |counters| &mut counters.other_rows);
        self.state()?.generations.open(generation);
        self.save()?;
        self.set_alarm()?;
        Ok(generation.number)
    }

    fn keep_until(&mut self, generation: u32, expires_at: Timestamp, retention: Duration) -> Stores<()> {
        if self.state()?.generations.keep_until(generation, expires_at, retention) {
            self.save()?;
        }
        Ok(())
    }

    /// The standing alarm: drops what has expired, and writes the counters down.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Stores<&LedgerState> {
        if !self.drop_expired(now)? {
            self.save()?;
        }
        self.set_alarm()?;
        Ok(self.state()?)
    }

    /// Drops what has expired, and says whether there was anything. That it is gone is written down first: a table without a
    /// generation is garbage, but a generation without its table could not be read.
    fn drop_expired(&mut self, now: Timestamp) -> Stores<bool> {
        let expired = self.state()?.generations.take_expired(now);
        if expired.is_empty() {
            return Ok(false);
        }
        for _ in &expired {
            self.count(|counters| &mut counters.dropped);
        }
        self.save()?;
        for number in expired {
            for table in ["g", "b"] {
                let rows = self.write(&format!("DROP TABLE IF EXISTS {table}{number}"), &[])?;
                self.count_rows(rows, |counters| &mut counters.other_rows);
            }
        }
        Ok(true)
    }

    /// There is one alarm, for the generation that expires next; none where there is no generation.
    fn set_alarm(&mut self) -> Stores<()> {
        if let Some(at) = self.state()?.generations.next_sweep() {
            self.database.set_alarm(at)?;
            // The platform counts an alarm as a row, but does not report it.
            self.count_rows(1, |counters| &mut counters.other_rows);
        }
        Ok(())
    }

    /// Adds one to a counter.
    pub(super) fn count(&mut self, counter: impl FnOnce(&mut Counters) -> &mut u64) {
        self.count_rows(1, counter);
    }

    fn count_rows(&mut self, rows: u64, counter: impl FnOnce(&mut Counters) -> &mut u64) {
        if let Some(state) = &mut self.state {
            let counter = counter(&mut state.counters);
            *counter = counter.saturating_add(rows);
        }
    }

    /// The ledger's state, read from storage the first time.
    fn state(&mut self) -> Stores<&mut LedgerState> {
        let state = match self.state.take() {
            Some(state) => state,
            None => self.load()?,
        };
        Ok(self.state.insert(state))
    }

    fn load(&mut self) -> Stores<LedgerState> {
        let table =
            "CREATE TABLE IF NOT EXISTS ledger (one INTEGER PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID, STRICT";
        let rows = self.write(table, &[])?;
        let mut state = match self.database.read("SELECT state FROM ledger WHERE one = 1", &[])?.first() {
            None => LedgerState::default(),
            Some(row) => {
                let stored = as_bytes(&row.get(0)).map(|bytes| bytes.to_vec()).unwrap_or_default();
                LedgerState::decode(&stored).map_err(Fault::Unreadable)?
            }
        };
        state.counters.other_rows = state.counters.other_rows.saturating_add(rows);
        Ok(state)
    }

    fn save(&mut self) -> Stores<()> {
        let stored = self.state()?.encode();
        let statement = "INSERT INTO ledger (one, state) VALUES (1, ?) \
                         ON CONFLICT (one) DO UPDATE SET state = excluded.state";
        let rows = self.write(statement, &[&blob(&stored)])?;
        self.count_rows(rows, |counters| &mut counters.other_rows);
        Ok(())
    }

    /// Runs a statement that writes. After a failure the state is read anew: what is in memory may be ahead of what is
    /// stored.
    fn write(&mut self, statement: &str, values: &[&JsValue]) -> Stores<u64> {
        let written = self.database.write(statement, values);
        if written.is_err() {
            self.state = None;
        }
        written
    }
}
