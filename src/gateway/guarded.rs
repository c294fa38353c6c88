//! The third step: claim the key, call the origin, say how it ended, reply.

use core::time::Duration;
use std::rc::Rc;

use oncegate_protocol::config::Route;
use oncegate_protocol::deadline::may_call_origin;
use oncegate_protocol::headers::{self, AttemptHeaders, Headers};
use oncegate_protocol::ids::{AttemptId, RecordId};
use oncegate_protocol::outcome::{Class, Doubt, OriginWishes, Status, classify};
use oncegate_protocol::problem::Problem;
use oncegate_protocol::record::Claim;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{Command, Reply, SentBody, SentOutcome};
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use super::body::GuardedRequest;
use super::ledger_calls::{Answer, Ledger};
use super::{Deployment, replies};
use crate::platform::{
    Bytes, Gathered, IdentityTransformStream, OutgoingRequest, ReadableStream, Reader, Response, WritableStream,
    describe, gather, header_list, now, reply,
};
use crate::{log, origin, platform};

/// One attempt to execute a guarded request.
struct Attempt<'a> {
    deployment: &'a Deployment,
    ledger: Ledger<'a>,
    route: &'static Route,
    id: RecordId,
    attempt: AttemptId,
}

/// The right to call the origin.
struct Grant {
    number: u32,
    lease_until: Timestamp,
    /// When the claim that led to it was sent.
    begun_at: Timestamp,
}

/// Carries a guarded request out, from its claim to its reply.
pub(super) async fn execute(deployment: Rc<Deployment>, request: GuardedRequest) -> Result<Response, JsValue> {
    let (id, route) = (request.identity.id, request.identity.route);
    let attempt = Attempt {
        deployment: &deployment,
        ledger: Ledger { deployment: &deployment, route, name: route.ledger(&id) },
        route,
        id,
        attempt: platform::new_attempt()?,
    };
    match attempt.begin(&request).await {
        Begun::Granted(grant) => attempt.run(request, &grant).await,
        Begun::Answered(response) => Ok(response),
        Begun::Failed => {
            // The claim may have arrived after all. Nobody will use it.
            attempt.release().await;
            replies::problem(&Problem::unavailable())
        }
        Begun::Refused => replies::problem(&Problem::unavailable()),
    }
}

/// What came of a begin.
enum Begun {
    Granted(Grant),
    Answered(Response),
    /// No answer that could be understood.
    Failed,
    /// The ledger will not serve this record.
    Refused,
}

