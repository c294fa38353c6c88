//! The ledger's storage: SQLite in the Durable Object.
//!
//! One row in `ledger` holds the ledger's own state. Records lie in a table per generation, `g1`, `g2`, …: id, record, and
//! the body of the answer. A body that is too large for a row lies in pieces in `b1`, `b2`, …, under the attempt that
//! brought it. There is no secondary index, and no row is deleted but by an operator: each would be a written row. Claiming a key writes
//! one row, settling it one more; a generation goes by dropping its tables, which writes none.

use core::time::Duration;

use oncegate_protocol::ids::RecordId;
use oncegate_protocol::ledger_state::{Counters, LedgerState};
use oncegate_protocol::limits;
use oncegate_protocol::operator::Step;
use oncegate_protocol::quota::{Quota, Usage, Verdict};
use oncegate_protocol::record::{Answer, Claim, KeptBody, Record, STATE_OFFSET, State, Stored};
use oncegate_protocol::retention::{Generation, Placement};
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::Tally;
use wasm_bindgen::JsValue;
use worker::js_sys::{Array, Uint8Array};

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

/// How long a route's records live: a generation is opened for as long as that.
pub(super) struct Span {
    /// How long they are under way.
    pub(super) lease: Duration,
    /// How long they are kept afterwards.
    pub(super) retention: Duration,
}

/// A new key that is to be counted.
pub(super) struct Expense {
    pub(super) key: RecordId,
    pub(super) quota: Quota,
    pub(super) lease: Duration,
    pub(super) retention: Duration,
}

/// How many rows of a generation are counted one by one.
const COUNTED_ROWS: u64 = 10_000;

/// The records of one ledger.
pub(super) struct Records {
    database: Database,
    /// As stored, with the counters that have yet to be; `None` until it is read, and again after a failure.
    state: Option<LedgerState>,
    /// About how many rows there are; `None` until they are counted, and again when some were dropped.
    rows: Option<u64>,
}

impl Records {
    pub(super) fn new(storage: Storage) -> Self {
        Self { database: Database::new(storage), state: None, rows: None }
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
        Ok(match self.newest_row(id, columns)? {
            Some((number, row)) => Found {
                stored: Stored::read(Some(&first_column(&row))),
                generation: Some(number),
                body: as_bytes(&row.get(1)),
            },
            None => Found { stored: Stored::Absent, generation: None, body: None },
        })
    }

