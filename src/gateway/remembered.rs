//! Answers that this isolate remembers, on a route with `replay_cache`. See [`oncegate_protocol::replay_cache`].

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Uint8Array;
use oncegate_protocol::headers::{self, Headers};
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::limits;
use oncegate_protocol::replay_cache::{Asked, Lifetime, ReplayCache, size};
use oncegate_protocol::time::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

use super::Deployment;
use super::answered::Answer;
use super::body::GuardedRequest;
use super::decoded::as_accepted;
use super::guarded::Attempt;
use crate::ledger_calls::Memorable;
use crate::platform::{Gathered, Repeated, Response, gather, header_list, now};

thread_local! {
    /// Never borrowed while anything is awaited.
    static REPLAYS: RefCell<ReplayCache<Rc<Remembered>>> = RefCell::default();
}

/// An answer as it is replayed.
pub(super) struct Remembered {
    reply: Repeated,
    is_encoded: bool,
}

/// The answer to what is asked, if it is remembered.
pub(super) fn find(asked: &Asked, now: Timestamp) -> Option<Rc<Remembered>> {
    REPLAYS.with_borrow(|replays| replays.find(asked, now).cloned())
}

/// Forgets what is known of a record: an operator has changed it.
pub(crate) fn forget(id: &RecordId) {
    REPLAYS.with_borrow_mut(|replays| replays.forget(id, now()));
}

impl Remembered {
    fn new(status: u16, headers: &Headers, body: Option<&Uint8Array>) -> Result<Rc<Self>, JsValue> {
        let is_encoded = headers.iter().any(|(name, _)| name == "content-encoding");
        Ok(Rc::new(Self { reply: Repeated::new(status, headers, body)?, is_encoded }))
    }

    /// The reply to a request.
    pub(super) async fn answer(&self, deployment: &Deployment, request: &GuardedRequest) -> Result<Response, JsValue> {
        let response = self.reply.response()?;
        if !self.is_encoded {
            return Ok(response);
        }
        // To decode it takes some steps, which would be left behind if the client hung up meanwhile.
        deployment.hold();
        as_accepted(deployment, response, &request.head).await
    }
}

impl Attempt {
    /// Remembers a replay that was asked for at this time.
    ///
    /// # Errors
    /// Where its body did not come, or not in time.
    pub(super) async fn remember_replay(
        &self,
        answer: &Memorable,
        asked_at: Timestamp,
    ) -> Result<Rc<Remembered>, JsValue> {
        let headers = headers::of_remembered(header_list(&answer.response.headers())?);
        let stream = answer.response.body();
        let most = u64::try_from(limits::REMEMBERED_ANSWER_BYTES).unwrap_or(u64::MAX);
        let body = match gather(stream.as_ref(), most, None, Some(answer.patience)).await? {
            Gathered::Whole(bytes) => stream.map(|_| bytes.joined(&[])),
            Gathered::More(..) => return Err(JsValue::from_str("the ledger's answer is longer than it may be")),
        };
        let remembered = Remembered::new(answer.response.status(), &headers, body.as_ref())?;
        let bytes = size(&headers, length(body.as_ref()));
        if let (Some(bytes), Some(lifetime)) = (bytes, self.route.remembers(asked_at, answer.left)) {
            self.remember(&remembered, bytes, lifetime);
        }
        Ok(remembered)
    }

    /// Remembers an answer that was put on record after this time, with its body.
    pub(super) fn remember_answer(&self, answer: &Answer, body: &JsValue, known_at: Timestamp) {
        let lifetime = self.route.remembers(known_at, answer.retention);
        let (Some(lifetime), Some((status, kept))) = (lifetime, answer.kept.head()) else {
            return;
        };
        let body = body.dyn_ref::<Uint8Array>();
        let Some(bytes) = size(kept, length(body)) else { return };
        // What cannot be remembered is asked for again.
        if let Ok(remembered) = Remembered::new(status.as_u16(), &headers::of_replay(kept.clone()), body) {
            self.remember(&remembered, bytes, lifetime);
        }
    }

    fn remember(&self, remembered: &Rc<Remembered>, bytes: usize, lifetime: Lifetime) {
        let asked = Asked { id: self.place.id, fingerprint: self.fingerprint };
        REPLAYS.with_borrow_mut(|replays| replays.remember(&asked, Rc::clone(remembered), bytes, lifetime));
    }
}

fn length(body: Option<&Uint8Array>) -> u32 {
    body.map_or(0, Uint8Array::length)
}
