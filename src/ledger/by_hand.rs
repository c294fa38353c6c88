//! What an operator finds and changes among the records.

use core::time::Duration;

use js_sys::{Array, Uint8Array};
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::operator::Step;
use oncegate_protocol::record::{Answer, KeptBody, Record, STATE_OFFSET, State, Stored};
use wasm_bindgen::JsValue;

use super::records::{Found, Records};
use super::sql::{Stores, blob, whole};
use crate::platform::column_bytes;

impl Records {
    /// Writes a record that an operator has settled.
    pub(super) fn resolve(
        &mut self,
        id: &RecordId,
        found: &Found,
        record: &Record,
        body: Option<&Uint8Array>,
        retention: Duration,
    ) -> Stores<()> {
        // Only what was found can be settled.
        let Some(generation) = found.generation else { return Ok(()) };
        self.overwrite(id, generation, found, record, body, retention)?;
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
            let stored = rows.first().and_then(|row| column_bytes(row, 0));
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
        self.overwrite(id, generation, found, record, None, retention)?;
        self.count(|counters| &mut counters.forgotten);
        Ok(())
    }

    /// How many rows a step of a listing has, and the id of the last of them.
    pub(super) fn window(&self, step: &Step) -> Stores<(u32, Option<RecordId>)> {
        let Step { generation, rows, .. } = step;
        let statement = format!(
            "SELECT count(*), max(id) FROM (SELECT id FROM g{generation} WHERE id > ? ORDER BY id LIMIT {rows})"
        );
        let found = self.database.read(&statement, &[&after(step)])?;
        let Some(row) = found.first() else { return Ok((0, None)) };
        // As many as the step has, at most.
        let count = u32::try_from(whole(row.get(0).as_f64().unwrap_or_default())).unwrap_or(u32::MAX);
        Ok((count, record_id(row, 1)))
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
            "SELECT id, record FROM g{generation} WHERE id > ? AND id <= ? AND substr(record, {} + 1, 1) IN ({}){newest} ORDER BY id",
            STATE_OFFSET,
            states.join(", ")
        );
        let rows = self.database.read(&statement, &[&after(step), &blob(last.as_bytes())])?;
        let candidate = |row: &Array| Some((record_id(row, 0)?, column_bytes(row, 1).unwrap_or_default()));
        Ok(rows.iter().filter_map(candidate).collect())
    }
}

/// What the ids of a step come after; all come after none.
fn after(step: &Step) -> JsValue {
    blob(step.after.as_ref().map_or(&[], |id| id.as_bytes().as_slice()))
}

fn record_id(row: &Array, column: u32) -> Option<RecordId> {
    column_bytes(row, column)?.try_into().ok().map(RecordId::from_bytes)
}
