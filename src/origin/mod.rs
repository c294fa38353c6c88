//! Calls to the origin: through a service binding, at a configured address, or at the address that the request came for.

use oncegate_protocol::config::Config;
use oncegate_protocol::headers;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::request::RequestUrl;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::JsFuture;

use crate::platform::{Bindings, OutgoingRequest, Request, Response, fetch, fetch_request, header_names, property};

/// The address at the origin for a request to this address.
fn address(config: &Config, url: &str) -> String {
    match &config.origin {
        Some(origin) => origin.address(RequestUrl::parse(url).path_and_query),
        None => url.to_owned(),
    }
}

/// Sends a request on as it came, body streamed, and gives the answer as it comes. Also upgrades.
///
/// # Errors
/// What the platform throws.
pub async fn pass(config: &Config, bindings: &Bindings, request: Request) -> Result<Response, JsValue> {
    let request = for_origin(config, request)?;
    let answer = match bindings.origin_service() {
        Some(service) => service.fetch_request(&request)?,
        None => fetch_request(&request)?,
    };
    Ok(JsFuture::from(answer).await?.unchecked_into())
}

/// The same request at the origin's address, and without what only the gate may tell an origin.
fn for_origin(config: &Config, request: Request) -> Result<Request, JsValue> {
    let names = header_names(&request.headers())?;
    let mut forged = headers::reserved_in(&names).peekable();
    if config.origin.is_none() && forged.peek().is_none() {
        return Ok(request);
    }
    let copy = Request::copy(&address(config, &request.url()), &request)?;
    for name in forged {
        copy.headers().delete(name)?;
    }
    Ok(copy)
}

/// Calls the origin once, and gives its answer, whose body has yet to come.
///
/// # Errors
/// The doubt that a failed call leaves: whether the request was sent is not known.
pub async fn call(
    config: &Config,
    bindings: &Bindings,
    url: &str,
    request: OutgoingRequest<'_>,
) -> Result<Response, (Doubt, JsValue)> {
    let lost = |thrown| (doubt(&thrown), thrown);
    let sent = send(config, bindings, url, request).map_err(lost)?;
    Ok(JsFuture::from(sent).await.map_err(lost)?.unchecked_into())
}

fn send(config: &Config, bindings: &Bindings, url: &str, request: OutgoingRequest<'_>) -> Result<Promise, JsValue> {
    let address = address(config, url);
    let init = request.into_init()?;
    match bindings.origin_service() {
        Some(service) => service.fetch(&address, &init),
        None => fetch(&address, &init),
    }
}

/// What a failure leaves in doubt. A time-out has a name of its own (DOM standard, `AbortSignal.timeout`).
pub fn doubt(thrown: &JsValue) -> Doubt {
    match property(thrown, "name").as_string().as_deref() {
        Some("TimeoutError") => Doubt::OriginTimeout,
        _ => Doubt::ConnectionLost,
    }
}
