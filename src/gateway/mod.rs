//! The path of a request at the edge.
//!
//! 1. [`oncegate_protocol::request::admit`] decides from the head: pass through, refuse, or guard ([`admitted`]).
//!    Where a token says whose a request is, [`tokens`] verifies it.
//! 2. A guarded body is read, up to the route's limit, and the request gets its identity.
//! 3. [`guarded`] claims the key at the ledger, calls the origin, says how it ended, and replies.
//!
//! What is not passed through is inside `waitUntil` ([`hold`] says from when on), so that a client who hangs up does not cut it off: neither
//! what is guarded, nor a future, which would stay in memory for good.

mod account;
mod admitted;
mod answered;
mod begun;
mod body;
mod decoded;
mod early;
mod guarded;
mod hold;
mod observed;
mod passed;
mod probe;
mod remembered;
mod replies;
mod sealed;
mod tokens;
mod unguarded;

use std::rc::Rc;

use js_sys::Promise;
use oncegate_protocol::config::Config;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{ByToken, Guarded};
use oncegate_protocol::time::Timestamp;
use serde_json::json;
use wasm_bindgen::JsValue;

use crate::platform::{
    Begun, Bindings, Context, GivenUp, Head, Request, begin, describe, discard, in_one_step, now, start,
};
use crate::{configuration, log};
use account::{Notes, Opened};
use admitted::{Admitted, admit_request};
use hold::Hold;
use passed::pass;
pub(crate) use remembered::forget;
pub(crate) use replies::problem as problem_reply;

/// What every step of a request needs.
pub(crate) struct Deployment {
    pub(crate) config: &'static Config,
    pub(crate) bindings: Bindings,
    context: Context,
    notes: Notes,
    hold: Hold,
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
    in_one_step(|| match admit_configured(configure, request, bindings, context, given_up) {
        Ok(Admitted::Answered(answer)) => answer,
        Ok(Admitted::Work(deployment, work)) => match begin(work) {
            Begun::Over(answer) => answer.unwrap_or_else(|thrown| failed(&thrown)),
            Begun::UnderWay(promise) => {
                deployment.hold.begin(&deployment.context, &promise);
                promise.into()
            }
        },
        Err(thrown) => failed(&thrown),
    })
}

/// What the head of a request leads to, by the configuration; or the answer that there is none.
fn admit_configured(
    configure: impl Configure,
    request: Request,
    bindings: Bindings,
    context: Context,
    given_up: GivenUp,
) -> Result<Admitted, JsValue> {
    let config = match configure(&bindings) {
        Ok(config) => config,
        Err(reason) => {
            log::error("misconfigured", json!({ "reason": reason }));
            return replies::problem(&Problem::misconfigured()).map(Admitted::answered);
        }
    };
    let (notes, hold) = (Notes::default(), Hold::default());
    admit_request(Deployment { config, bindings, context, notes, hold, given_up }, request)
}

/// The answer where something has failed for which there is no other one.
fn failed(thrown: &JsValue) -> JsValue {
    log::error("failed", json!({ "reason": describe(thrown) }));
    replies::last_resort().into()
}

async fn guard_by_token(
    deployment: Rc<Deployment>,
    request: Request,
    head: Head,
    by_token: ByToken<'static>,
) -> Result<JsValue, JsValue> {
    let (route, arrived_at) = (by_token.route(), now());
    match tokens::verify(&deployment, by_token).await {
        Ok(guarded) => guard_request(deployment, request, head, guarded, arrived_at).await,
        Err(problem) => {
            discard(request.body());
            account::refuse(&deployment, Some(route), &head, &problem).map(Into::into)
        }
    }
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
    let response = guarded::execute(Rc::clone(&deployment), request).await?;
    opened.close(&deployment, response).map(Into::into)
}
