//! An answer that streams to its first client while it is being stored, on a route with `reply = "early"`.

use wasm_bindgen::JsValue;

use super::answered::{Answer, marked_reply};
use super::guarded::Attempt;
use crate::platform::{ReadableStream, Relay, Response, TimeLimit, pipe};

impl Attempt {
    /// Replies with an answer whose body is yet to come. How fast the client takes it, and whether it does at all, makes no
    /// difference to the record.
    pub(super) fn store_early(
        &self,
        body: ReadableStream,
        mut answer: Answer,
        time_limit: TimeLimit,
    ) -> Result<Response, JsValue> {
        let relay = Relay::default();
        let pipe = pipe(answer.announced_length)?;
        let headers = core::mem::take(&mut answer.headers);
        let reply = marked_reply(answer.status.as_u16(), headers, "created", &pipe.readable())?;
        let (sender, writable) = (relay.clone(), pipe.writable());
        self.deployment.afterwards(async move {
            // Nobody is left to be told of a failure here: the client has hung up, or sees its body break off.
            let _ = sender.send(&writable).await;
        });
        let attempt = self.clone();
        self.deployment.afterwards(async move { attempt.keep(relay, body, answer, time_limit).await });
        Ok(reply)
    }

    /// Reads an answer to its end and brings it to the ledger.
    async fn keep(&self, relay: Relay, body: ReadableStream, answer: Answer, time_limit: TimeLimit) {
        let read = relay.read(body, answer.kept.body_limit(self.route.max_response), time_limit).await;
        self.tell_read(&answer, read).await;
    }
}
