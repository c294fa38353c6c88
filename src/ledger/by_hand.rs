//! What an operator finds and changes among the records.

use core::time::Duration;

use js_sys::{Array, Uint8Array};
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::operator::{Row, Step};
use oncegate_protocol::record::{Answer, KeptBody, Record, STATE_OFFSET, State, Stored};
use oncegate_protocol::slot::Slot;
use wasm_bindgen::JsValue;

use super::pieces::Pieces;
use super::records::{Found, Records};
use super::sql::{Stores, js_slot, of_id, whole};
use super::statements::is_of_id;
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
        let key = of_id(id);
        let key = key.each_ref();
        for number in self.generations()? {
            let rows = self.database.read(&format!("SELECT record FROM g{number} WHERE {}", is_of_id()), &key)?;
            let stored = rows.first().and_then(|row| column_bytes(row, 0));
            let Some(stored) = stored else { continue };
            if let Stored::Record(Record {
                attempt,
                state: State::Completed(Answer { body: KeptBody::Pieces { count, .. }, .. }),
                ..
            }) = Stored::read(Some(&stored))
            {
                let rows = Pieces { attempt, count }.delete(&self.database, number);
                let rows = self.known(rows)?;
                self.count_rows(rows, |counters| &mut counters.record_rows);
            }
            if number != generation {
                let rows = self.write(&format!("DELETE FROM g{number} WHERE {}", is_of_id()), &key)?;
                self.count_rows(rows, |counters| &mut counters.record_rows);
            }
        }
        self.overwrite(id, generation, found, record, None, retention)?;
        self.count(|counters| &mut counters.forgotten);
        Ok(())
    }

    /// How many rows a step of a listing has, and where the last of them is.
    pub(super) fn window(&self, step: &Step) -> Stores<(u32, Option<Slot>)> {
        let Step { generation, rows, .. } = step;
        let statement = format!(
            "SELECT count(*), max(slot) FROM (SELECT slot FROM g{generation} WHERE slot > ? ORDER BY slot LIMIT {rows})"
        );
        let found = self.database.read(&statement, &[&after(step)])?;
        let Some(row) = found.first() else { return Ok((0, None)) };
        // As many as the step has, at most.
        let count = u32::try_from(whole(row.get(0).as_f64().unwrap_or_default())).unwrap_or(u32::MAX);
        Ok((count, slot(row, 1)))
    }

    /// The rows of a step, up to the last, whose state has one of these bytes, and that no newer generation has.
    pub(super) fn candidates(&self, step: &Step, last: Slot, state_bytes: &[u8]) -> Stores<Vec<Row>> {
        let Step { generation, newer, .. } = step;
        let states: Vec<String> = state_bytes.iter().map(|byte| format!("x'{byte:02x}'")).collect();
        let reach = Slot::TRIES.saturating_sub(1);
        let newest: String = newer
            .iter()
            .map(|number| {
                // Each of the two may be as far behind the id's slot.
                let near = format!("BETWEEN g{generation}.slot - {reach} AND g{generation}.slot + {reach}");
                format!(
                    " AND NOT EXISTS (SELECT 1 FROM g{number} WHERE g{number}.slot {near} AND g{number}.id = g{generation}.id)"
                )
            })
            .collect();
        // SQLite counts from one.
        let statement = format!(
            "SELECT slot, id, record FROM g{generation} \
             WHERE slot > ? AND slot <= ? AND substr(record, {} + 1, 1) IN ({}){newest} ORDER BY slot",
            STATE_OFFSET,
            states.join(", ")
        );
        let rows = self.database.read(&statement, &[&after(step), &js_slot(last).into()])?;
        let candidate = |row: &Array| {
            let (slot, id) = (slot(row, 0)?, record_id(row, 1)?);
            Some(Row { slot, id, stored: column_bytes(row, 2).unwrap_or_default() })
        };
        Ok(rows.iter().filter_map(candidate).collect())
    }
}

/// What the slots of a step come after; all come after a negative number.
fn after(step: &Step) -> JsValue {
    step.after.map_or(-1.0, js_slot).into()
}

fn slot(row: &Array, column: u32) -> Option<Slot> {
    Slot::new(whole(row.get(column).as_f64()?))
}

fn record_id(row: &Array, column: u32) -> Option<RecordId> {
    column_bytes(row, column)?.try_into().ok().map(RecordId::from_bytes)
}