impl Attempt<'_> {
    async fn begin(&self, request: &GuardedRequest) -> Begun {
        let arrived_at = now();
        loop {
            let begun_at = now();
            let wait = self.route.wait().saturating_sub(begun_at.since(arrived_at));
            let claim = Claim {
                attempt: self.attempt,
                fingerprint: request.identity.fingerprint,
                lease: self.route.lease(),
                retention: self.route.retention(),
                on_unknown: self.route.on_unknown,
            };
            let command = Command::Begin { id: self.id, claim, wait };
            match self.ledger.ask(&command, None, wait).await {
                Some(Answer::ForClient(response)) => return Begun::Answered(response),
                Some(Answer::Frame(Reply::Forward { number, lease_until })) => {
                    return Begun::Granted(Grant { number, lease_until, begun_at });
                }
                // Only a begin that waited is told so, and what is left of the wait shrinks.
                Some(Answer::Frame(Reply::Again)) => {}
                Some(Answer::Frame(other)) => {
                    self.log("ledger refused", json!({ "answer": format!("{other:?}") }));
                    return Begun::Refused;
                }
                None => return Begun::Failed,
            }
        }
    }

    /// Calls the origin and brings its answer to the ledger.
    async fn run(&self, request: GuardedRequest, grant: &Grant) -> Result<Response, JsValue> {
        if !may_call_origin(now().since(grant.begun_at), self.route.timeout, self.route.lease()) {
            self.log("too late to call the origin", json!({}));
            self.release().await;
            return replies::problem(&Problem::unavailable());
        }
        let headers = headers::to_origin(
            request.headers,
            &AttemptHeaders {
                key: &request.identity.key,
                number: grant.number,
                fence: self.attempt,
                deadline: grant.lease_until,
            },
        );
        let outgoing = OutgoingRequest {
            method: &request.method,
            headers: &headers,
            body: request.body.map(|body| body.joined(&[])),
            timeout: self.route.timeout,
        };
        match origin::call(self.deployment.config, &self.deployment.bindings, &request.url, outgoing).await {
            Ok(response) => self.settle(response).await,
            Err((doubt, thrown)) => {
                self.log("origin failed", json!({ "reason": describe(&thrown) }));
                self.in_doubt(doubt).await
            }
        }
    }

    /// Does with an answer of the origin's what its class asks for.
    async fn settle(&self, response: Response) -> Result<Response, JsValue> {
        let all = header_list(&response.headers())?;
        let wishes = OriginWishes::read(&all);
        let headers = headers::to_client(all);
        match classify(response.status(), wishes.not_to_be_stored, &self.route.outcomes) {
            Class::Store(status) => self.store(response, status, headers, wishes.ttl).await,
            Class::Release => {
                self.release().await;
                let body = response.body().map_or(JsValue::NULL, JsValue::from);
                marked_reply(response.status(), headers, "released", &body)
            }
            Class::Unknown(doubt) => {
                if let Some(body) = response.body() {
                    // The client gets a problem in its place.
                    let _ = body.cancel();
                }
                self.in_doubt(doubt).await
            }
        }
    }

    /// Keeps an answer, and replies with it.
    async fn store(
        &self,
        response: Response,
        status: Status,
        headers: Headers,
        ttl: Option<Duration>,
    ) -> Result<Response, JsValue> {
        let limit = self.route.max_response;
        let gathered = match gather(response.body().as_ref(), limit).await {
            Ok(gathered) => gathered,
            Err(thrown) => {
                self.log("answer broke off", json!({ "reason": describe(&thrown) }));
                return self.in_doubt(Doubt::BodyCut).await;
            }
        };
        let kept = headers::to_record(&headers, &self.route.keep_headers);
        let retention = ttl.map_or(self.route.retention(), |ttl| ttl.saturating_add(self.route.guard));
        let completed = |headers, body| SentOutcome::Completed { status, headers, body };
        match gathered {
            Gathered::Whole(bytes) if headers::are_storable(&kept) => {
                let outcome = completed(kept, SentBody::Follows { length: bytes.length() });
                let is_stored = self.tell(outcome, Some(&bytes), retention).await;
                let body = if status.forbids_body() { JsValue::NULL } else { bytes.joined(&[]).into() };
                marked_reply(status.as_u16(), headers, created(is_stored), &body)
            }
            Gathered::Whole(bytes) => {
                self.log("headers too large to keep", json!({}));
                let is_stored = self.tell(completed(Headers::new(), SentBody::TooLarge), None, retention).await;
                marked_reply(status.as_u16(), headers, created(is_stored), &bytes.joined(&[]))
            }
            Gathered::More(bytes, rest) => {
                self.log("body too large to keep", json!({ "limit": limit }));
                let is_stored = self.tell(completed(kept, SentBody::TooLarge), None, retention).await;
                let body = self.stream(&response, bytes, &rest)?;
                marked_reply(status.as_u16(), headers, created(is_stored), &body)
            }
        }
    }

    /// What has been read of a body, and then the rest of it as it comes. Where the client hangs up it ends; the record
    /// has been written before.
    fn stream(&self, response: &Response, begun: Bytes, rest: &Reader) -> Result<JsValue, JsValue> {
        rest.release_lock()?;
        let pipe = IdentityTransformStream::new()?;
        let (readable, writable, body) = (pipe.readable(), pipe.writable(), response.body());
        self.deployment.context.wait_until(async move {
            // Nobody is left to be told of a failure here: the client sees its body break off.
            let _ = pump(&begun, body.as_ref(), &writable).await;
        });
        Ok(readable)
    }

    async fn in_doubt(&self, doubt: Doubt) -> Result<Response, JsValue> {
        self.tell(SentOutcome::Doubted(doubt), None, self.route.retention()).await;
        replies::problem(&Problem::unknown(doubt))
    }

    async fn release(&self) {
        self.tell(SentOutcome::Released, None, self.route.retention()).await;
    }

    /// Brings an outcome to the ledger, and says whether it is durable. Where it is not, the lease will end and leave the
    /// outcome unknown, which is safe.
    async fn tell(&self, outcome: SentOutcome, body: Option<&Bytes>, retention: Duration) -> bool {
        let command = Command::Settle { id: self.id, attempt: self.attempt, retention, outcome };
        match self.ledger.ask(&command, body, Duration::ZERO).await {
            Some(Answer::Frame(Reply::Done)) => true,
            Some(Answer::Frame(other)) => {
                self.log("outcome not taken", json!({ "answer": format!("{other:?}") }));
                false
            }
            Some(Answer::ForClient(_)) | None => {
                self.log("outcome lost", json!({}));
                false
            }
        }
    }

    fn log(&self, event: &str, mut details: serde_json::Value) {
        if let Some(details) = details.as_object_mut() {
            details.insert("route".to_owned(), self.route.name.clone().into());
            details.insert("record".to_owned(), self.id.to_string().into());
            details.insert("attempt".to_owned(), self.attempt.to_string().into());
        }
        log::error(event, details);
    }
}

async fn pump(begun: &Bytes, rest: Option<&ReadableStream>, into: &WritableStream) -> Result<(), JsValue> {
    let writer = into.get_writer()?;
    for piece in begun.pieces() {
        JsFuture::from(writer.write(piece)?).await?;
    }
    writer.release_lock()?;
    if let Some(rest) = rest {
        JsFuture::from(rest.pipe_to(into)?).await?;
    }
    Ok(())
}

/// How an answer is marked that executed just now, by whether its record is durable.
fn created(is_stored: bool) -> &'static str {
    if is_stored { "created" } else { "not-stored" }
}

fn marked_reply(status: u16, mut headers: Headers, mark: &str, body: &JsValue) -> Result<Response, JsValue> {
    headers.push((headers::STATUS.to_owned(), mark.to_owned()));
    reply(status, &headers, body)
}
