//! The path of a request at the edge.
//!
//! 1. [`oncegate_protocol::request::admit`] decides from the head: pass through, refuse, or guard.
//!    Where a token says whose a request is, [`tokens`] verifies it.
//! 2. A guarded body is read, up to the route's limit, and the request gets its identity.
//! 3. [`guarded`] claims the key at the ledger, calls the origin, says how it ended, and replies.
//!
//! What is not passed through is inside `waitUntil` ([`hold`] says from when on), so that a client who hangs up does not cut it off: neither
//! what is guarded, nor a future, which would stay in memory for good.

mod account;
mod answered;
mod begun;
mod body;
mod decoded;
mod early;
mod guarded;
mod hold;
mod observed;
mod probe;
mod remembered;
mod replies;
mod sealed;
mod tokens;
mod unguarded;

use std::rc::Rc;

use js_sys::{Function, Promise};
use oncegate_protocol::config::Config;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Admission, Guarded, RequestHead, RequestUrl, admit};
use oncegate_protocol::time::Timestamp;
use serde_json::json;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::origin::{self, Passed};
use crate::platform::{
    Begun, Bindings, Context, GivenUp, Head, Request, begin, describe, discard, now, or_else, start,
};
use crate::{configuration, log, operator};
use account::{Notes, Opened};
use hold::Hold;
pub(crate) use remembered::forget;
pub(crate) use replies::problem as problem_reply;

/// What every step of a request needs.
pub(crate) struct Deployment {
    pub(crate) config: &'static Config,
    pub(crate) bindings: Bindings,
    context: Context,
    notes: Notes,
    hold: Rc<Hold>,
    /// What becomes of its calls to the origin whose time is over.
    given_up: GivenUp,
}

impl Deployment {
    /// From here on the request goes on whether its client waits or not.
    fn hold(&self) {
        self.hold.now(&self.context);
    }

    /// Has the platform let a promise go on whether the client waits or not. Where it does not take it, it goes on as long as the
    /// request does.
    pub(crate) fn wait_until(&self, promise: &Promise) {
        let _ = self.context.wait_until(promise);
    }

    /// Does what goes on whether the client waits for it or not, within the time that the platform gives.
    pub(crate) fn afterwards(&self, work: impl Future<Output = ()> + 'static) {
        self.wait_until(&start(work));
    }
}

/// What gives the configuration, or all that is wrong with it, as a text for the log.
pub trait Configure: FnOnce(&Bindings) -> Result<&'static Config, String> + 'static {}

impl<F: FnOnce(&Bindings) -> Result<&'static Config, String> + 'static> Configure for F {}

/// Answers one request, with a response or the promise of one. There is always an answer: what fails inside becomes one that says so.
pub fn handle(request: Request, bindings: Bindings, context: Context) -> JsValue {
    handle_in(configuration::configuration, request, bindings, context, GivenUp::Left)
}

/// As [`handle`], by another configuration than that of the variables, and in an invocation that may go on when the request is over.
pub fn handle_as(configure: impl Configure, request: Request, bindings: Bindings, context: Context) -> JsValue {
    handle_in(configure, request, bindings, context, GivenUp::Aborted)
}

fn handle_in(
    configure: impl Configure,
    request: Request,
    bindings: Bindings,
    context: Context,
    given_up: GivenUp,
) -> JsValue {
    let hold = Rc::new(Hold::default());
    match begin(answer(configure, request, bindings, context.clone(), Rc::clone(&hold), given_up)) {
        Begun::Over(answer) => answer.unwrap_or_else(|_| replies::last_resort().into()),
        Begun::UnderWay(promise) => {
            hold.begin(&context, &promise);
            promise.into()
        }
    }
}

