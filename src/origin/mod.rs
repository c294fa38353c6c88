//! Calls to the origin: through a service binding, at a configured address, or at the address that the request came for.

use js_sys::Promise;
use oncegate_protocol::config::Config;
use oncegate_protocol::headers;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::request::RequestUrl;
use wasm_bindgen::JsValue;

use crate::platform::{Bindings, Head, Request, TIME_LIMIT_OVER, fetch_at, fetch_request, pass_undecoded, property};

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

/// What is done with the answer to a request that passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// Nothing.
    Untouched,
    /// Its body may be read as it is, also if it is compressed.
    Observed,
}

/// Sends a request on as it came, body streamed, and gives the promise of the answer as it comes. Also upgrades.
///
/// # Errors
/// What the platform throws.
pub fn pass(
    config: &Config,
    bindings: &Bindings,
    request: &Request,
    head: &Head,
    passed: Passed,
) -> Result<Promise, JsValue> {
    let address = config.origin.is_some().then(|| address(config, head.url()));
    let copy;
    let (address, request) = match head.is_told()? {
        false => (address, request),
        // An origin relies on it that the gate said these.
        true => {
            copy = Request::new(address.as_deref().unwrap_or(head.url()), request)?;
            for name in headers::TOLD {
                copy.headers().delete(name)?;
            }
            (None, &copy)
        }
    };
    match (bindings.origin_service(), address) {
        (service, address) if passed == Passed::Observed => {
            pass_undecoded(service.as_ref(), address.as_deref(), request)
        }
        (Some(service), Some(address)) => service.fetch_at(&address, request),
        (Some(service), None) => service.fetch_request(request),
        (None, Some(address)) => fetch_at(&address, request),
        (None, None) => fetch_request(request),
    }
}

/// What a failed call leaves in doubt.
pub fn doubt(thrown: &JsValue) -> Doubt {
    if is_time_out(thrown) { Doubt::OriginTimeout } else { Doubt::ConnectionLost }
}

/// What an answer leaves in doubt whose body failed.
pub fn doubt_of_body(thrown: &JsValue) -> Doubt {
    if is_time_out(thrown) { Doubt::OriginTimeout } else { Doubt::BodyCut }
}

/// Whether this was thrown because the time was over.
pub fn is_time_out(thrown: &JsValue) -> bool {
    property(thrown, "name").as_string().as_deref() == Some(TIME_LIMIT_OVER)
}
