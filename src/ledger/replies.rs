//! What the ledger answers, beside problems: a frame for the Worker, or the stored answer as the client is to get it.

use js_sys::Uint8Array;
use oncegate_protocol::headers;
use oncegate_protocol::record::Answer;
use oncegate_protocol::wire::{KIND_HEADER, Kind, Reply, Report};
use wasm_bindgen::JsValue;

use crate::platform::{Repeated, Response, reply};

type Replied = Result<Response, JsValue>;

thread_local! {
    static DONE: Result<Repeated, JsValue> = Repeated::new(200, &[short(Reply::Done)], None);
}

/// A frame.
pub(super) fn frame(answer: Reply) -> Replied {
    match answer {
        // The one that says nothing but this is made once.
        Reply::Done => DONE.with(|done| done.as_ref().map_err(JsValue::clone)?.response()),
        answer => reply(200, &[short(answer)], &JsValue::NULL),
    }
}

fn short(answer: Reply) -> (String, String) {
    (KIND_HEADER.to_owned(), Kind::Short(answer.encode()).to_header())
}

/// A frame for an operator.
pub(super) fn report(report: &Report) -> Replied {
    let body = Uint8Array::from(report.encode().as_slice());
    reply(200, &[(KIND_HEADER.to_owned(), Kind::Frame.to_header())], &body)
}

/// A stored answer, marked as replayed; and where it is not the client's as it is, with what the Worker needs to know.
pub(super) fn replay(answer: &Answer, body: &JsValue, kind: Option<Kind>) -> Replied {
    let mut list = headers::of_replay(answer.headers.clone());
    list.extend(kind.map(|kind| (KIND_HEADER.to_owned(), kind.to_header())));
    let body = if answer.status.forbids_body() { &JsValue::NULL } else { body };
    reply(answer.status.as_u16(), &list, body)
}
