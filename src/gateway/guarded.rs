//! The third step: claim the key, call the origin, say how it ended, reply.

use core::time::Duration;
use std::rc::Rc;

use oncegate_protocol::config::{OnLedgerFailure, Route};
use oncegate_protocol::deadline::may_call_origin;
use oncegate_protocol::headers::{self, AttemptHeaders};
use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::record::{Claim, Counting, Layout, OnUnknown};
use oncegate_protocol::request::Place;
use oncegate_protocol::retry::Failure;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{Command, Reply, SentOutcome};
use serde_json::json;
use wasm_bindgen::JsValue;

use super::body::{GuardedRequest, UNSENDABLE};
use super::decoded::as_accepted;
use super::ledger_calls::{Answer, Ledger};
use super::probe::{Probed, Question};
use super::{Deployment, replies};
use crate::platform::{Bytes, OutgoingRequest, Request, Response, TimeLimit, describe, now};
use crate::{log, origin, platform};

/// One attempt to execute a guarded request.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) deployment: Rc<Deployment>,
    pub(super) route: &'static Route,
    /// Where its record is.
    place: Place,
    attempt: AttemptId,
}

/// The right to call the origin.
pub(super) struct Grant {
    number: u32,
    lease_until: Timestamp,
    /// When the claim that led to it was sent.
    begun_at: Timestamp,
}

/// Carries a guarded request out, from its claim to its reply.
pub(super) async fn execute(deployment: Rc<Deployment>, request: GuardedRequest) -> Result<Response, JsValue> {
    let arrived_at = now();
    let (attempt, begun) = begin(&deployment, &request, request.identity.on_unknown(), arrived_at).await?;
    let Begun::Asked(question) = begun else { return attempt.go_on(begun, request).await };
    match attempt.probe(&request, &question).await? {
        Probed::Replied(response) => Ok(response),
        Probed::NotExecuted => {
            // The key is free. Whoever has taken it in between is not asked about again.
            let (attempt, begun) = begin(&deployment, &request, OnUnknown::Hold, arrived_at).await?;
            attempt.go_on(begun, request).await
        }
    }
}

/// Begins an attempt where the record is: in the previous layout of its route, or in the current one.
async fn begin(
    deployment: &Rc<Deployment>,
    request: &GuardedRequest,
    on_unknown: OnUnknown,
    arrived_at: Timestamp,
) -> Result<(Attempt, Begun), JsValue> {
    let route = request.identity.route;
    let attempt = platform::new_attempt()?;
    let at = |place: &Place| Attempt { deployment: Rc::clone(deployment), route, place: place.clone(), attempt };
    let claim = |layout| Claim {
        attempt,
        fingerprint: request.identity.fingerprint,
        lease: route.lease(),
        retention: route.retention(),
        on_unknown,
        layout,
        max_records: route.max_records,
        counting: if request.identity.counted_at.is_some() { Counting::Due } else { Counting::Done },
    };
    if let Some(previous) = request.identity.previous.as_ref().map(at) {
        match previous.begin(request, claim(Layout::Previous { next: route.layout.id() }), arrived_at).await {
            Begun::Moved => {}
            begun => return Ok((previous, begun)),
        }
    }
    let current = at(&request.identity.place);
    let begun = current.begin(request, claim(Layout::Current), arrived_at).await;
    Ok((current, begun))
}

/// What came of a begin.
enum Begun {
    Granted(Grant),
    /// The origin is to be asked what became of another attempt.
    Asked(Question),
    Answered(Response),
    /// The key is kept in the next layout.
    Moved,
    /// No answer: the claim may have been taken or not.
    Lost,
    /// The ledger, or the record, does not serve.
    Failed,
    /// There is no room for a new key.
    Full,
    /// The scope has used all its new keys, for this time to come.
    Exhausted(Duration),
    /// The claim may not be taken.
    Refused,
}

/// What came of counting a new key.
enum Counted {
    Granted,
    Exhausted(Duration),
    Failed,
}

impl Attempt {
    /// Asks for the right to call the origin. What is left of the wait is counted from `arrived_at`.
    async fn begin(&self, request: &GuardedRequest, mut claim: Claim, arrived_at: Timestamp) -> Begun {
        loop {
            let begun_at = now();
            let wait = self.route.wait().saturating_sub(begun_at.since(arrived_at));
            let command = Command::Begin { id: self.place.id, claim, wait };
            match self.ledger(&self.place).ask(&command, None, wait).await {
                Ok(Answer::ForClient(response)) => return Begun::Answered(response),
                Ok(Answer::Frame(Reply::Forward { number, lease_until })) => {
                    return Begun::Granted(Grant { number, lease_until, begun_at });
                }
                Ok(Answer::Frame(Reply::Probe { fence, number, doubt })) => {
                    return Begun::Asked(Question { fence, number, doubt, begun_at });
                }
                Ok(Answer::Frame(Reply::Moved)) => return Begun::Moved,
                // Only a begin that waited is told so, and what is left of the wait shrinks.
                Ok(Answer::Frame(Reply::Again)) => {}
                Ok(Answer::Frame(Reply::Count)) => match self.count(request).await {
                    Counted::Granted => claim.counting = Counting::Done,
                    Counted::Exhausted(left) => return Begun::Exhausted(left),
                    Counted::Failed => return Begun::Failed,
                },
                Ok(Answer::Frame(Reply::Full)) => return Begun::Full,
                Ok(Answer::Frame(Reply::Unreadable)) => {
                    self.log("ledger does not serve", json!({}));
                    return Begun::Failed;
                }
                // Also what only a ledger of another version can have meant: it has the records, and they may be read again.
                Ok(Answer::Frame(
                    other @ (Reply::Stale
                    | Reply::Done
                    | Reply::Exhausted { .. }
                    | Reply::Elsewhere
                    | Reply::NotUnderstood),
                )) => {
                    self.log("claim refused", json!({ "answer": format!("{other:?}") }));
                    return Begun::Refused;
                }
                Err(Failure::Lost) => return Begun::Lost,
                Err(Failure::Overloaded) => return Begun::Failed,
            }
        }
    }

