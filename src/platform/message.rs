//! Requests and responses, made and read in few crossings: headers cross as one text, a line `name:value` each.

use js_sys::{Array, Uint8Array};
use oncegate_protocol::headers::Headers as List;
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{self, Fetcher, Headers, RepeatedResponse, Request, Response, header_lines, send};
use super::clock::TimeLimit;
use super::property;
use super::task::settled_within;

/// All headers, names in lower case, values of `Set-Cookie` apart and those of others joined, as the platform has them.
///
/// # Errors
/// Where the platform gives something else.
pub fn header_list(headers: &Headers) -> Result<List, JsValue> {
    Ok(parse(&header_lines(headers)?))
}

fn parse(lines: &str) -> List {
    let pairs = lines.split('\n').filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The headers as the platform is given them.
///
/// # Errors
/// Where there is a line's end in one, which would make two of it.
fn lines(headers: &[(impl AsRef<str>, String)]) -> Result<String, JsValue> {
    let headers = || headers.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
    let length = headers().map(|(name, value)| name.len().saturating_add(value.len()).saturating_add(2)).sum();
    let mut lines = String::with_capacity(length);
    for (name, value) in headers() {
        if name.contains(['\n', ':']) || value.contains('\n') {
            return Err(JsValue::from_str(&format!("{name:?} is not a header")));
        }
        lines.extend([name, ":", value, "\n"]);
    }
    Ok(lines)
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
    bindings::respond(status, &lines(headers)?, body)
}

/// The same response with headers more: some in place of those of the same names, and some beside them.
///
/// # Errors
/// Where the platform refuses it.
pub fn with_headers(
    response: &Response,
    set: &[(&str, String)],
    appended: &[(&str, String)],
) -> Result<Response, JsValue> {
    bindings::with_header_lines(response, &lines(set)?, &lines(appended)?)
}

/// A response that is given again and again.
#[derive(Debug)]
pub struct Repeated(RepeatedResponse);

impl Repeated {
    /// With these headers, and a copy of this body.
    ///
    /// # Errors
    /// Where the platform refuses it.
    pub fn new(status: u16, headers: &[(String, String)], body: Option<&Uint8Array>) -> Result<Self, JsValue> {
        RepeatedResponse::new(status, &lines(headers)?, body).map(Self)
    }

    /// The response, once more.
    ///
    /// # Errors
    /// Where the platform refuses it.
    pub fn response(&self) -> Result<Response, JsValue> {
        self.0.response()
    }
}

/// A request to be sent.
pub struct OutgoingRequest {
    address: String,
    method: String,
    lines: String,
    body: Option<Uint8Array>,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be passed on. Its body is read as it is, also if it is compressed.
    PassOn,
    /// Likewise, but it must not come from the edge's cache (Cloudflare, Workers, "Request", `cache`).
    PassOnNew,
    /// To be read here: the platform decodes its body. It must not come from the edge's cache.
    Read,
}

/// What becomes of a call whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Nobody waits for it any longer. The platform ends it with the invocation, which is over as soon as its one request is.
    Left,
    /// It is aborted, which costs more, whether it comes to that or not: the invocation goes on for the sake of others. The platform may
    /// else send it when another call ends (Cloudflare, Workers, "Limits": six connections wait at once, and others until then).
    Aborted,
}

/// An answer, whose body has yet to come.
pub struct Arrived {
    /// The answer.
    pub response: Response,
    /// Its headers, as [`header_list`] gives them.
    pub headers: List,
}

impl OutgoingRequest {
    /// A request of this method to this address. Nothing is sent yet.
    ///
    /// # Errors
    /// A body with GET or HEAD, which the platform refuses, or a header that is none.
    pub fn new(
        address: String,
        method: &str,
        headers: &[(String, String)],
        body: Option<Uint8Array>,
    ) -> Result<Self, JsValue> {
        // GET and HEAD cannot have a body, not even an empty one (Fetch standard), but a client may send them so.
        let has_none = matches!(method, "GET" | "HEAD");
        let body = body.filter(|body| !has_none || body.length() > 0);
        if has_none && body.is_some() {
            return Err(JsValue::from_str(&format!("{method} with a body")));
        }
        Ok(Self { address, method: method.to_owned(), lines: lines(headers)?, body })
    }

    /// Sends it once, through a service binding if there is one. Redirects are answers.
    ///
    /// # Errors
    /// What the platform throws, or that the time is over: whether the request was sent is not known then.
    pub async fn send(
        &self,
        service: Option<&Fetcher>,
        time_limit: TimeLimit,
        purpose: Purpose,
        given_up: GivenUp,
    ) -> Result<Arrived, JsValue> {
        let (cache, encoding) = match purpose {
            Purpose::PassOn => (None, Some("manual")),
            Purpose::PassOnNew => (Some("no-store"), Some("manual")),
            Purpose::Read => (Some("no-store"), None),
        };
        let Self { address, method, lines, body } = self;
        let is_aborted = given_up == GivenUp::Aborted;
        let sent = send(service, address, method, lines, body.as_ref(), cache, encoding, is_aborted);
        let arrived: Array = settled_within(time_limit.left(), sent).await?.unchecked_into();
        let headers = arrived.get(1).as_string().map(|lines| parse(&lines)).unwrap_or_default();
        Ok(Arrived { response: arrived.get(0).unchecked_into(), headers })
    }
}

/// The name of what a call fails with whose time is over. The platform's own time-outs have it too (DOM standard,
/// `AbortSignal.timeout`).
pub const TIME_LIMIT_OVER: &str = "TimeoutError";
