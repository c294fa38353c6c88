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

use super::answered::{Answer, Kept};
use super::body::GuardedRequest;
use super::guarded::{Attempt, Told};
use super::replies;
use crate::origin;
use crate::platform::{Arrived, OutgoingRequest, Purpose, Response, TimeLimit, describe, discard, now, reply};

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
    /// The ledger knows more now: the origin has not executed, and the key is free; or the attempt in question has ended by
    /// itself meanwhile.
    Known,
}

impl Attempt {
    /// Asks the origin, with the caller's credentials, and brings what it says to the ledger.
    pub(super) async fn probe(&self, request: &GuardedRequest, question: &Question) -> Result<Probed, JsValue> {
        Self { of: question.fence, ..self.clone() }.ask_and_tell(request, question).await
    }

    async fn ask_and_tell(&self, request: &GuardedRequest, question: &Question) -> Result<Probed, JsValue> {
        let time_limit = TimeLimit::begin(self.route.timeout);
        let in_time = may_call_origin(now().since(question.begun_at), self.route.timeout, self.route.lease());
        let arrived = match request.identity.probe.as_deref().filter(|_| in_time) {
            Some(path) => self.ask_origin(request, question, path, time_limit).await,
            None => Err(JsValue::from_str("there is no time left to ask")),
        };
        let Arrived { response, headers: all } = match arrived {
            Ok(arrived) => arrived,
            Err(thrown) => return self.learnt_nothing(question, &describe(&thrown)).await,
        };
        let wishes = OriginWishes::read(&all);
        let finding = classify_probe(response.status(), wishes.not_to_be_stored);
        self.log("probed", json!({ "in_question": question.fence.to_string(), "finding": format!("{finding:?}") }));
        match finding {
            Finding::Executed(status) => {
                let answer = self.answer(status, all, wishes.ttl, METHOD);
                self.found(question, answer, &response, time_limit).await
            }
            Finding::NotExecuted => {
                discard(response.body());
                match self.tell(SentOutcome::NotExecuted, None, self.route.retention()).await {
                    Told::Stored | Told::Refused => Ok(Probed::Known),
                    Told::Lost => replies::problem(&Problem::unavailable()).map(Probed::Replied),
                }
            }
            Finding::Open => {
                discard(response.body());
                self.learnt_nothing(question, &format!("the origin answered {}", response.status())).await
            }
        }
    }

    /// Keeps the answer that the origin gives now, and replies with it.
    async fn found(
        &self,
        question: &Question,
        answer: Answer,
        response: &Response,
        time_limit: TimeLimit,
    ) -> Result<Probed, JsValue> {
        let (kept, body) = match self.keep_answer(response, METHOD, &answer, time_limit).await {
            Ok(kept) => kept,
            Err(thrown) => return self.learnt_nothing(question, &describe(&thrown)).await,
        };
        let mut headers = answer.headers;
        match kept {
            Kept::Whole => headers = headers::of_replay(headers),
            Kept::WithoutBody | Kept::Lost => headers::mark(&mut headers, "not-stored"),
            // What the attempt in question has said itself is what all others get.
            Kept::Refused => return Ok(Probed::Known),
        }
        reply(answer.status.as_u16(), &headers, &body).map(Probed::Replied)
    }

    async fn ask_origin(
        &self,
        request: &GuardedRequest,
        question: &Question,
        path: &str,
        time_limit: TimeLimit,
    ) -> Result<Arrived, JsValue> {
        let client = request.head.headers()?.clone();
        headers::check_request(&client)
            .map_err(|_| JsValue::from_str("there are too many headers, or too large ones"))?;
        let headers =
            headers::to_probe(client, &self.route.headers(), &request.identity.key, question.fence, question.number);
        let address = origin::sibling(self.deployment.config, request.head.url(), path);
        let service = self.deployment.bindings.origin_service();
        // An answer in the edge's cache may be older than what is asked about.
        OutgoingRequest::new(address, METHOD, &headers, None)?
            .send(service.as_ref(), time_limit, Purpose::PassOnNew, self.deployment.given_up)
            .await
    }

    /// The outcome stays unknown, and the next request may ask again.
    async fn learnt_nothing(&self, question: &Question, reason: &str) -> Result<Probed, JsValue> {
        self.log("probe without result", json!({ "reason": reason }));
        self.tell(SentOutcome::Doubted(question.doubt), None, self.route.retention()).await;
        replies::problem(&Problem::unknown(question.doubt)).map(Probed::Replied)
    }
}
