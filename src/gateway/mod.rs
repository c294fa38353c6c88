//! The path of a request at the edge.
//!
//! 1. [`oncegate_protocol::request::admit`] decides from the head: pass through, refuse, or guard.
//!    Where a token says whose a request is, [`tokens`] verifies it.
//! 2. A guarded body is read, up to the route's limit, and the request gets its identity.
//! 3. [`guarded`] claims the key at the ledger, calls the origin, says how it ended, and replies; all of that inside
//!    `waitUntil`, so that a client who hangs up does not cut it off.

mod answered;
mod begun;
mod body;
mod decoded;
mod early;
mod guarded;
mod probe;
mod replies;
mod sealed;
mod tokens;
mod unguarded;

use std::rc::Rc;

use oncegate_protocol::config::Config;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Admission, Guarded, RequestHead, RequestUrl, admit};
use serde_json::json;
use wasm_bindgen::{JsCast, JsValue};
use worker::Context;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

use crate::platform::{Bindings, Request, Response, describe, discard};
use crate::{configuration, log, operator, origin};
pub(crate) use replies::problem as problem_reply;

/// What every step of a request needs.
pub(crate) struct Deployment {
    pub(crate) config: &'static Config,
    pub(crate) bindings: Bindings,
    context: Context,
}

/// Answers one request. There is always an answer: what fails inside becomes one that says so.
pub async fn handle(request: Request, bindings: Bindings, context: Context) -> Response {
    let answer = match configuration::configuration(&bindings) {
        Ok(config) => route(Deployment { config, bindings, context }, request).await,
        Err(reason) => {
            log::error("misconfigured", json!({ "reason": reason }));
            replies::problem(&Problem::misconfigured())
        }
    };
    answer.unwrap_or_else(|thrown| {
        log::error("failed", json!({ "reason": describe(&thrown) }));
        replies::last_resort()
    })
}

async fn route(deployment: Deployment, request: Request) -> Result<Response, JsValue> {
    let method = request.method();
    let url = request.url();
    let headers = request.headers();
    // A header that the platform cannot give counts as absent.
    let header = |name: &str| headers.get(name).ok().flatten();
    let certificate = || request.client_certificate();
    let url = RequestUrl::parse(&url);
    let head = RequestHead { method: &method, url, header: &header, certificate: &certificate };
    match admit(deployment.config, &head) {
        Admission::PassThrough => pass(&deployment, request).await,
        Admission::Documentation => replies::documentation(),
        Admission::Operator(token) => operator::handle(&deployment, token, &head, &request).await,
        Admission::Nothing => replies::nothing(),
        Admission::Refuse(problem) => refuse(&request, &problem),
        Admission::Guarded(guarded) => guard_request(deployment, request, guarded).await,
        Admission::ByToken(by_token) => match tokens::verify(&deployment, by_token).await {
            Ok(guarded) => guard_request(deployment, request, guarded).await,
            Err(problem) => refuse(&request, &problem),
        },
    }
}

/// Sends a request on untouched. A failure is the client's to see as what it is: a bad gateway.
async fn pass(deployment: &Deployment, request: Request) -> Result<Response, JsValue> {
    match origin::pass(deployment.config, &deployment.bindings, request).await {
        Ok(response) => Ok(response),
        Err(thrown) => {
            log::error("origin failed", json!({ "guarded": false, "reason": describe(&thrown) }));
            replies::bad_gateway()
        }
    }
}

/// Refuses a request, whose body need not be read any more.
fn refuse(request: &Request, problem: &Problem) -> Result<Response, JsValue> {
    discard(request.body());
    replies::problem(problem)
}

async fn guard_request(
    deployment: Deployment,
    request: Request,
    guarded: Guarded<'static>,
) -> Result<Response, JsValue> {
    let request = match body::read(request, guarded).await? {
        body::Read::Identified(request) => request,
        body::Read::PassThrough(request) => return pass(&deployment, request).await,
        body::Read::Refused(problem) => return replies::problem(&problem),
    };
    let deployment = Rc::new(deployment);
    let work = guarded::execute(Rc::clone(&deployment), *request);
    let promise = future_to_promise(core::panic::AssertUnwindSafe(async move { work.await.map(JsValue::from) }));
    deployment.context.as_ref().wait_until(&promise)?;
    Ok(JsFuture::from(promise).await?.unchecked_into())
}
