//! The third step: claim the key, call the origin, say how it ended, reply.

use core::time::Duration;
use std::rc::Rc;

use oncegate_protocol::config::{OnLedgerFailure, Route};
use oncegate_protocol::deadline::may_call_origin;
use oncegate_protocol::headers::{self, AttemptHeaders};
use oncegate_protocol::ids::{AttemptId, Fingerprint};
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::record::{OnUnknown, Witness};
use oncegate_protocol::request::Place;
use oncegate_protocol::wire::{Command, Reply, SentOutcome};
use serde_json::json;
use wasm_bindgen::JsValue;

use super::begun::{Begun, Grant, begin};
use super::body::{GuardedRequest, UNSENDABLE};
use super::decoded::as_accepted;
use super::probe::Probed;
use super::{Deployment, remembered, replies};
use crate::ledger_calls::{Answer, Ledger};
use crate::platform::{Bytes, OutgoingRequest, Purpose, Response, TimeLimit, aside, describe, now};
use crate::{log, origin};

/// One attempt to execute a guarded request.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) deployment: Rc<Deployment>,
    pub(super) route: &'static Route,
    /// Where its record is.
    pub(super) place: Place,
    pub(super) attempt: AttemptId,
    /// Whose outcome it brings: its own, or that of the attempt that it asks the origin about.
    pub(super) of: AttemptId,
    /// What is asked for.
    pub(super) fingerprint: Fingerprint,
}

/// What came of telling the ledger an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is durable.
    Stored,
    /// The record is another attempt's, or has ended otherwise.
    Refused,
    /// That is not known.
    Lost,
}

/// Carries a guarded request out, from its claim to its reply.
pub(super) async fn execute(deployment: Rc<Deployment>, request: Box<GuardedRequest>) -> Result<Response, JsValue> {
    let arrived_at = now();
    if let Some(remembered) = remembered::find(&request.identity.asked(), arrived_at) {
        return remembered.answer(&deployment, &request).await;
    }
    deployment.hold();
    let (attempt, begun) = begin(&deployment, &request, request.identity.on_unknown(), arrived_at).await?;
    let Begun::Asked(question) = begun else { return attempt.go_on(begun, request).await };
    aside(async move {
        match attempt.probe(&request, &question).await? {
            Probed::Replied(response) => Ok(response),
            Probed::Known => {
                // The key is free, or the record says more by now. What is unknown once more is not asked about again.
                let (attempt, begun) = begin(&deployment, &request, OnUnknown::Hold, arrived_at).await?;
                attempt.go_on(begun, request).await
            }
        }
    })
    .await
}

impl Attempt {
    async fn go_on(&self, begun: Begun, request: Box<GuardedRequest>) -> Result<Response, JsValue> {
        match begun {
            Begun::Granted(grant) => return self.run(request, &grant).await,
            Begun::Answered(response) => return as_accepted(&self.deployment, response, &request.head).await,
            Begun::Sealed(answer) => {
                let opened = aside(self.open(answer)).await?;
                return as_accepted(&self.deployment, opened, &request.head).await;
            }
            Begun::Lost if self.route.on_ledger_failure == OnLedgerFailure::Pass => {
                // The claim may have been taken after all. Then its outcome is what the record must not claim to know.
                self.afterwards(SentOutcome::Doubted(Doubt::NotRecorded));
                return aside(self.pass_unguarded(request)).await;
            }
            Begun::Failed | Begun::Full if self.route.on_ledger_failure == OnLedgerFailure::Pass => {
                return aside(self.pass_unguarded(request)).await;
            }
            Begun::Memorable { answer, asked_at } => {
                return match aside(self.remember_replay(&answer, asked_at)).await {
                    Ok(remembered) => remembered.answer(&self.deployment, &request).await,
                    Err(thrown) => {
                        self.log("stored answer lost", json!({ "reason": describe(&thrown) }));
                        replies::problem(&Problem::unavailable())
                    }
                };
            }
            // The claim may have arrived after all, or yet arrive. Nobody will use it.
            Begun::Lost | Begun::Lapsed => self.afterwards(SentOutcome::Released),
            Begun::Full => return replies::problem(&Problem::full()),
            Begun::Exhausted(left) => return replies::problem(&Problem::limited(left)),
            Begun::Outrun => return replies::problem(&Problem::in_progress()),
            Begun::Asked(_) | Begun::Moved { .. } | Begun::Failed | Begun::Refused => {}
        }
        replies::problem(&Problem::unavailable())
    }

    /// Tells the ledger an outcome for which the client need not wait.
    fn afterwards(&self, outcome: SentOutcome) {
        let attempt = self.clone();
        self.deployment.afterwards(async move {
            attempt.tell(outcome, None, attempt.route.retention()).await;
        });
    }

