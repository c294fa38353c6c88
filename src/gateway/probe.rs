//! Asking the origin what became of an earlier attempt, on a route with `on_unknown = { probe = … }`.

use oncegate_protocol::deadline::may_call_origin;
use oncegate_protocol::headers;
use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::{Doubt, Finding, OriginWishes, classify_probe};
use oncegate_protocol::problem::Problem;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::SentOutcome;
use serde_json::json;
use wasm_bindgen::JsValue;

use super::answered::Mark;
use super::body::GuardedRequest;
use super::guarded::Attempt;
use super::replies;
use crate::origin;
use crate::platform::{OutgoingRequest, Response, TimeLimit, describe, header_list, now};

/// How it is asked.
const METHOD: &str = "GET";

/// What is to be asked.
pub(super) struct Question {
    /// The attempt in question.
    pub(super) fence: AttemptId,
    /// Which one that is.
    pub(super) number: u32,
    /// Why its outcome is unknown.
    pub(super) doubt: Doubt,
    /// When the begin that led to it was sent.
    pub(super) begun_at: Timestamp,
}

/// What came of asking.
pub(super) enum Probed {
    /// This reply.
    Replied(Response),
    /// The origin has not executed, and the key is free.
    NotExecuted,
}

impl Attempt {
    /// Asks the origin, with the caller's credentials, and brings what it says to the ledger.
    pub(super) async fn probe(&self, request: &GuardedRequest, question: &Question) -> Result<Probed, JsValue> {
        let time_limit = TimeLimit::begin(self.route.timeout);
        let in_time = may_call_origin(now().since(question.begun_at), self.route.timeout, self.route.lease());
        let response = match request.identity.probe.as_deref().filter(|_| in_time) {
            Some(path) => self.ask_origin(request, question, path, &time_limit).await,
            None => Err(JsValue::from_str("there is no time left to ask")),
        };
        let response = match response {
            Ok(response) => response,
            Err(thrown) => return self.learnt_nothing(question, &describe(&thrown)).await,
        };
        let all = header_list(&response.headers())?;
        let wishes = OriginWishes::read(&all);
        let finding = classify_probe(response.status(), wishes.not_to_be_stored);
        self.log("probed", json!({ "in_question": question.fence.to_string(), "finding": format!("{finding:?}") }));
        match finding {
            Finding::Executed(status) => {
                let answer = self.answer(status, all, wishes.ttl, METHOD);
                let reply = self.store(response.body().as_ref(), answer, Mark::Probed, &time_limit).await?;
                Ok(Probed::Replied(reply))
            }
            Finding::NotExecuted => {
                discard(&response);
                if self.tell(SentOutcome::NotExecuted, None, self.route.retention()).await {
                    return Ok(Probed::NotExecuted);
                }
                Ok(Probed::Replied(replies::problem(&Problem::unavailable())?))
            }
            Finding::Open => {
                discard(&response);
                self.learnt_nothing(question, &format!("the origin answered {}", response.status())).await
            }
        }
    }

    async fn ask_origin(
        &self,
        request: &GuardedRequest,
        question: &Question,
        path: &str,
        time_limit: &TimeLimit,
    ) -> Result<Response, JsValue> {
        let client = request.headers.clone();
        let headers =
            headers::to_probe(client, &self.route.headers(), &request.identity.key, question.fence, question.number);
        let address = origin::sibling(self.deployment.config, &request.url, path);
        let outgoing = OutgoingRequest { method: METHOD, headers: &headers, body: None }.to(&address, time_limit)?;
        origin::call(&self.deployment.bindings, &outgoing).await
    }

    /// The outcome stays unknown, and the next request may ask again.
    async fn learnt_nothing(&self, question: &Question, reason: &str) -> Result<Probed, JsValue> {
        self.log("probe without result", json!({ "reason": reason }));
        self.tell(SentOutcome::Doubted(question.doubt), None, self.route.retention()).await;
        replies::problem(&Problem::unknown(question.doubt)).map(Probed::Replied)
    }
}

fn discard(response: &Response) {
    if let Some(body) = response.body() {
        // Where it cannot be cancelled the platform discards it.
        let _ = body.cancel();
    }
}
