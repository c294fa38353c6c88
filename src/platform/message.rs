//! Requests and responses, made and read in few crossings: a list of headers crosses as one JSON text.

use core::time::Duration;

use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Array, Error, Function, JSON, Reflect, Uint8Array};

use super::bindings::{AbortController, AbortSignal, Headers, Request, Response, clear_timeout, set_timeout};
use super::{js_millis, property};

/// All headers, names in lower case, values of `Set-Cookie` apart and those of others joined, as the platform has them.
///
/// # Errors
/// Where the platform gives something that is no list of pairs.
pub fn header_list(headers: &Headers) -> Result<Vec<(String, String)>, JsValue> {
    let mut list: Vec<(String, String)> =
        serde_json::from_str(&json_of(&Array::from(headers.unchecked_ref()))?).map_err(unreadable)?;
    let cookies = || list.iter().filter(|(name, _)| name == SET_COOKIE);
    if cookies().count() > 1 {
        // workerd sorts its list by name, and mixes up the values of one name where it has more than 16 entries. The last of
        // several cookies of one name counts (RFC 6265, section 5.3).
        let in_order: Vec<String> = serde_json::from_str(&json_of(&headers.get_set_cookie())?).map_err(unreadable)?;
        let cookies = list.iter_mut().filter(|(name, _)| name == SET_COOKIE);
        cookies.zip(in_order).for_each(|((_, value), right)| *value = right);
    }
    Ok(list)
}

const SET_COOKIE: &str = "set-cookie";

fn json_of(value: &JsValue) -> Result<String, JsValue> {
    JSON::stringify(value).map(Into::into)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn unreadable(error: serde_json::Error) -> JsValue {
    JsValue::from_str(&error.to_string())
}

/// The names of all headers, in lower case, joined by commas, which no name has.
///
/// # Errors
/// Where the platform gives something that is no list.
pub fn header_names(headers: &Headers) -> Result<String, JsValue> {
    Ok(Array::from(&headers.keys()).join(",").into())
}

impl Request {
    /// The SHA-256 fingerprint of the certificate that the client has shown and the edge has verified, if any (Cloudflare,
    /// "Request", `cf.tlsClientAuth`).
    pub fn client_certificate(&self) -> Option<String> {
        let shown = property(&property(self, "cf"), "tlsClientAuth");
        let says = |name: &str, wanted: &str| property(&shown, name).as_string().as_deref() == Some(wanted);
        let is_verified = says("certVerified", "SUCCESS") && !says("certRevoked", "1");
        property(&shown, "certFingerprintSHA256")
            .as_string()
            .filter(|fingerprint| is_verified && !fingerprint.is_empty())
    }
}

/// A response whose body goes out as it is: what is compressed stays so, and is not compressed again.
///
/// # Errors
/// Where the platform refuses it.
pub fn reply(status: u16, headers: &[(String, String)], body: &JsValue) -> Result<Response, JsValue> {
    let init = json!({ "status": status, "headers": headers, "encodeBody": "manual" });
    Response::new(body, &JSON::parse(&init.to_string())?)
}

/// A request to be sent.
pub struct OutgoingRequest<'a> {
    /// The method, as the client sent it.
    pub method: &'a str,
    /// The headers.
    pub headers: &'a [(String, String)],
    /// The body, if there is one.
    pub body: Option<Uint8Array>,
}

impl OutgoingRequest<'_> {
    /// As a request to this address. Redirects are answers.
    ///
    /// # Errors
    /// Where the platform refuses it, such as a body with GET. Nothing has been sent then.
    pub fn to(self, address: &str, time_limit: &TimeLimit) -> Result<Request, JsValue> {
        let init = json!({
            "method": self.method,
            "headers": self.headers,
            "redirect": "manual",
        });
        let init = JSON::parse(&init.to_string())?;
        // GET and HEAD cannot have a body, not even an empty one (Fetch standard), but a client may send them so.
        let is_needless = |body: &Uint8Array| body.length() == 0 && matches!(self.method, "GET" | "HEAD");
        if let Some(body) = self.body.filter(|body| !is_needless(body)) {
            Reflect::set(&init, &"body".into(), &body)?;
        }
        Reflect::set(&init, &"signal".into(), &time_limit.signal())?;
        Request::new(address, &init)
    }
}

/// A limit on the time of a call, to the end of the answer's body unless it is lifted before.
pub struct TimeLimit {
    controller: AbortController,
    timer: JsValue,
}

impl TimeLimit {
    /// Begins to count.
    pub fn begin(limit: Duration) -> Self {
        let controller = AbortController::new();
        let reason = Error::new("the time limit is over");
        reason.set_name(TIME_LIMIT_OVER);
        let abort: Function = controller.abort().bind1(&controller, &reason).unchecked_into();
        Self { timer: set_timeout(&abort, js_millis(limit)), controller }
    }

    /// What the call is to heed.
    pub fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }

    /// Lifts the limit: what is still to come may take as long as it takes.
    pub fn lift(&self) {
        clear_timeout(&self.timer);
    }
}

/// The name of what a call fails with whose time is over. The platform's own time-outs have it too (DOM standard,
/// `AbortSignal.timeout`).
pub const TIME_LIMIT_OVER: &str = "TimeoutError";

impl Drop for TimeLimit {
    fn drop(&mut self) {
        self.lift();
    }
}
