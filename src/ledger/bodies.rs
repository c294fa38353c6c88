//! Bodies of stored answers, as they are replayed: a large one is read and sent a portion at a time, so that many replays at
//! once do not fill the isolate's memory.

use core::cell::RefCell;

use js_sys::Uint8Array;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::limits;
use oncegate_protocol::replaying::{Portion, Replaying};
use wasm_bindgen::JsValue;

use super::pieces::Pieces;
use super::sql::{Database, Stores, blob, of_id};
use super::statements::is_of_id;
use crate::log;
use crate::platform::{WritableStream, describe, pipe, settled, start};

thread_local! {
    static REPLAYING: RefCell<Replaying> = RefCell::default();
}

/// A body to be replayed.
pub(super) enum Replay {
    /// It is in memory.
    Whole(JsValue),
    /// It is in storage.
    Stored(StoredBody),
    /// It is not, or no longer, all there.
    Lost,
}

/// Where a body is in storage.
pub(super) struct StoredBody {
    pub(super) database: Database,
    pub(super) generation: u32,
    pub(super) place: Place,
    /// How long it is to be.
    pub(super) length: u32,
}

/// In which rows.
pub(super) enum Place {
    /// In the record's own. The record says which body it is: another would be another record's.
    Row { id: RecordId, record: Vec<u8> },
    /// In rows of its own.
    Pieces(Pieces),
}

impl StoredBody {
    /// Whether all of it is there.
    pub(super) fn is_whole(&self) -> Stores<bool> {
        let generation = self.generation;
        let length = match &self.place {
            Place::Row { id, record } => {
                let [slot, id] = of_id(id);
                self.database.number(
                    &format!("SELECT length(body) FROM g{generation} WHERE {} AND record = ?3", is_of_id()),
                    &[&slot, &id, &blob(record)],
                )
            }
            Place::Pieces(pieces) => pieces.length(&self.database, generation),
        };
        Ok(length? == Some(self.length.into()))
    }

    /// All of it at once, for one that is small; `None` where it is not all there.
    pub(super) fn whole(&self) -> Result<Option<Vec<u8>>, JsValue> {
        let mut bytes = Vec::new();
        let mut from = 0;
        while from < self.length {
            match self.read(from, limits::ROW_BODY_BYTES)? {
                Some(read) if read.length() > 0 => {
                    bytes.extend_from_slice(&read.to_vec());
                    from = from.saturating_add(read.length());
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(bytes))
    }

    /// A stream of it, whose length is announced.
    pub(super) fn stream(self) -> Result<JsValue, JsValue> {
        let pipe = pipe(Some(self.length.into()))?;
        let writable = pipe.writable();
        let _ = start(async move {
            if let Err(thrown) = self.send(&writable).await {
                log::error("replay broke off", serde_json::json!({ "reason": describe(&thrown) }));
            }
        });
        Ok(pipe.readable())
    }

    /// Sends it. An error is storage's: then the body breaks off, so that the client does not wait for the rest of it.
    async fn send(&self, into: &WritableStream) -> Result<(), JsValue> {
        let writer = into.get_writer()?;
        let held = Held::begin(self.length);
        let mut from = 0;
        while from < self.length {
            let read = match self.read(from, held.0.bytes()) {
                Ok(Some(read)) if read.length() > 0 => read,
                missing => {
                    let reason = missing.err().unwrap_or_else(|| JsValue::from_str("the stored body is gone"));
                    writer.break_off(&reason)?;
                    return Err(reason);
                }
            };
            if settled(writer.write(&read)?).await.is_err() {
                // The client has hung up.
                return Ok(());
            }
            from = from.saturating_add(read.length());
        }
        // Fails where the client has hung up at the very end.
        let _ = settled(writer.close()?).await;
        Ok(())
    }

    /// Bytes from this place on, at most so many, and no further than a row goes.
    fn read(&self, from: u32, at_most: u32) -> Result<Option<Uint8Array>, JsValue> {
        let generation = self.generation;
        let read = match &self.place {
            Place::Row { id, record } => {
                let [slot, id] = of_id(id);
                // SQLite counts from one.
                let start = JsValue::from(from.saturating_add(1));
                self.database.bytes(
                    &format!("SELECT substr(body, ?4, ?5) FROM g{generation} WHERE {} AND record = ?3", is_of_id()),
                    &[&slot, &id, &blob(record), &start, &at_most.into()],
                )
            }
            Place::Pieces(pieces) => pieces.read(&self.database, generation, from, at_most),
        };
        Ok(read?)
    }
}

/// What a replay may have in memory, as long as it is under way.
struct Held(Portion);

impl Held {
    fn begin(length: u32) -> Self {
        Self(REPLAYING.with_borrow_mut(|replaying| replaying.begin(length)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        REPLAYING.with_borrow_mut(|replaying| replaying.end(&self.0));
    }
}
