//! Streams: how they are read, given up, and broken off.

use core::time::Duration;

use js_sys::{JSON, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{ReadResult, ReadableStream, Reader, Writer};
use super::task::{settled, settled_at_most, start};

impl ReadableStream {
    /// A reader that fills views of the caller's (Streams standard, `ReadableStreamBYOBReader`).
    ///
    /// # Errors
    /// Where somebody else reads it.
    pub fn byob_reader(&self) -> Result<Reader, JsValue> {
        self.get_reader(&JSON::parse(r#"{"mode":"byob"}"#)?)
    }
}

/// Gives up what is left of a body, if there is one. Where it cannot be cancelled the platform discards it.
pub fn discard(body: Option<ReadableStream>) {
    if let Some(body) = body {
        let _ = body.cancel();
    }
}

/// That a read is to wait for so many bytes, or the end.
///
/// # Errors
/// Never: it is JSON.
pub fn at_least(bytes: u32) -> Result<JsValue, JsValue> {
    JSON::parse(&format!(r#"{{"min":{bytes}}}"#))
}

impl Reader {
    /// Reads into this view, as much as [`at_least`] says.
    ///
    /// # Errors
    /// What the stream failed with; or where it takes longer than `at_most`.
    pub async fn next_piece(
        &self,
        view: &Uint8Array,
        at_least: &JsValue,
        at_most: Option<Duration>,
    ) -> Result<ReadResult, JsValue> {
        let read = self.read(view, at_least)?;
        Ok(settled_at_most(at_most, read).await?.unchecked_into())
    }
}

impl Writer {
    /// Breaks off what is written, so that nobody takes it for whole or waits for the rest. It is over either way, and may take
    /// until the client has read what was sent: that is not waited for.
    ///
    /// # Errors
    /// Where it cannot be broken off.
    pub fn break_off(&self, reason: &JsValue) -> Result<(), JsValue> {
        let aborted = self.abort(reason)?;
        let _ = start(async move {
            // It has failed already.
            let _ = settled(aborted).await;
        });
        Ok(())
    }
}
