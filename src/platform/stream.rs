//! Streams: how they are read, given up, and broken off.

use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{JSON, Uint8Array};
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};

use super::bindings::{ReadResult, ReadableStream, Reader, Writer};

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
    /// What the stream failed with.
    pub async fn next_piece(&self, view: &Uint8Array, at_least: &JsValue) -> Result<ReadResult, JsValue> {
        Ok(JsFuture::from(self.read(view, at_least)?).await?.unchecked_into())
    }
}

impl Writer {
    /// Breaks off what is written, so that nobody takes it for whole or waits for the rest. It is over either way, and may take
    /// until the client has read what was sent: that is not waited for.
    ///
    /// # Errors
    /// Where it cannot be broken off.
    pub fn break_off(&self, reason: &JsValue) -> Result<(), JsValue> {
        let aborted = JsFuture::from(self.abort(reason)?);
        spawn_local(async move {
            let _ = aborted.await;
        });
        Ok(())
    }
}
