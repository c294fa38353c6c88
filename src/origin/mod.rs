//! Calls to the origin: through a service binding, at a configured address, or at the address that the request came for.

use js_sys::JSON;
use oncegate_protocol::config::Config;
use oncegate_protocol::headers;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::request::RequestUrl;
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::{Bindings, Head, Request, Response, TIME_LIMIT_OVER, fetch_request, property, settled};

/// The address at the origin for a request to this address.
pub fn address(config: &Config, url: &str) -> String {
    match &config.origin {
        Some(origin) => origin.address(RequestUrl::parse(url).path_and_query),
        None => url.to_owned(),
    }
}

/// The address at the origin of another path and query than that of a request to this address.
pub fn sibling(config: &Config, url: &str, path_and_query: &str) -> String {
    match &config.origin {
        Some(origin) => origin.address(path_and_query),
        None => RequestUrl::sibling(url, path_and_query),
    }
}

/// Sends a request on as it came, body streamed, and gives the answer as it comes. Also upgrades.
///
/// # Errors
/// What the platform throws.
pub async fn pass(config: &Config, bindings: &Bindings, request: Request, head: &Head) -> Result<Response, JsValue> {
    send(bindings, &for_origin(config, request, head)?, &JsValue::UNDEFINED).await
}

/// The same request at the origin's address, and without what only the gate may tell an origin.
fn for_origin(config: &Config, request: Request, head: &Head) -> Result<Request, JsValue> {
    let mut forged = headers::reserved_in(&head.headers).peekable();
    if config.origin.is_none() && forged.peek().is_none() {
        return Ok(request);
    }
    let copy = Request::new(&address(config, &head.url), &request)?;
    for name in forged {
        copy.headers().delete(name)?;
    }
    Ok(copy)
}

/// Sends a request to the origin once, and gives its answer, whose body has yet to come and will be read as it is, also if
/// it is compressed.
///
/// # Errors
/// What the platform throws: whether the request was sent is not known then.
pub async fn call(bindings: &Bindings, request: &Request) -> Result<Response, JsValue> {
    // A property of the call: the platform does not take it over from the request.
    send(bindings, request, &JSON::parse(r#"{"encodeResponseBody":"manual"}"#)?).await
}

/// As [`call`], but never with an answer that the edge has in its cache: it may be older than what is asked about (Cloudflare,
/// Workers, "Request", `cache`).
///
/// # Errors
/// What the platform throws.
pub async fn ask(bindings: &Bindings, request: &Request) -> Result<Response, JsValue> {
    send(bindings, request, &JSON::parse(r#"{"encodeResponseBody":"manual","cache":"no-store"}"#)?).await
}

async fn send(bindings: &Bindings, request: &Request, init: &JsValue) -> Result<Response, JsValue> {
    let answer = match bindings.origin_service() {
        Some(service) => service.fetch_request(request, init)?,
        None => fetch_request(request, init)?,
    };
    Ok(settled(answer).await?.unchecked_into())
}

/// What a failed call leaves in doubt.
pub fn doubt(thrown: &JsValue) -> Doubt {
    if is_time_out(thrown) { Doubt::OriginTimeout } else { Doubt::ConnectionLost }
}

/// What an answer leaves in doubt whose body failed.
pub fn doubt_of_body(thrown: &JsValue) -> Doubt {
    if is_time_out(thrown) { Doubt::OriginTimeout } else { Doubt::BodyCut }
}

fn is_time_out(thrown: &JsValue) -> bool {
    property(thrown, "name").as_string().as_deref() == Some(TIME_LIMIT_OVER)
}
