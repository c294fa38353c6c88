//! The object's SQLite database, as far as the ledger uses it.

use js_sys::{Array, JsString, Uint8Array};
use oncegate_protocol::DecodeError;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::slot::Slot;
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::{
    Sql, Storage, column_bytes, column_of, insert_row, rows_by_id, rows_of, rows_written, settle_row,
};

/// Why storage did not serve.
pub(super) enum Fault {
    /// The ledger's own state cannot be read. Without it every record would seem absent.
    Unreadable(DecodeError),
    /// The platform threw.
    Storage(JsValue),
}

impl From<JsValue> for Fault {
    fn from(thrown: JsValue) -> Self {
        Self::Storage(thrown)
    }
}

impl From<Fault> for JsValue {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreadable(error) => Self::from_str(&error.to_string()),
            Fault::Storage(thrown) => thrown,
        }
    }
}

/// What storage gave, or why it did not.
pub(super) type Stores<T> = Result<T, Fault>;

/// The database.
#[derive(Clone)]
pub(super) struct Database {
    storage: Storage,
    sql: Sql,
}

impl Database {
    pub(super) fn new(storage: Storage) -> Self {
        Self { sql: storage.sql(), storage }
    }

    /// Runs a statement that reads, and gives its rows.
    pub(super) fn read(&self, statement: &str, values: &[&JsValue]) -> Stores<Vec<Array>> {
        Ok(rows_of(&self.sql, statement, &values.iter().copied().collect())?
            .iter()
            .map(JsCast::unchecked_into)
            .collect())
    }

    /// As [`Self::read`], for a statement that gives a number that counts something: that of the first row, if there is one.
    pub(super) fn number(&self, statement: &str, values: &[&JsValue]) -> Stores<Option<u64>> {
        Ok(self.read(statement, values)?.first().and_then(|row| row.get(0).as_f64()).map(whole))
    }

    /// Likewise, for one that gives bytes.
    pub(super) fn bytes(&self, statement: &str, values: &[&JsValue]) -> Stores<Option<Uint8Array>> {
        Ok(self.read(statement, values)?.first().and_then(|row| column_of(row, 0)))
    }

    /// Runs a statement that writes, and gives how many rows it wrote.
    pub(super) fn write(&self, statement: &str, values: &[&JsValue]) -> Stores<u64> {
        Ok(whole(rows_written(&self.sql, statement, &values.iter().copied().collect())?))
    }

    /// As [`Self::read`], for a statement that takes an id's slot and the id.
    pub(super) fn find(&self, statement: &JsString, id: &RecordId) -> Stores<Vec<Array>> {
        let rows = rows_by_id(&self.sql, statement, js_slot(id.slot()), id.as_bytes())?;
        Ok(rows.map(|rows| rows.iter().map(JsCast::unchecked_into).collect()).unwrap_or_default())
    }

    /// As [`Self::write`], for a statement that takes a slot, an id and a record.
    pub(super) fn insert(&self, statement: &JsString, slot: Slot, id: &RecordId, record: &[u8]) -> Stores<u64> {
        Ok(whole(insert_row(&self.sql, statement, js_slot(slot), id.as_bytes(), record)?))
    }

    /// Likewise, for one that takes an id's slot, the id, a record, a body, and the record that is there before.
    pub(super) fn settle(
        &self,
        statement: &JsString,
        id: &RecordId,
        record: &[u8],
        body: Option<&Uint8Array>,
        before: &[u8],
    ) -> Stores<u64> {
        let slot = js_slot(id.slot());
        Ok(whole(settle_row(&self.sql, statement, slot, id.as_bytes(), record, body, before)?))
    }

    /// How many bytes the database takes.
    pub(super) fn size(&self) -> u64 {
        whole(self.sql.database_size())
    }

    /// Sets the object's one alarm. That is not awaited, so that no other command comes between; the answer is held back
    /// until it is durable.
    pub(super) fn set_alarm(&self, at: Timestamp) -> Stores<()> {
        #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
        let at = at.as_millis() as f64;
        let _ = self.storage.set_alarm(at)?;
        Ok(())
    }
}

/// A number of the platform's that counts something.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

/// A slot to be bound to a statement.
#[allow(clippy::cast_precision_loss, reason = "slots are below 2^53")]
pub(super) fn js_slot(slot: Slot) -> f64 {
    slot.number() as f64
}

/// The slot of an id, and the id, to be bound to a statement.
pub(super) fn of_id(id: &RecordId) -> [JsValue; 2] {
    [js_slot(id.slot()).into(), blob(id.as_bytes())]
}

/// Bytes to be bound to a statement.
pub(super) fn blob(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

/// The bytes in a row's first column; none where it is null.
pub(super) fn first_column(row: &Array) -> Vec<u8> {
    column_bytes(row, 0).unwrap_or_default()
}