    /// Counts a new key where those of its scope are counted.
    async fn count(&self, request: &GuardedRequest) -> Counted {
        let (Some(place), Some(quota)) = (&request.identity.counted_at, self.route.keys_per_scope) else {
            return Counted::Granted;
        };
        let retention = self.route.retention();
        let command = Command::Count { id: place.id, attempt: self.attempt, quota, retention };
        match self.ledger(place).ask(&command, None, Duration::ZERO).await {
            Ok(Answer::Frame(Reply::Done)) => Counted::Granted,
            Ok(Answer::Frame(Reply::Exhausted { left })) => Counted::Exhausted(left),
            Ok(_) | Err(_) => Counted::Failed,
        }
    }

    async fn go_on(&self, begun: Begun, request: GuardedRequest) -> Result<Response, JsValue> {
        match begun {
            Begun::Granted(grant) => return self.run(request, &grant).await,
            Begun::Answered(response) => return as_accepted(&self.deployment, response, &request.headers).await,
            Begun::Lost if self.route.on_ledger_failure == OnLedgerFailure::Pass => {
                // The claim may have been taken after all. Then its outcome is what the record must not claim to know.
                self.afterwards(SentOutcome::Doubted(Doubt::NotRecorded));
                return self.pass_unguarded(request).await;
            }
            Begun::Failed | Begun::Full if self.route.on_ledger_failure == OnLedgerFailure::Pass => {
                return self.pass_unguarded(request).await;
            }
            // The claim may have arrived after all, or yet arrive. Nobody will use it.
            Begun::Lost => self.afterwards(SentOutcome::Released),
            Begun::Full => return replies::problem(&Problem::full()),
            Begun::Exhausted(left) => return replies::problem(&Problem::limited(left)),
            Begun::Asked(_) | Begun::Moved | Begun::Failed | Begun::Refused => {}
        }
        replies::problem(&Problem::unavailable())
    }

    /// Tells the ledger an outcome for which the client need not wait.
    fn afterwards(&self, outcome: SentOutcome) {
        let attempt = self.clone();
        self.deployment.context.wait_until(async move {
            attempt.tell(outcome, None, attempt.route.retention()).await;
        });
    }

    /// Calls the origin and brings its answer to the ledger.
    async fn run(&self, request: GuardedRequest, grant: &Grant) -> Result<Response, JsValue> {
        if !may_call_origin(now().since(grant.begun_at), self.route.timeout, self.route.lease()) {
            self.log("too late to call the origin", json!({}));
            self.release().await;
            return replies::problem(&Problem::unavailable());
        }
        let time_limit = TimeLimit::begin(self.route.timeout);
        let outgoing = match self.prepare(request, Some(grant), &time_limit) {
            Ok(outgoing) => outgoing,
            Err(thrown) => {
                self.log("request cannot be sent", json!({ "reason": describe(&thrown) }));
                self.release().await;
                return replies::problem(&Problem::malformed(UNSENDABLE));
            }
        };
        match origin::call(&self.deployment.bindings, &outgoing).await {
            Ok(response) => self.settle(response, time_limit).await,
            Err(thrown) => self.in_doubt(origin::doubt(&thrown), &thrown).await,
        }
    }

    /// The request for the origin; without a grant, one that says nothing of an attempt. Nothing is sent yet.
    pub(super) fn prepare(
        &self,
        request: GuardedRequest,
        grant: Option<&Grant>,
        time_limit: &TimeLimit,
    ) -> Result<Request, JsValue> {
        let needed = self.route.headers();
        let headers = match grant {
            None => headers::to_origin_unguarded(request.headers, &needed),
            Some(grant) => {
                let about_attempt = AttemptHeaders {
                    key: &request.identity.key,
                    number: grant.number,
                    fence: self.attempt,
                    deadline: grant.lease_until,
                };
                headers::to_origin(request.headers, &needed, &about_attempt)
            }
        };
        let body = request.body.map(|body| body.joined(&[]));
        let outgoing = OutgoingRequest { method: &request.method, headers: &headers, body };
        outgoing.to(&origin::address(self.deployment.config, &request.url), time_limit)
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

    /// Brings an outcome to the ledger, and says whether it is durable. Where it is not, the lease will end and leave the
    /// outcome unknown, which is safe.
    pub(super) async fn tell(&self, outcome: SentOutcome, body: Option<&Bytes>, retention: Duration) -> bool {
        let instead = outcome.instead();
        let command = Command::Settle { id: self.place.id, attempt: self.attempt, retention, outcome };
        match self.ledger(&self.place).ask(&command, body, Duration::ZERO).await {
            Ok(Answer::Frame(Reply::Done)) => true,
            Ok(Answer::Frame(other)) => {
                self.log("outcome not taken", json!({ "answer": format!("{other:?}") }));
                false
            }
            Ok(Answer::ForClient(_)) | Err(_) => {
                self.log("outcome lost", json!({}));
                if let Some(instead) = instead {
                    self.afterwards(instead);
                }
                false
            }
        }
    }

    fn ledger<'a>(&'a self, place: &'a Place) -> Ledger<'a> {
        Ledger { deployment: &self.deployment, route: self.route, name: &place.ledger }
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
