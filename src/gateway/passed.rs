//! Requests that pass through.

use js_sys::{Function, Promise};
use serde_json::json;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use super::{Deployment, replies};
use crate::log;
use crate::origin::{self, Passed};
use crate::platform::{Head, Request, describe, or_else};

/// Sends a request on untouched, and gives the promise of the answer. It is not waited for here: what waits goes on when its client has
/// hung up, and a request that passes through ends with its client, as it would without a gate.
pub(super) fn pass(deployment: &Deployment, request: &Request, head: &Head) -> Result<JsValue, JsValue> {
    let answer = origin::pass(deployment.config, &deployment.bindings, request, head, Passed::Untouched);
    Ok(passed(&answer.unwrap_or_else(|thrown| Promise::reject(&thrown))))
}

/// The promise of the origin's answer, or of the reply in its place.
pub(super) fn passed(answer: &Promise) -> JsValue {
    NOT_PASSED.with(|not_passed| or_else(answer, not_passed)).into()
}

thread_local! {
    static NOT_PASSED: Function = Closure::<dyn Fn(JsValue) -> JsValue>::new(not_passed).into_js_value().unchecked_into();
}

/// The reply to a request that could not be passed on. It is the client's to see as what it is: a bad gateway.
pub(super) fn not_passed(thrown: JsValue) -> JsValue {
    log::error("origin failed", json!({ "guarded": false, "reason": describe(&thrown) }));
    replies::bad_gateway().unwrap_or_else(|_| replies::last_resort()).into()
}
