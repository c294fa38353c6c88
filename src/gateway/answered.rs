//! What is done with the origin's answer: kept, passed on, or held in doubt, as its class asks for.

use core::time::Duration;

use oncegate_protocol::headers::{self, Headers};
use oncegate_protocol::keeping::Keeping;
use oncegate_protocol::outcome::{Class, OriginWishes, Status, classify};
use oncegate_protocol::seal::SealKey;
use oncegate_protocol::wire::SentBody;
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use super::Deployment;
use super::guarded::Attempt;
use crate::origin;
use crate::platform::{
    Bytes, Gathered, Pipe, ReadableStream, Response, TimeLimit, WritableStream, gather, header_list, pipe, reply,
};

/// An answer that is to be kept, whose body has yet to come.
pub(super) struct Answer {
    pub(super) status: Status,
    /// As the first caller gets them.
    pub(super) headers: Headers,
    /// How long the body is to be, if the origin says so.
    pub(super) announced_length: Option<u64>,
    pub(super) kept: Keeping,
    /// What its body is sealed with.
    pub(super) sealed_by: Option<&'static SealKey>,
    pub(super) retention: Duration,
}

impl Attempt {
    /// Does with an answer to a request of this method what its class asks for, and replies.
    pub(super) async fn settle(
        &self,
        response: Response,
        method: &str,
        time_limit: TimeLimit,
    ) -> Result<Response, JsValue> {
        let all = header_list(&response.headers())?;
        let wishes = OriginWishes::read(&all);
        match classify(response.status(), wishes.not_to_be_stored, &self.route.outcomes) {
            Class::Store(status) => {
                let answer = self.answer(status, all, wishes.ttl, method);
                match response.body().filter(|_| headers::has_body(method)) {
                    Some(body) if self.route.reply.streams(status) => self.store_early(body, answer, time_limit),
                    body => self.store(body.as_ref(), answer, Mark::Created, &time_limit).await,
                }
            }
            Class::Release => {
                time_limit.lift();
                self.release().await;
                pass_on(&response, headers::to_client(all, method), "released")
            }
            Class::Unknown(doubt) => {
                if let Some(body) = response.body() {
                    // The client gets a problem in its place.
                    let _ = body.cancel();
                }
                self.in_doubt(doubt, &JsValue::from_str("the origin's status")).await
            }
        }
    }

    /// An answer that is to be kept, by its head and the method that it answers.
    pub(super) fn answer(&self, status: Status, head: Headers, ttl: Option<Duration>, method: &str) -> Answer {
        let announced_length = headers::announced_length(&head, method);
        let headers = headers::to_client(head, method);
        let kept = Keeping::new(status, &headers, announced_length, &self.route.keep_headers);
        let retention = ttl.map_or(self.route.retention(), |ttl| ttl.saturating_add(self.route.guard));
        let sealed_by = self.route.seal_for(method, status);
        Answer { status, headers, announced_length, kept, sealed_by, retention }
    }

    /// Keeps an answer, and replies with it.
    pub(super) async fn store(
        &self,
        body: Option<&ReadableStream>,
        answer: Answer,
        mark: Mark,
        time_limit: &TimeLimit,
    ) -> Result<Response, JsValue> {
        let limit = answer.kept.body_limit(self.route.max_response);
        let gathered = match gather(body, limit).await {
            Ok(gathered) => gathered,
            Err(thrown) => return self.in_doubt(origin::doubt_of_body(&thrown), &thrown).await,
        };
        match gathered {
            Gathered::Whole(bytes) => {
                let bytes = bytes.whole();
                let is_stored = self.tell_answer(&answer, Some(&bytes)).await;
                let body = if answer.status.forbids_body() { JsValue::NULL } else { bytes.joined(&[]).into() };
                kept_reply(answer.status, answer.headers, mark, is_stored, &body)
            }
            Gathered::More(bytes, rest) => {
                time_limit.lift();
                let is_stored = self.tell_answer(&answer, None).await;
                let body = stream(&self.deployment, bytes, rest, &pipe(answer.announced_length)?);
                kept_reply(answer.status, answer.headers, mark, is_stored, &body)
            }
        }
    }

    /// Brings an answer to the ledger, with its body if that is whole, and says whether it is durable.
    pub(super) async fn tell_answer(&self, answer: &Answer, body: Option<&Bytes>) -> bool {
        let (sent, body) = match body {
            Some(body) => self.for_record(answer, body).await,
            None => (SentBody::TooLarge, None),
        };
        let outcome = answer.kept.outcome(sent);
        if outcome.is_too_large() {
            self.log("answer not kept", json!({ "limit": self.route.max_response }));
            return self.tell(outcome, None, answer.retention).await;
        }
        self.tell(outcome, body, answer.retention).await
    }
}

/// What has been read of a body, and then the rest of it as it comes, through this pipe. Where the client hangs up it ends;
/// the record has been written before.
pub(super) fn stream(deployment: &Deployment, begun: Bytes, rest: ReadableStream, through: &Pipe) -> JsValue {
    let (readable, writable) = (through.readable(), through.writable());
    deployment.context.wait_until(async move {
        // Nobody is left to be told of a failure here: the client sees its body break off.
        let _ = pump(begun, &rest, &writable).await;
    });
    readable
}

async fn pump(begun: Bytes, rest: &ReadableStream, into: &WritableStream) -> Result<(), JsValue> {
    let writer = into.get_writer()?;
    for piece in begun.pieces() {
        JsFuture::from(writer.write(piece)?).await?;
    }
    drop(begun);
    writer.release_lock()?;
    JsFuture::from(rest.pipe_to(into)?).await.map(|_| ())
}

/// What an answer is that is kept.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    /// The origin has just executed.
    Created,
    /// It has executed before, as it said when it was asked.
    Probed,
}

/// An answer that is marked by what it is, and by whether its record is durable.
pub(super) fn kept_reply(
    status: Status,
    mut headers: Headers,
    mark: Mark,
    is_stored: bool,
    body: &JsValue,
) -> Result<Response, JsValue> {
    match mark {
        Mark::Probed => headers::mark_replayed(&mut headers),
        Mark::Created if is_stored => headers::mark(&mut headers, "created"),
        Mark::Created => headers::mark(&mut headers, "not-stored"),
    }
    reply(status.as_u16(), &headers, body)
}

/// An answer whose body goes on as it comes.
pub(super) fn pass_on(response: &Response, headers: Headers, mark: &str) -> Result<Response, JsValue> {
    let body = response.body().map_or(JsValue::NULL, JsValue::from);
    marked_reply(response.status(), headers, mark, &body)
}

fn marked_reply(status: u16, mut headers: Headers, mark: &str, body: &JsValue) -> Result<Response, JsValue> {
    headers::mark(&mut headers, mark);
    reply(status, &headers, body)
}