async fn answer(
    configure: impl Configure,
    request: Request,
    bindings: Bindings,
    context: Context,
    hold: Rc<Hold>,
    given_up: GivenUp,
) -> Result<JsValue, JsValue> {
    let answer = match configure(&bindings) {
        Ok(config) => {
            route(Rc::new(Deployment { config, bindings, context, notes: Notes::default(), hold, given_up }), request)
                .await
        }
        Err(reason) => {
            log::error("misconfigured", json!({ "reason": reason }));
            replies::problem(&Problem::misconfigured()).map(Into::into)
        }
    };
    Ok(answer.unwrap_or_else(|thrown| {
        log::error("failed", json!({ "reason": describe(&thrown) }));
        replies::last_resort().into()
    }))
}

async fn route(deployment: Rc<Deployment>, request: Request) -> Result<JsValue, JsValue> {
    let head = Head::read(&request, &deployment.config.read_ahead)?;
    let header = |name: &str| head.header(name);
    let certificate = || request.client_certificate();
    let url = RequestUrl::parse(&head.url);
    let asked = RequestHead { method: &head.method, url, header: &header, certificate: &certificate };
    let admission = admit(deployment.config, &asked);
    head.check()?;
    let reply = match admission {
        Admission::PassThrough => return pass(&deployment, &request, &head),
        Admission::Documentation => replies::documentation(),
        Admission::Console(file) => operator::console(file),
        Admission::Operator(token) => operator::handle(&deployment, token, &asked, &request).await,
        Admission::Nothing => replies::nothing(),
        Admission::Refuse(route, problem) => {
            discard(request.body());
            account::refuse(&deployment, route, &head, &problem)
        }
        Admission::Observed(route, observed) => {
            return observed::observe(deployment, request, head, route, observed).await;
        }
        Admission::Guarded(guarded) => return guard_request(deployment, request, head, guarded, now()).await,
        Admission::ByToken(by_token) => {
            let (route, arrived_at) = (by_token.route(), now());
            match tokens::verify(&deployment, by_token).await {
                Ok(guarded) => return guard_request(deployment, request, head, guarded, arrived_at).await,
                Err(problem) => {
                    discard(request.body());
                    account::refuse(&deployment, Some(route), &head, &problem)
                }
            }
        }
    };
    reply.map(Into::into)
}

/// Sends a request on untouched, and gives the promise of the answer. It is not waited for here: what waits goes on when its client has
/// hung up, and a request that passes through ends with its client, as it would without a gate.
fn pass(deployment: &Deployment, request: &Request, head: &Head) -> Result<JsValue, JsValue> {
    let answer = origin::pass(deployment.config, &deployment.bindings, request, head, Passed::Untouched);
    Ok(passed(&answer.unwrap_or_else(|thrown| Promise::reject(&thrown))))
}

/// The promise of the origin's answer, or of the reply in its place.
fn passed(answer: &Promise) -> JsValue {
    NOT_PASSED.with(|not_passed| or_else(answer, not_passed)).into()
}

thread_local! {
    static NOT_PASSED: Function = Closure::<dyn Fn(JsValue) -> JsValue>::new(not_passed).into_js_value().unchecked_into();
}

/// The reply to a request that could not be passed on. It is the client's to see as what it is: a bad gateway.
fn not_passed(thrown: JsValue) -> JsValue {
    log::error("origin failed", json!({ "guarded": false, "reason": describe(&thrown) }));
    replies::bad_gateway().unwrap_or_else(|_| replies::last_resort()).into()
}

async fn guard_request(
    deployment: Rc<Deployment>,
    request: Request,
    head: Head,
    guarded: Guarded<'static>,
    arrived_at: Timestamp,
) -> Result<JsValue, JsValue> {
    let opened = Opened::new(guarded.route(), &head, arrived_at);
    let unheld = deployment.hold.put_off(guarded.route());
    let read = body::read(request, head, guarded).await?;
    drop(unheld);
    let request = match read {
        body::Read::Identified(request) => request,
        body::Read::PassThrough(request, head) => return pass(&deployment, &request, &head),
        body::Read::Refused(problem) => return opened.close(&deployment, replies::problem(&problem)?).map(Into::into),
    };
    let opened = opened.of(request.identity.place.id);
    let response = guarded::execute(Rc::clone(&deployment), *request).await?;
    opened.close(&deployment, response).map(Into::into)
}
