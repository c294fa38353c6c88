//! What is done with the origin's answer: kept, passed on, or held in doubt, as its class asks for.

use core::time::Duration;

use oncegate_protocol::headers::{self, Headers};
use oncegate_protocol::keeping::Keeping;
use oncegate_protocol::outcome::{Class, OriginWishes, Status, classify};
use oncegate_protocol::seal::SealKey;
use oncegate_protocol::wire::SentBody;
use serde_json::json;
use wasm_bindgen::JsValue;

use super::Deployment;
use super::guarded::{Attempt, Told};
use crate::origin;
use crate::platform::{
    Arrived, Bytes, Gathered, Pipe, ReadableStream, Response, TimeLimit, WritableStream, aside, discard, gather, now,
    pipe, reply, settled,
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
        arrived: Arrived,
        method: &str,
        time_limit: TimeLimit,
    ) -> Result<Response, JsValue> {
        let Arrived { response, headers: all } = arrived;
        let wishes = OriginWishes::read(&all);
        match classify(response.status(), wishes.not_to_be_stored, &self.route.outcomes) {
            Class::Store(status) => {
                let answer = self.answer(status, all, wishes.ttl, method);
                let body = || response.body().filter(|_| headers::has_body(method));
                if self.route.reply.streams(status)
                    && let Some(body) = body()
                {
                    return self.store_early(body, answer, time_limit);
                }
                self.store(&response, method, answer, time_limit).await
            }
            Class::Release => {
                aside(self.release()).await;
                pass_on(&response, headers::to_client(all, method), "released")
            }
            Class::Unknown(doubt) => {
                // The client gets a problem in its place.
                discard(response.body());
                aside(self.in_doubt(doubt, &JsValue::from_str("the origin's status"))).await
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
    async fn store(
        &self,
        response: &Response,
        method: &str,
        answer: Answer,
        time_limit: TimeLimit,
    ) -> Result<Response, JsValue> {
        let known_at = now();
        let (kept, body) = match self.keep_answer(response, method, &answer, time_limit).await {
            Ok(kept) => kept,
            Err(thrown) => return aside(self.in_doubt(origin::doubt_of_body(&thrown), &thrown)).await,
        };
        if matches!(kept, Kept::Whole) {
            self.remember_answer(&answer, &body, known_at);
        }
        let mark = match kept {
            Kept::Whole | Kept::WithoutBody => "created",
            Kept::Refused | Kept::Lost => "not-stored",
        };
        marked_reply(answer.status.as_u16(), answer.headers, mark, &body)
    }

    /// Reads the body of an answer to this method and brings both to the ledger. Gives what came of it, and the body for the client.
    ///
    /// # Errors
    /// What the body failed with.
    pub(super) async fn keep_answer(
        &self,
        response: &Response,
        method: &str,
        answer: &Answer,
        time_limit: TimeLimit,
    ) -> Result<(Kept, JsValue), JsValue> {
        let (limit, announced) = (answer.kept.body_limit(self.route.max_response), answer.announced_length);
        let body = response.body().filter(|_| headers::has_body(method));
        match gather(body.as_ref(), limit, announced, Some(time_limit.left())).await? {
            Gathered::Whole(bytes) => {
                check_length(answer, &bytes)?;
                let kept = self.tell_answer(answer, Some(&bytes)).await;
                let body = if answer.status.forbids_body() { JsValue::NULL } else { bytes.joined(&[]).into() };
                Ok((kept, body))
            }
            Gathered::More(bytes, rest) => {
                let kept = self.tell_answer(answer, None).await;
                Ok((kept, stream(&self.deployment, bytes, rest, &pipe(answer.announced_length)?)))
            }
        }
    }

    /// Brings an answer to the ledger whose body has been read beside its way to the client: whole, or not, where it is too large; or says
    /// what that leaves in doubt.
    pub(super) async fn tell_read(&self, answer: &Answer, read: Result<Option<Bytes>, JsValue>) {
        let checked =
            read.and_then(|whole| whole.as_ref().map_or(Ok(()), |whole| check_length(answer, whole)).map(|()| whole));
        match checked {
            Ok(whole) => {
                self.tell_answer(answer, whole.as_ref()).await;
            }
            Err(thrown) => self.doubted(origin::doubt_of_body(&thrown), &thrown).await,
        }
    }

    /// Brings an answer to the ledger, with its body if that is whole.
    pub(super) async fn tell_answer(&self, answer: &Answer, body: Option<&Bytes>) -> Kept {
        let (sent, body) = match body {
            Some(body) => self.for_record(answer, body).await,
            None => (SentBody::TooLarge, None),
        };
        let outcome = answer.kept.outcome(sent);
        let is_too_large = outcome.is_too_large();
        if is_too_large {
            self.log("answer not kept", json!({ "limit": self.route.max_response }));
        }
        match self.tell(outcome, body.filter(|_| !is_too_large), answer.retention).await {
            Told::Stored if is_too_large => Kept::WithoutBody,
            Told::Stored => Kept::Whole,
            Told::Refused => Kept::Refused,
            Told::Lost => Kept::Lost,
        }
    }
}

/// What came of keeping an answer.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// It is on record, durably.
    Whole,
    /// It is on record, durably, that the origin executed; but not its answer.
    WithoutBody,
    /// The record says something else.
    Refused,
    /// That is not known.
    Lost,
}

/// That a body is as long as it was announced.
///
/// # Errors
/// Where it is not: then it broke off, though nothing said so.
fn check_length(answer: &Answer, body: &Bytes) -> Result<(), JsValue> {
    if answer.kept.broke_off(body.length()) {
        return Err(JsValue::from_str("the body is not as long as the origin has announced"));
    }
    Ok(())
}

/// What has been read of a body, and then the rest of it as it comes, through this pipe. Where the client hangs up it ends;
/// the record has been written before.
fn stream(deployment: &Deployment, begun: Bytes, rest: ReadableStream, through: &Pipe) -> JsValue {
    let (readable, writable) = (through.readable(), through.writable());
    deployment.afterwards(async move {
        // Nobody is left to be told of a failure here: the client sees its body break off.
        let _ = pump(begun, &rest, &writable).await;
    });
    readable
}

async fn pump(begun: Bytes, rest: &ReadableStream, into: &WritableStream) -> Result<(), JsValue> {
    let writer = into.get_writer()?;
    for piece in begun.pieces() {
        settled(writer.write(piece)?).await?;
    }
    drop(begun);
    writer.release_lock()?;
    settled(rest.pipe_to(into)?).await.map(|_| ())
}

/// An answer whose body goes on as it comes.
pub(super) fn pass_on(response: &Response, headers: Headers, mark: &str) -> Result<Response, JsValue> {
    let body = response.body().map_or(JsValue::NULL, JsValue::from);
    marked_reply(response.status(), headers, mark, &body)
}

pub(super) fn marked_reply(status: u16, mut headers: Headers, mark: &str, body: &JsValue) -> Result<Response, JsValue> {
    headers::mark(&mut headers, mark);
    reply(status, &headers, body)
}
