//! Replies that are not the origin's.

use js_sys::Object;
use oncegate_protocol::problem::{Problem, documentation as page};
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::{Response, reply};

/// A problem, as the client is told it.
pub(crate) fn problem(problem: &Problem) -> Result<Response, JsValue> {
    reply(problem.status(), &problem.headers(), &JsValue::from_str(&problem.body()))
}

/// The page that explains the problems.
pub(super) fn documentation() -> Result<Response, JsValue> {
    let headers = [
        ("content-type".to_owned(), "text/html; charset=utf-8".to_owned()),
        ("content-security-policy".to_owned(), "default-src 'none'".to_owned()),
        ("cache-control".to_owned(), "public, max-age=3600".to_owned()),
    ];
    reply(200, &headers, &JsValue::from_str(&page()))
}

/// An address of the gate's own where there is nothing.
pub(super) fn nothing() -> Result<Response, JsValue> {
    plain(404, "Not found")
}

/// An unguarded request that the origin did not answer.
pub(super) fn bad_gateway() -> Result<Response, JsValue> {
    plain(502, "Bad gateway")
}

fn plain(status: u16, text: &str) -> Result<Response, JsValue> {
    reply(status, &[("content-type".to_owned(), "text/plain".to_owned())], &JsValue::from_str(text))
}

/// When not even a reply could be made: an empty 200 would be a lie, so the platform's own error is provoked by handing it
/// something that is no response.
pub(super) fn last_resort() -> Response {
    plain(500, "Internal error").unwrap_or_else(|_| Object::new().unchecked_into())
}
