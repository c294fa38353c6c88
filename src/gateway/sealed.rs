//! Sealed bodies: sealed before the ledger gets them, and opened when it gives them back.

use core::time::Duration;

use js_sys::Uint8Array;
use oncegate_protocol::headers;
use oncegate_protocol::outcome::Status;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::seal::{self, Seal, SealKey, Segment, Unopenable};
use oncegate_protocol::wire::SentBody;
use serde_json::json;
use wasm_bindgen::JsValue;

use super::answered::Answer;
use super::guarded::Attempt;
use super::replies;
use crate::ledger_calls::SealedAnswer;
use crate::platform::{
    Bytes, Cipher, Reader, Response, WritableStream, aside, at_least, describe, header_list, pipe, reply, settled,
};
use crate::sealing;

/// Why a segment was not opened.
enum Failure {
    /// It did not come. Another try may bring it.
    Lost(JsValue),
    /// No try will open it.
    Unopenable(Unopenable),
}

impl From<JsValue> for Failure {
    fn from(thrown: JsValue) -> Self {
        Self::Lost(thrown)
    }
}

impl From<Unopenable> for Failure {
    fn from(reason: Unopenable) -> Self {
        Self::Unopenable(reason)
    }
}

impl Attempt {
    /// A body as the record is to keep it: sealed, if the route wants that. One that cannot be sealed is not kept at all.
    pub(super) async fn for_record(&self, answer: &Answer, body: &Bytes) -> (SentBody, Option<Bytes>) {
        let sealed_by = answer.sealed_by;
        let kept = match sealed_by {
            Some(key) => {
                aside(sealing::seal(key, self.attempt, &self.place.id, answer.status, &body.joined(&[]))).await
            }
            None => Ok(body.clone()),
        };
        match kept {
            Ok(kept) => {
                (SentBody::Follows { length: kept.length(), sealed_by: sealed_by.map(SealKey::id) }, Some(kept))
            }
            Err(thrown) => {
                self.log("body cannot be sealed", json!({ "reason": describe(&thrown) }));
                (SentBody::TooLarge, None)
            }
        }
    }

    /// Opens a stored answer for the client. Its request was executed, so whatever comes of it, the origin is not called.
    pub(super) async fn open(&self, answer: SealedAnswer) -> Result<Response, JsValue> {
        let (Some(status), Some(body)) = (Status::new(answer.response.status()), answer.response.body()) else {
            return replies::problem(&Problem::unavailable());
        };
        let reader = body.byob_reader()?;
        match self.begin_to_open(&answer, &reader, status).await {
            Ok(body) => {
                let headers = headers::of_opened(header_list(&answer.response.headers())?);
                reply(status.as_u16(), &headers, &body)
            }
            Err(failure) => {
                // The rest is not wanted; where it cannot be cancelled the platform discards it.
                let _ = reader.cancel();
                self.log_failure(&answer.seal, &failure);
                replies::problem(&match failure {
                    Failure::Lost(_) => Problem::unavailable(),
                    Failure::Unopenable(_) => Problem::not_stored(status),
                })
            }
        }
    }

    /// The plain body: whole, or as a stream of known length whose first segment has been opened.
    async fn begin_to_open(&self, answer: &SealedAnswer, reader: &Reader, status: Status) -> Result<JsValue, Failure> {
        let seal = &answer.seal;
        let (key, segments) = seal.opening(&self.deployment.config.seal_keys)?;
        let cipher = sealing::cipher(key, seal.attempt, &self.place.id).await?;
        let opener = Opener { reader: reader.clone(), cipher, status };
        let (first, rest) = segments.split_first();
        let first = opener.next(&first, Some(answer.patience)).await?;
        if segments.count() == 1 {
            return Ok(first.into());
        }
        let pipe = pipe(Some(segments.plain_length().into()))?;
        let (attempt, seal, writable) = (self.clone(), *seal, pipe.writable());
        self.deployment.afterwards(async move {
            if let Err(failure) = opener.send(first, rest, &writable).await {
                attempt.log_failure(&seal, &failure);
            }
            let _ = opener.reader.cancel();
        });
        Ok(pipe.readable())
    }

    fn log_failure(&self, seal: &Seal, failure: &Failure) {
        let (event, reason) = match failure {
            Failure::Lost(thrown) => ("sealed body lost", describe(thrown)),
            Failure::Unopenable(reason) => ("sealed body cannot be opened", reason.to_string()),
        };
        self.log(event, json!({ "reason": reason, "sealed_by_attempt": seal.attempt.to_string() }));
    }
}

/// Opens a body segment by segment.
struct Opener {
    reader: Reader,
    cipher: Cipher,
    status: Status,
}

impl Opener {
    /// Reads the next segment, which must be this one, within this time, and opens it.
    async fn next(&self, segment: &Segment, patience: Option<Duration>) -> Result<Uint8Array, Failure> {
        let size = segment.sealed_length;
        let view = Uint8Array::new_with_length(size);
        let result = self.reader.next_piece(&view, &at_least(size)?, patience).await?;
        let altered = Unopenable::Altered(segment.number);
        let sealed = result.value().filter(|sealed| sealed.length() == size).ok_or(altered)?;
        let opened = self.cipher.open(&segment.nonce, &seal::additional_data(self.status), &sealed).await;
        // The platform says no more than that it failed.
        opened.map_err(|_| altered.into())
    }

    /// Sends what has been opened, and then the rest. After a failure the body breaks off.
    async fn send(
        &self,
        first: Uint8Array,
        mut rest: impl Iterator<Item = Segment>,
        into: &WritableStream,
    ) -> Result<(), Failure> {
        let writer = into.get_writer()?;
        let mut plain = first;
        loop {
            if settled(writer.write(&plain)?).await.is_err() {
                // The client has hung up.
                return Ok(());
            }
            let Some(segment) = rest.next() else {
                // Fails where the client has hung up at the very end.
                let _ = settled(writer.close()?).await;
                return Ok(());
            };
            match self.next(&segment, None).await {
                Ok(opened) => plain = opened,
                Err(failure) => {
                    writer.break_off(&JsValue::from_str("the stored body cannot be opened"))?;
                    return Err(failure);
                }
            }
        }
    }
}
