//! The second step: a guarded request's body, and with it the request's identity.

use oncegate_protocol::headers;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Guarded, Identity, Unidentified};
use wasm_bindgen::JsValue;
use worker::js_sys::Reflect;

use crate::platform::{Bytes, Gathered, Request, discard, gather, header_list};

/// A guarded request, whole and identified.
pub(super) struct GuardedRequest {
    pub(super) identity: Identity<'static>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// `None` where there is no body at all, which is not the same as an empty one.
    pub(super) body: Option<Bytes>,
}

/// What came of reading.
pub(super) enum Read {
    Identified(Box<GuardedRequest>),
    PassThrough(Request),
    Refused(Problem),
}

/// What is said of a request that the platform will not send on.
pub(super) const UNSENDABLE: &str = "Such a request cannot be sent on; a GET or HEAD request must have no body.";

/// Reads the body, up to the route's limit, and identifies the request.
pub(super) async fn read(request: Request, guarded: Guarded<'static>) -> Result<Read, JsValue> {
    let route = match &guarded {
        Guarded::ByBytes(guard) => guard.route(),
        Guarded::ByJson(guard) => guard.route(),
    };
    let headers = header_list(&request.headers())?;
    let stream = request.body();
    if let Err(problem) = headers::check_request(&headers) {
        discard(stream);
        return Ok(Read::Refused(problem));
    }
    let bytes = match gather(stream.as_ref(), route.max_request).await {
        Ok(Gathered::Whole(bytes)) => bytes,
        Ok(Gathered::More(_, rest)) => {
            discard(Some(rest));
            return Ok(Read::Refused(Problem::too_large(route.max_request)));
        }
        Err(_) => return Ok(Read::Refused(Problem::malformed("The body broke off."))),
    };
    let body = stream.map(|_| bytes);
    let identity = match guarded {
        Guarded::ByBytes(guard) => guard.identify(body.as_ref().map(Bytes::digest).unwrap_or_default()),
        Guarded::ByJson(guard) => {
            let text = body.as_ref().map(Bytes::to_vec).unwrap_or_default();
            match guard.identify(&text) {
                Ok(identity) => identity,
                Err(Unidentified::PassThrough) => {
                    let unsendable = |_| Read::Refused(Problem::malformed(UNSENDABLE));
                    return Ok(with_body(&request, body).map_or_else(unsendable, Read::PassThrough));
                }
                Err(Unidentified::Refuse(problem)) => return Ok(Read::Refused(problem)),
            }
        }
    };
    Ok(Read::Identified(Box::new(GuardedRequest {
        identity,
        method: request.method(),
        url: request.url(),
        headers,
        body,
    })))
}

/// The request as it came, with the body that has been read.
fn with_body(request: &Request, body: Option<Bytes>) -> Result<Request, JsValue> {
    let init = worker::js_sys::Object::new();
    Reflect::set(&init, &"method".into(), &request.method().into())?;
    Reflect::set(&init, &"headers".into(), &request.headers())?;
    Reflect::set(&init, &"redirect".into(), &"manual".into())?;
    // An empty body says nothing, and GET and HEAD cannot have one.
    if let Some(body) = body.filter(|body| body.length() > 0) {
        Reflect::set(&init, &"body".into(), &body.joined(&[]))?;
    }
    Request::new(&request.url(), &init)
}