    /// The newest row under an id, and its generation.
    fn newest_row(&mut self, id: &RecordId, columns: &str) -> Stores<Option<(u32, Array)>> {
        let id = blob(id.as_bytes());
        let generations: Vec<u32> = self.state()?.generations.newest_first().collect();
        for number in generations {
            let rows = self.database.read(&format!("SELECT {columns} FROM g{number} WHERE id = ?"), &[&id])?;
            if let Some(row) = rows.into_iter().next() {
                return Ok(Some((number, row)));
            }
        }
        Ok(None)
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

    /// About how many rows there are. A large generation is not counted: ids are digests, so that one in 256 begins with a zero.
    pub(super) fn about_how_many(&mut self) -> Stores<u64> {
        if let Some(rows) = self.rows {
            return Ok(rows);
        }
        let mut sum = 0_u64;
        for number in self.state()?.generations.newest_first().collect::<Vec<u32>>() {
            let counted = self.count_of(&format!("(SELECT 1 FROM g{number} LIMIT {COUNTED_ROWS})"))?;
            sum = sum.saturating_add(if counted < COUNTED_ROWS {
                counted
            } else {
                self.count_of(&format!("g{number} WHERE id < x'01'"))?.saturating_mul(256)
            });
        }
        Ok(*self.rows.insert(sum))
    }

    fn count_of(&self, rows: &str) -> Stores<u64> {
        let found = self.database.read(&format!("SELECT count(*) FROM {rows}"), &[])?;
        let count = found.first().and_then(|row| row.get(0).as_f64()).unwrap_or_default();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
        Ok(count as u64)
    }

    /// Counts one more new key of a scope's, if it may have one. What a scope has used lies among the records, under an id of
    /// its own, so that it goes with them: one row per key counted.
    pub(super) fn spend(
        &mut self,
        scope: &RecordId,
        expense: &Expense,
        max_records: u32,
        now: Timestamp,
    ) -> Stores<Verdict> {
        let found = self.newest_row(scope, "record")?;
        let is_full = self.about_how_many()? >= u64::from(max_records);
        let generation = found.as_ref().map(|(generation, _)| *generation);
        let usage = found.map(|(_, row)| Usage::decode(&first_column(&row))).transpose().map_err(Fault::Unreadable)?;
        let verdict = expense.quota.spend(usage, expense.key, is_full, now);
        if let Verdict::Granted(Some(usage)) = verdict {
            let span = Span { lease: expense.lease, retention: expense.retention };
            let until = usage.since.after(expense.quota.window);
            let rows = self.insert(scope, generation, &usage.encode(), &span, until, now)?;
            self.count_rows(rows, |counters| &mut counters.other_rows);
        }
        Ok(verdict)
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
        let rows = self.insert(id, found.generation, &record.encode(), &span, record.expires_at, now)?;
        self.count_rows(rows, |counters| &mut counters.record_rows);
        Ok(())
    }

    /// Writes a row to the newest generation, to be kept until then, and says how many it wrote. `found` is the generation that
    /// had one under this id before.
    fn insert(
        &mut self,
        id: &RecordId,
        found: Option<u32>,
        record: &[u8],
        span: &Span,
        until: Timestamp,
        now: Timestamp,
    ) -> Stores<u64> {
        let generation = match self.state()?.generations.place(span.lease, span.retention, now) {
            Placement::Into(number) => number,
            Placement::Open(generation) => self.open(generation, now)?,
        };
        self.keep_until(generation, until, span.retention)?;
        let statement = format!(
            "INSERT INTO g{generation} (id, record) VALUES (?, ?) \
             ON CONFLICT (id) DO UPDATE SET record = excluded.record, body = NULL"
        );
        let rows = self.write(&statement, &[&blob(id.as_bytes()), &blob(record)])?;
        if found != Some(generation) {
            self.rows = self.rows.map(|count| count.saturating_add(1));
        }
        Ok(rows)
    }

    /// Writes how an attempt ended.
    pub(super) fn settle(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        body: &Uint8Array,
        span: &Span,
        now: Timestamp,
    ) -> Stores<()> {
        // A release that finds no row writes one, in case its claim is yet to come.
        let Some(generation) = found.generation else {
            let rows = self.insert(id, None, &record.encode(), span, record.expires_at, now)?;
            self.count_rows(rows, |counters| &mut counters.record_rows);
            return Ok(());
        };
        self.overwrite(id, generation, record, body, span.retention)?;
        self.count(|counters| match record.state {
            State::Completed(_) => &mut counters.completed,
            State::Unknown(_) | State::Probing { .. } => &mut counters.doubted,
            State::Released | State::InProgress { .. } | State::Moved { .. } => &mut counters.released,
        });
        Ok(())
    }

    /// Writes a record that an operator has settled.
    pub(super) fn resolve(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        body: &Uint8Array,
        retention: Duration,
    ) -> Stores<()> {
        // Only what was found can be settled.
        let Some(generation) = found.generation else { return Ok(()) };
        self.overwrite(id, generation, record, body, retention)?;
        self.count(|counters| &mut counters.resolved);
        Ok(())
    }

    /// Writes what is left of a record, and deletes all else that was kept under its id. The record comes last, so that a
    /// failure before leaves one that can be forgotten again.
    pub(super) fn forget(&mut self, id: &RecordId, found: &Found, record: &Record, retention: Duration) -> Stores<()> {
        let Some(generation) = found.generation else { return Ok(()) };
        let key = blob(id.as_bytes());
        for number in self.generations()? {
            let rows = self.database.read(&format!("SELECT record FROM g{number} WHERE id = ?"), &[&key])?;
            let stored = rows.first().and_then(|row| as_bytes(&row.get(0))).map(|bytes| bytes.to_vec());
            let Some(stored) = stored else { continue };
            if let Stored::Record(Record {
                attempt,
                state: State::Completed(Answer { body: KeptBody::Pieces { .. }, .. }),
                ..
            }) = Stored::read(Some(&stored))
            {
                let statement = format!("DELETE FROM b{number} WHERE attempt = ?");
                let rows = self.write(&statement, &[&blob(attempt.as_bytes())])?;
                self.count_rows(rows, |counters| &mut counters.record_rows);
            }
            if number != generation {
                let rows = self.write(&format!("DELETE FROM g{number} WHERE id = ?"), &[&key])?;
                self.count_rows(rows, |counters| &mut counters.record_rows);
            }
        }
        self.overwrite(id, generation, record, &Uint8Array::new_with_length(0), retention)?;
        self.count(|counters| &mut counters.forgotten);
        Ok(())
    }

    /// Writes a record over the row that was found: one row, and one more per piece of a large body.
    fn overwrite(
        &mut self,
        id: &RecordId,
        generation: u32,
        record: &Record,
        body: &Uint8Array,
        retention: Duration,
    ) -> Stores<()> {
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

    /// Whether there is anything in this ledger's storage.
    pub(super) fn exist(&self) -> Stores<bool> {
        let rows = self.database.read("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ledger'", &[])?;
        Ok(!rows.is_empty())
    }

    /// What has been counted.
    pub(super) fn tally(&mut self) -> Stores<Tally> {
        let bytes = self.database.size();
        let state = self.state()?;
        let generations = u64::try_from(state.generations.count()).unwrap_or(u64::MAX);
        Ok(Tally { counters: state.counters, generations, bytes })
    }

    /// The numbers of the generations, newest first.
    pub(super) fn generations(&mut self) -> Stores<Vec<u32>> {
        Ok(self.state()?.generations.newest_first().collect())
    }

    /// How many rows a step of a listing has, and the id of the last of them.
    pub(super) fn window(&self, step: &Step) -> Stores<(u32, Option<RecordId>)> {
        let Step { generation, rows, .. } = step;
        let statement = format!(
            "SELECT count(*), max(id) FROM (SELECT id FROM g{generation} WHERE id > ? ORDER BY id LIMIT {rows})"
        );
        let found = self.database.read(&statement, &[&after(step)])?;
        let Some(row) = found.first() else { return Ok((0, None)) };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
        let count = row.get(0).as_f64().unwrap_or_default() as u32;
        Ok((count, record_id(&row.get(1))))
    }

    /// The rows of a step, up to the last, whose state has one of these bytes, and that no newer generation has.
    pub(super) fn candidates(
        &self,
        step: &Step,
        last: &RecordId,
        state_bytes: &[u8],
    ) -> Stores<Vec<(RecordId, Vec<u8>)>> {
        let Step { generation, newer, .. } = step;
        let states: Vec<String> = state_bytes.iter().map(|byte| format!("x'{byte:02x}'")).collect();
        let newest: String = newer
            .iter()
            .map(|number| format!(" AND NOT EXISTS (SELECT 1 FROM g{number} WHERE g{number}.id = g{generation}.id)"))
            .collect();
        // SQLite counts from one.
        let statement = format!(
            "SELECT id, record FROM g{generation} WHERE id > ? AND id <= ?              AND substr(record, {} + 1, 1) IN ({}){newest} ORDER BY id",
            STATE_OFFSET,
            states.join(", ")
        );
        let rows = self.database.read(&statement, &[&after(step), &blob(last.as_bytes())])?;
        let candidate = |row: &Array| {
            let record = as_bytes(&row.get(1)).map(|bytes| bytes.to_vec());
            Some((record_id(&row.get(0))?, record.unwrap_or_default()))
        };
        Ok(rows.iter().filter_map(candidate).collect())
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
        self.rows = None;
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
            Some(row) => LedgerState::decode(&first_column(row)).map_err(Fault::Unreadable)?,
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

fn first_column(row: &Array) -> Vec<u8> {
    as_bytes(&row.get(0)).map(|bytes| bytes.to_vec()).unwrap_or_default()
}

/// What the ids of a step come after; all come after none.
fn after(step: &Step) -> JsValue {
    blob(step.after.as_ref().map_or(&[], |id| id.as_bytes().as_slice()))
}

fn record_id(value: &JsValue) -> Option<RecordId> {
    as_bytes(value)?.to_vec().try_into().ok().map(RecordId::from_bytes)
}
