//! Bodies that are too large for their record's row: in rows of their own, a piece each, in a table per generation: `b1`, `b2`, ….

use js_sys::Uint8Array;
use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::limits::ROW_BODY_BYTES;
use wasm_bindgen::JsValue;

use super::records::some_row;
use super::sql::{Database, Stores, blob, js_slot};

/// The pieces of a body.
#[derive(Clone, Copy)]
pub(super) struct Pieces {
    /// The attempt that brought it.
    pub(super) attempt: AttemptId,
    pub(super) count: u16,
}

/// That a row is of these pieces: of the first slot, the attempt, and the last slot, as the first three of a statement's values.
const IS_OF_THESE: &str = "slot BETWEEN ?1 AND ?3 AND attempt = ?2";

impl Pieces {
    /// Writes them, over themselves if they are there, and gives how many rows that took.
    ///
    /// # Errors
    /// Also where another attempt has one of the slots.
    pub(super) fn write(&self, database: &Database, generation: u32, body: &Uint8Array) -> Stores<u64> {
        let table = format!(
            "CREATE TABLE IF NOT EXISTS b{generation} \
             (slot INTEGER PRIMARY KEY, attempt BLOB NOT NULL, bytes BLOB NOT NULL) STRICT"
        );
        let mut rows = database.write(&table, &[])?;
        let statement = format!(
            "INSERT INTO b{generation} (slot, attempt, bytes) VALUES (?, ?, ?) \
             ON CONFLICT (slot) DO UPDATE SET bytes = excluded.bytes WHERE attempt = excluded.attempt"
        );
        for part in 0..self.count {
            let from = u32::from(part).saturating_mul(ROW_BODY_BYTES);
            // A copy of this piece alone: what is bound is then no larger than the piece.
            let piece = body.slice(from, from.saturating_add(ROW_BODY_BYTES));
            let written = database.write(&statement, &[&self.slot(part), &self.attempt(), &piece])?;
            rows = rows.saturating_add(some_row(written)?);
        }
        Ok(rows)
    }

    /// How many bytes are there; `None` where there is no piece.
    pub(super) fn length(&self, database: &Database, generation: u32) -> Stores<Option<u64>> {
        database.number(
            &format!("SELECT sum(length(bytes)) FROM b{generation} WHERE {IS_OF_THESE}"),
            &self.all().each_ref(),
        )
    }

    /// Bytes from this place on, at most so many, and no further than a piece goes.
    pub(super) fn read(
        &self,
        database: &Database,
        generation: u32,
        from: u32,
        at_most: u32,
    ) -> Stores<Option<Uint8Array>> {
        let part = u16::try_from(from / ROW_BODY_BYTES).unwrap_or(u16::MAX);
        // SQLite counts from one.
        let start = JsValue::from((from % ROW_BODY_BYTES).saturating_add(1));
        database.bytes(
            &format!("SELECT substr(bytes, ?, ?) FROM b{generation} WHERE slot = ? AND attempt = ?"),
            &[&start, &at_most.into(), &self.slot(part), &self.attempt()],
        )
    }

    /// Deletes them, and gives how many rows that took.
    pub(super) fn delete(&self, database: &Database, generation: u32) -> Stores<u64> {
        database.write(&format!("DELETE FROM b{generation} WHERE {IS_OF_THESE}"), &self.all().each_ref())
    }

    fn all(&self) -> [JsValue; 3] {
        [self.slot(0), self.attempt(), self.slot(self.count.saturating_sub(1))]
    }

    fn slot(&self, part: u16) -> JsValue {
        js_slot(self.attempt.slot().behind(part.into())).into()
    }

    fn attempt(&self) -> JsValue {
        blob(self.attempt.as_bytes())
    }
}