    /// Calls the origin and brings its answer to the ledger.
    async fn run(&self, request: Box<GuardedRequest>, grant: &Grant) -> Result<Response, JsValue> {
        if !may_call_origin(now().since(grant.begun_at), self.route.timeout, self.route.lease()) {
            self.log("too late to call the origin", json!({}));
            aside(self.release()).await;
            return replies::problem(&Problem::unavailable());
        }
        let time_limit = TimeLimit::begin(self.route.timeout);
        let method = request.head.method().to_owned();
        let outgoing = match self.prepare(request, Some(grant)) {
            Ok(outgoing) => outgoing,
            Err(problem) => {
                aside(self.release()).await;
                return replies::problem(&problem);
            }
        };
        let (service, sent_at) = (self.deployment.bindings.origin_service(), now());
        let answer = outgoing.send(service.as_ref(), time_limit, Purpose::PassOn, self.deployment.given_up).await;
        self.deployment.notes.origin_took(now().since(sent_at));
        match answer {
            Ok(arrived) => self.settle(arrived, &method, time_limit).await,
            Err(thrown) => aside(self.in_doubt(origin::doubt(&thrown), &thrown)).await,
        }
    }

    /// The request for the origin; without a grant, one that says nothing of an attempt. Nothing is sent yet.
    ///
    /// All its headers are read here, and not before: what is answered from its record needs no list of them.
    pub(super) fn prepare(
        &self,
        mut request: Box<GuardedRequest>,
        grant: Option<&Grant>,
    ) -> Result<OutgoingRequest, Problem> {
        let unsendable = |thrown: JsValue| {
            self.log("request cannot be sent", json!({ "reason": describe(&thrown) }));
            Problem::malformed(UNSENDABLE)
        };
        let needed = self.route.headers();
        let client = request.head.take_headers().map_err(unsendable)?;
        headers::check_request(&client)?;
        let headers = match grant {
            None => headers::to_origin_unguarded(client, &needed),
            Some(grant) => {
                let about_attempt = AttemptHeaders {
                    key: &request.identity.key,
                    number: grant.number,
                    fence: self.attempt,
                    deadline: grant.lease_until,
                };
                headers::to_origin(client, &needed, &about_attempt)
            }
        };
        let body = request.body.map(|body| body.joined(&[]));
        let address = origin::address(self.deployment.config, request.head.url());
        OutgoingRequest::new(address, request.head.method(), &headers, body).map_err(unsendable)
    }

    /// The outcome is not known: says so to the ledger, and to the client.
    pub(super) async fn in_doubt(&self, doubt: Doubt, reason: &JsValue) -> Result<Response, JsValue> {
        self.doubted(doubt, reason).await;
        replies::problem(&Problem::unknown(doubt))
    }

    /// The outcome is not known: says so to the ledger.
    pub(super) async fn doubted(&self, doubt: Doubt, reason: &JsValue) {
        self.log("outcome in doubt", json!({ "doubt": format!("{doubt:?}"), "reason": describe(reason) }));
        self.tell(SentOutcome::Doubted(doubt), None, self.route.retention()).await;
    }

    /// The origin has not executed: frees the key.
    pub(super) async fn release(&self) {
        self.tell(SentOutcome::Released, None, self.route.retention()).await;
    }

    /// Brings an outcome to the ledger. Where it is not stored, the lease will end and leave the outcome unknown, which is safe.
    pub(super) async fn tell(&self, outcome: SentOutcome, body: Option<Bytes>, retention: Duration) -> Told {
        let instead = outcome.instead();
        let witness = Witness { attempt: self.attempt, of: self.of };
        let command = Command::Settle { id: self.place.id, witness, lease: self.route.lease(), retention, outcome };
        let told_at = now();
        let answer = self.ledger(&self.place).ask(&command, body, Duration::ZERO).await;
        self.deployment.notes.ledger_took(now().since(told_at));
        match answer {
            Ok(Answer::Frame(Reply::Done)) => Told::Stored,
            Ok(Answer::Frame(other)) => {
                self.log("outcome not taken", json!({ "answer": format!("{other:?}") }));
                Told::Refused
            }
            Ok(Answer::ForClient(_) | Answer::Sealed(_) | Answer::Memorable(_)) | Err(_) => {
                self.log("outcome lost", json!({}));
                if let Some(instead) = instead {
                    self.afterwards(instead);
                }
                Told::Lost
            }
        }
    }

    pub(super) fn ledger<'a>(&'a self, place: &'a Place) -> Ledger<'a> {
        Ledger { bindings: &self.deployment.bindings, placement: &self.route.placement, name: &place.ledger }
    }

    pub(super) fn log(&self, event: &str, mut details: serde_json::Value) {
        if let Some(details) = details.as_object_mut() {
            details.insert("route".to_owned(), self.route.name.clone().into());
            details.insert("record".to_owned(), self.place.id.to_string().into());
            details.insert("attempt".to_owned(), self.attempt.to_string().into());
        }
        log::error(event, details);
    }
}
