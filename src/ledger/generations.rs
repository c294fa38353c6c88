//! Where rows lie: in a table per span of time, which is dropped whole. See [`oncegate_protocol::retention`].

use core::time::Duration;

use js_sys::Array;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::ledger_state::LedgerState;
use oncegate_protocol::retention::{Generation, Placement};
use oncegate_protocol::slot::Slot;
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::JsValue;

use super::records::{Records, Span, some_row};
use super::sql::{Fault, Stores, whole};
use super::statements::Columns;

impl Records {
    /// The newest row under an id, and its generation.
    pub(super) fn newest_row(&mut self, id: &RecordId, columns: Columns) -> Stores<Option<(u32, Array)>> {
        let numbers = self.generations()?;
        for find in self.statements.find(&numbers, columns) {
            let rows = self.database.find(&find.statement, id)?;
            let found = rows.into_iter().filter_map(|row| {
                let number = whole(row.get(columns.generation()).as_f64()?);
                let place = find.generations.iter().position(|some| u64::from(*some) == number)?;
                Some((place, row))
            });
            if let Some((place, row)) = found.min_by_key(|(place, _)| *place) {
                return Ok(find.generations.get(place).map(|number| (*number, row)));
            }
        }
        Ok(None)
    }

    /// Writes a row to the newest generation, to be kept until then, and says which that is, and how many rows it wrote. `found` is the
    /// generation that had one under this id before.
    pub(super) fn insert(
        &mut self,
        id: &RecordId,
        found: Option<u32>,
        record: &[u8],
        span: &Span,
        until: Timestamp,
        now: Timestamp,
    ) -> Stores<(u32, u64)> {
        let generation = match self.state()?.generations.place(span.lease, span.retention, now) {
            Placement::Into(number) => number,
            Placement::Open(generation) => self.open(generation, now)?,
        };
        self.keep_until(generation, until, span.retention)?;
        if found == Some(generation) {
            let written = self.database.insert(self.statements.renew(generation), id.slot(), id, record);
            let rows = self.known(written.and_then(some_row))?;
            return Ok((generation, rows));
        }
        let rows = self.insert_new(generation, id, record)?;
        self.rows = self.rows.map(|count| count.saturating_add(1));
        Ok((generation, rows))
    }

    /// Writes a row to a generation that has none under this id, to the first slot that is free, and says how many rows that wrote.
    fn insert_new(&mut self, generation: u32, id: &RecordId, record: &[u8]) -> Stores<u64> {
        let statement = self.statements.insert(generation).clone();
        for tries in 0..Slot::TRIES {
            let written = self.database.insert(&statement, id.slot().behind(tries), id, record);
            let rows = self.known(written)?;
            if rows > 0 {
                return Ok(rows);
            }
        }
        Err(Fault::Storage(JsValue::from_str("all slots that the record may be in are taken by others")))
    }

    /// The numbers of the generations, newest first.
    pub(super) fn generations(&mut self) -> Stores<Vec<u32>> {
        Ok(self.state()?.generations.newest_first().collect())
    }

    /// Opens a generation, having dropped those that have expired, and sees to it that the sweep will come.
    pub(super) fn open(&mut self, generation: Generation, now: Timestamp) -> Stores<u32> {
        self.drop_expired(now)?;
        let table = format!(
            "CREATE TABLE IF NOT EXISTS g{} (slot INTEGER PRIMARY KEY, id BLOB NOT NULL, record BLOB NOT NULL, body BLOB) STRICT",
            generation.number
        );
        let rows = self.write(&table, &[])?;
        self.count_rows(rows, |counters| &mut counters.other_rows);
        self.state()?.generations.open(generation);
        self.save()?;
        self.set_alarm()?;
        Ok(generation.number)
    }

    pub(super) fn keep_until(&mut self, generation: u32, expires_at: Timestamp, retention: Duration) -> Stores<()> {
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
        self.claimed.clear();
        for number in expired {
            for table in ["g", "b"] {
                let rows = self.write(&format!("DROP TABLE IF EXISTS {table}{number}"), &[])?;
                self.count_rows(rows, |counters| &mut counters.other_rows);
            }
        }
        Ok(true)
    }

    /// There is one alarm, for the generation that expires next; none where there is no generation.
    pub(super) fn set_alarm(&mut self) -> Stores<()> {
        if let Some(at) = self.state()?.generations.next_sweep() {
            self.database.set_alarm(at)?;
            // The platform counts an alarm as a row, but does not report it.
            self.count_rows(1, |counters| &mut counters.other_rows);
        }
        Ok(())
    }
}
