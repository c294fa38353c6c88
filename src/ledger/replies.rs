//! What the ledger answers, beside problems: a frame for the Worker, or the stored answer as the client is to get it.

use oncegate_protocol::headers;
use oncegate_protocol::record::Answer;
use oncegate_protocol::wire::{FRAME_HEADER, Reply};
use wasm_bindgen::JsValue;
use worker::js_sys::Uint8Array;

use crate::platform::{Response, reply};

type Replied = Result<Response, JsValue>;

/// A frame.
pub(super) fn frame(answer: Reply) -> Replied {
    reply(200, &[(FRAME_HEADER.to_owned(), "1".to_owned())], &Uint8Array::from(answer.encode().as_slice()))
}

/// A stored answer, marked as replayed.
pub(super) fn replay(answer: &Answer, body: &JsValue) -> Replied {
    let mut list = answer.headers.clone();
    headers::mark_replayed(&mut list);
    let body = if answer.status.forbids_body() { &JsValue::NULL } else { body };
    reply(answer.status.as_u16(), &list, body)
}
