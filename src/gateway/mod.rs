//! The path of a request at the edge.
//!
//! 1. [`oncegate_protocol::request::admit`] decides from the head: pass through, refuse, or guard.
//!    Where a token says whose a request is, [`tokens`] verifies it.
//! 2. A guarded body is read, up to the route's limit, and the request gets its identity.
//! 3. [`guarded`] claims the key at the ledger, calls the origin, says how it ended, and replies.
//!
//! From its claim on, what is guarded is inside `waitUntil`, so that a client who hangs up does not cut it off.

mod answered;
mod begun;
mod body;
mod decoded;
mod early;
mod guarded;
mod probe;
mod remembered;
mod replies;
mod sealed;
mod tokens;
mod unguarded;

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use js_sys::Promise;
use oncegate_protocol::config::Config;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Admission, Guarded, RequestHead, RequestUrl, admit};
use serde_json::json;
use wasm_bindgen::JsValue;

use crate::platform::{Bindings, Context, Head, Request, Response, describe, discard, run, start};
use crate::{configuration, log, operator, origin};
pub(crate) use remembered::forget;
pub(crate) use replies::problem as problem_reply;

/// What every step of a request needs.
pub(crate) struct Deployment {
    pub(crate) config: &'static Config,
    pub(crate) bindings: Bindings,
    context: Rc<RequestContext>,
}

/// The platform's context of a request.
struct RequestContext {
    context: Context,
    /// Whether it goes on though its client has hung up. What is not guarded ends with its client, as it would without a gate.
    outlives_client: Cell<bool>,
    /// The promise of the reply, once there is one.
    reply: OnceCell<Promise>,
}

impl RequestContext {
    /// Has the platform let a promise go on whether the client waits or not. Where it does not take it, it goes on as long as the
    /// request does.
    fn wait_until(&self, promise: &Promise) {
        let _ = self.context.wait_until(promise);
    }

    /// Has the request go on, from here to its end, whether its client waits or not.
    fn outlive_client(&self) {
        self.outlives_client.set(true);
        if let Some(reply) = self.reply.get() {
            self.wait_until(reply);
        }
    }

    /// The promise of the reply.
    fn replies(&self, reply: Promise) -> Promise {
        if self.outlives_client.get() {
            self.wait_until(&reply);
        }
        self.reply.get_or_init(|| reply).clone()
    }
}

impl Deployment {
    /// As [`RequestContext::wait_until`].
    pub(crate) fn wait_until(&self, promise: &Promise) {
        self.context.wait_until(promise);
    }

    /// As [`RequestContext::outlive_client`].
    fn outlive_client(&self) {
        self.context.outlive_client();
    }

    /// Does what goes on whether the client waits for it or not, within the time that the platform gives.
    pub(crate) fn afterwards(&self, work: impl Future<Output = ()> + 'static) {
        self.wait_until(&start(work));
    }
}

/// Answers one request. There is always an answer: what fails inside becomes one that says so.
pub fn handle(request: Request, bindings: Bindings, context: Context) -> Promise {
    let context = Rc::new(RequestContext { context, outlives_client: Cell::new(false), reply: OnceCell::new() });
    context.replies(run(answer(request, bindings, Rc::clone(&context))))
}

async fn answer(request: Request, bindings: Bindings, context: Rc<RequestContext>) -> Result<JsValue, JsValue> {
    let answer = match configuration::configuration(&bindings) {
        Ok(config) => route(Rc::new(Deployment { config, bindings, context }), request).await,
        Err(reason) => {
            log::error("misconfigured", json!({ "reason": reason }));
            replies::problem(&Problem::misconfigured())
        }
    };
    let answer = answer.unwrap_or_else(|thrown| {
        log::error("failed", json!({ "reason": describe(&thrown) }));
        replies::last_resort()
    });
    Ok(answer.into())
}

async fn route(deployment: Rc<Deployment>, request: Request) -> Result<Response, JsValue> {
    let head = Head::read(&request)?;
    let header = |name: &str| head.header(name).map(str::to_owned);
    let certificate = || request.client_certificate();
    let url = RequestUrl::parse(&head.url);
    let asked = RequestHead { method: &head.method, url, header: &header, certificate: &certificate };
    match admit(deployment.config, &asked) {
        Admission::PassThrough => pass(&deployment, request, &head).await,
        Admission::Documentation => replies::documentation(),
        Admission::Operator(token) => {
            deployment.outlive_client();
            operator::handle(&deployment, token, &asked, &request).await
        }
        Admission::Nothing => replies::nothing(),
        Admission::Refuse(problem) => refuse(&request, &problem),
        Admission::Guarded(guarded) => guard_request(deployment, request, head, guarded).await,
        Admission::ByToken(by_token) => match tokens::verify(&deployment, by_token).await {
            Ok(guarded) => guard_request(deployment, request, head, guarded).await,
            Err(problem) => refuse(&request, &problem),
        },
    }
}

/// Sends a request on untouched. A failure is the client's to see as what it is: a bad gateway.
async fn pass(deployment: &Deployment, request: Request, head: &Head) -> Result<Response, JsValue> {
    match origin::pass(deployment.config, &deployment.bindings, request, head).await {
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
    deployment: Rc<Deployment>,
    request: Request,
    head: Head,
    guarded: Guarded<'static>,
) -> Result<Response, JsValue> {
    let request = match body::read(request, head, guarded).await? {
        body::Read::Identified(request) => request,
        body::Read::PassThrough(request, head) => return pass(&deployment, request, &head).await,
        body::Read::Refused(problem) => return replies::problem(&problem),
    };
    guarded::execute(deployment, *request).await
}
