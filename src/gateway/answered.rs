//! What is done with the origin's answer: kept, passed on, or held in doubt, as its class asks for.

use core::time::Duration;

use oncegate_protocol::headers::{self, Headers};
use oncegate_protocol::outcome::{Class, OriginWishes, Status, classify};
use oncegate_protocol::wire::{SentBody, SentOutcome};
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;

use super::guarded::Attempt;
use crate::origin;
use crate::platform::{
    Bytes, Gathered, Pipe, ReadableStream, Reader, Response, TimeLimit, WritableStream, gather, header_list, reply,
};

impl Attempt {
    /// Does with an answer what its class asks for, and replies.
    pub(super) async fn settle(&self, response: Response, time_limit: &TimeLimit) -> Result<Response, JsValue> {
        let all = header_list(&response.headers())?;
        let wishes = OriginWishes::read(&all);
        let headers = headers::to_client(all);
        match classify(response.status(), wishes.not_to_be_stored, &self.route.outcomes) {
            Class::Store(status) => self.store(response, status, headers, wishes.ttl, Mark::Created, time_limit).await,
            Class::Release => {
                time_limit.lift();
                self.release().await;
                pass_on(&response, headers, "released")
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

    /// Keeps an answer, and replies with it.
    pub(super) async fn store(
        &self,
        response: Response,
        status: Status,
        headers: Headers,
        ttl: Option<Duration>,
        mark: Mark,
        time_limit: &TimeLimit,
    ) -> Result<Response, JsValue> {
        let limit = self.route.max_response;
        let gathered = match gather(response.body().as_ref(), limit).await {
            Ok(gathered) => gathered,
            Err(thrown) => return self.in_doubt(origin::doubt_of_body(&thrown), &thrown).await,
        };
        let kept = headers::to_record(&headers, &self.route.keep_headers);
        let retention = ttl.map_or(self.route.retention(), |ttl| ttl.saturating_add(self.route.guard));
        let completed = |headers, body| SentOutcome::Completed { status, headers, body };
        match gathered {
            Gathered::Whole(bytes) if headers::are_storable(&kept) => {
                let outcome = completed(kept, SentBody::Follows { length: bytes.length() });
                let is_stored = self.tell(outcome, Some(&bytes), retention).await;
                let body = if status.forbids_body() { JsValue::NULL } else { bytes.joined(&[]).into() };
                kept_reply(status, headers, mark, is_stored, &body)
            }
            Gathered::Whole(bytes) => {
                self.log("headers too large to keep", json!({}));
                let is_stored = self.tell(completed(Headers::new(), SentBody::TooLarge), None, retention).await;
                kept_reply(status, headers, mark, is_stored, &bytes.joined(&[]))
            }
            Gathered::More(bytes, rest) => {
                time_limit.lift();
                self.log("body too large to keep", json!({ "limit": limit }));
                let is_stored = self.tell(completed(Headers::new(), SentBody::TooLarge), None, retention).await;
                let body = self.stream(&response, bytes, &rest)?;
                kept_reply(status, headers, mark, is_stored, &body)
            }
        }
    }

    /// What has been read of a body, and then the rest of it as it comes. Where the client hangs up it ends; the record
    /// has been written before.
    fn stream(&self, response: &Response, begun: Bytes, rest: &Reader) -> Result<JsValue, JsValue> {
        rest.release_lock()?;
        let pipe = Pipe::new()?;
        let (readable, writable, body) = (pipe.readable(), pipe.writable(), response.body());
        self.deployment.context.wait_until(async move {
            // Nobody is left to be told of a failure here: the client sees its body break off.
            let _ = pump(begun, body.as_ref(), &writable).await;
        });
        Ok(readable)
    }
}

async fn pump(begun: Bytes, rest: Option<&ReadableStream>, into: &WritableStream) -> Result<(), JsValue> {
    let writer = into.get_writer()?;
    for piece in begun.pieces() {
        JsFuture::from(writer.write(piece)?).await?;
    }
    drop(begun);
    writer.release_lock()?;
    if let Some(rest) = rest {
        JsFuture::from(rest.pipe_to(into)?).await?;
    }
    Ok(())
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
fn kept_reply(
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
