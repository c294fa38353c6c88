//! The second step: a guarded request's body, and with it the request's identity.

use js_sys::Reflect;
use oncegate_protocol::config::Route;
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::headers;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Guarded, Identity, Unidentified};
use wasm_bindgen::JsValue;

use crate::platform::{Bytes, Gathered, Head, Request, discard, gather, now};

/// A guarded request, whole and identified.
pub(super) struct GuardedRequest {
    pub(super) identity: Identity<'static>,
    pub(super) head: Head,
    /// `None` where there is no body at all, which is not the same as an empty one.
    pub(super) body: Option<Bytes>,
}

/// What came of reading.
pub(super) enum Read {
    Identified(Box<GuardedRequest>),
    PassThrough(Request, Head),
    Refused(Problem),
}

/// What is said of a request that the platform will not send on.
pub(super) const UNSENDABLE: &str = "Such a request cannot be sent on; a GET or HEAD request must have no body.";

/// Reads the body, up to the route's limit, and identifies the request.
pub(super) async fn read(request: Request, head: Head, guarded: Guarded<'static>) -> Result<Read, JsValue> {
    match gather_body(&request, &head, guarded.route()).await {
        Ok(body) => identify(request, head, body, guarded).await,
        Err(problem) => Ok(Read::Refused(problem)),
    }
}

/// Reads the body, up to the route's limit. The error is what the client is told.
pub(super) async fn gather_body(request: &Request, head: &Head, route: &Route) -> Result<Option<Bytes>, Problem> {
    match read_body(request, head, route.max_request).await {
        Ok(Some(body)) => Ok(body),
        Ok(None) => Err(Problem::too_large(route.max_request)),
        Err(_) => Err(Problem::malformed("The body broke off.")),
    }
}

/// Identifies a request by its body.
pub(super) async fn identify(
    request: Request,
    head: Head,
    body: Option<Bytes>,
    guarded: Guarded<'static>,
) -> Result<Read, JsValue> {
    let webhook = guarded.route().webhook.as_ref();
    let is_read = webhook.is_some() || matches!(guarded, Guarded::ByJson(_));
    let text = body.as_ref().filter(|_| is_read).map(Bytes::to_vec).unwrap_or_default();
    if let Some(Err(problem)) = webhook.map(|webhook| webhook.verify(|name| head.header(name), &text, now())) {
        return Ok(Read::Refused(problem));
    }
    let identity = match guarded {
        Guarded::ByBytes(guard) => guard.identify(match &body {
            Some(body) => body.digest().await?,
            None => BodyDigest::default(),
        }),
        Guarded::ByJson(guard) => match guard.identify(&text) {
            Ok(identity) => identity,
            Err(Unidentified::PassThrough) => {
                let unsendable = |_| Read::Refused(Problem::malformed(UNSENDABLE));
                return Ok(with_body(&request, body).map_or_else(unsendable, |whole| Read::PassThrough(whole, head)));
            }
            Err(Unidentified::Refuse(problem)) => return Ok(Read::Refused(problem)),
        },
    };
    Ok(Read::Identified(Box::new(GuardedRequest { identity, head, body })))
}

/// The body, which may be none; `None` where it exceeds the limit.
async fn read_body(request: &Request, head: &Head, limit: u64) -> Result<Option<Option<Bytes>>, JsValue> {
    let announced = head.header("content-length").and_then(|value| headers::length(&value));
    let stream = request.body();
    match gather(stream.as_ref(), limit, announced, None).await? {
        Gathered::Whole(bytes) => Ok(Some(stream.map(|_| bytes))),
        Gathered::More(_, rest) => {
            discard(Some(rest));
            Ok(None)
        }
    }
}

/// The request as it came, with the body that has been read.
fn with_body(request: &Request, body: Option<Bytes>) -> Result<Request, JsValue> {
    let init = js_sys::Object::new();
    Reflect::set(&init, &"method".into(), &request.method().into())?;
    Reflect::set(&init, &"headers".into(), &request.headers())?;
    Reflect::set(&init, &"redirect".into(), &"manual".into())?;
    // An empty body says nothing, and GET and HEAD cannot have one.
    if let Some(body) = body.filter(|body| body.length() > 0) {
        Reflect::set(&init, &"body".into(), &body.joined(&[]))?;
    }
    Request::new(&request.url(), &init)
}
