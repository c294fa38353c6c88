//! Asking the ledger whether a guarded request may call the origin.

use core::time::Duration;
use std::rc::Rc;

use oncegate_protocol::limits;
use oncegate_protocol::record::{Claim, Counting, Layout, OnUnknown};
use oncegate_protocol::request::Place;
use oncegate_protocol::retry::Failure;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{Command, Reply};
use serde_json::json;
use wasm_bindgen::JsValue;

use super::Deployment;
use super::body::GuardedRequest;
use super::guarded::Attempt;
use super::probe::Question;
use crate::ledger_calls::{self, Answer, Memorable, SealedAnswer};
use crate::platform::{self, Response, aside, now};

/// The right to call the origin.
pub(super) struct Grant {
    pub(super) number: u32,
    pub(super) lease_until: Timestamp,
    /// When the claim that led to it was sent.
    pub(super) begun_at: Timestamp,
}

/// Begins an attempt where the record is: in the previous layout of its route, or in the current one.
pub(super) async fn begin(
    deployment: &Rc<Deployment>,
    request: &GuardedRequest,
    on_unknown: OnUnknown,
    arrived_at: Timestamp,
) -> Result<(Attempt, Begun), JsValue> {
    let route = request.identity.route;
    let attempt = platform::new_attempt()?;
    let at = |place: &Place| Attempt {
        deployment: Rc::clone(deployment),
        route,
        place: place.clone(),
        attempt,
        of: attempt,
        fingerprint: request.identity.fingerprint,
    };
    let mut counting = if request.identity.counted_at.is_some() { Counting::Due } else { Counting::Done };
    let claim = |layout, counting| Claim {
        attempt,
        fingerprint: request.identity.fingerprint,
        lease: route.lease(),
        retention: route.retention(),
        on_unknown,
        layout,
        max_records: route.max_records,
        counting,
    };
    if let Some(previous) = request.identity.previous.as_ref().map(at) {
        let claim = claim(Layout::Previous { next: route.layout.id() }, counting);
        match aside(previous.begin(request, claim, arrived_at)).await {
            Begun::Moved { counted } => counting = counted,
            begun => return Ok((previous, begun)),
        }
    }
    let current = at(&request.identity.place);
    let begun = current.begin(request, claim(Layout::Current, counting), arrived_at).await;
    Ok((current, begun))
}

/// What came of a begin.
pub(super) enum Begun {
    Granted(Grant),
    /// The origin is to be asked what became of another attempt.
    Asked(Question),
    Answered(Response),
    /// Likewise, with a body that has to be opened.
    Sealed(SealedAnswer),
    /// Likewise, to be remembered.
    Memorable {
        answer: Memorable,
        /// When it was asked for.
        asked_at: Timestamp,
    },
    /// The key is kept in the next layout.
    Moved {
        /// Whether it has been counted.
        counted: Counting,
    },
    /// No answer: the claim may have been taken or not.
    Lost,
    /// The ledger, or the record, does not serve.
    Failed,
    /// There is no room for a new key.
    Full,
    /// The scope has used all its new keys, for this time to come.
    Exhausted(Duration),
    /// The claim was taken, but the answer to it was lost for so long that it holds no more.
    Lapsed,
    /// The claim may not be taken.
    Refused,
    /// Others have taken the key each time that it was free.
    Outrun,
}

impl Attempt {
    /// Asks for the right to call the origin. What is left of the wait is counted from `arrived_at`.
    async fn begin(&self, request: &GuardedRequest, mut claim: Claim, arrived_at: Timestamp) -> Begun {
        for _ in 0..limits::BEGINS {
            let begun_at = now();
            let wait = self.route.wait().saturating_sub(begun_at.since(arrived_at));
            let (replays, failures) = (self.route.use_of_replays(), ledger_calls::untold_failures());
            let command = Command::Begin { id: self.place.id, claim, wait, replays, failures };
            let answer = self.ledger(&self.place).ask(&command, None, wait).await;
            self.deployment.notes.ledger_took(now().since(begun_at));
            if answer.is_ok() {
                ledger_calls::told(failures);
            }
            match answer {
                Ok(Answer::ForClient(response)) => return Begun::Answered(response),
                Ok(Answer::Sealed(answer)) => return Begun::Sealed(answer),
                Ok(Answer::Memorable(answer)) => return Begun::Memorable { answer, asked_at: begun_at },
                Ok(Answer::Frame(Reply::Forward { number, lease_until })) => {
                    self.deployment.notes.granted(self.attempt, number);
                    return Begun::Granted(Grant { number, lease_until, begun_at });
                }
                Ok(Answer::Frame(Reply::Probe { fence, number, doubt })) => {
                    return Begun::Asked(Question { fence, number, doubt, begun_at });
                }
                Ok(Answer::Frame(Reply::Moved)) => return Begun::Moved { counted: claim.counting },
                // Only a begin that waited is told so, and what is left of the wait shrinks.
                Ok(Answer::Frame(Reply::Again)) => {}
                Ok(Answer::Frame(Reply::Count)) => match aside(self.count(request)).await {
                    Ok(()) => claim.counting = Counting::Done,
                    Err(begun) => return begun,
                },
                Ok(Answer::Frame(Reply::Full)) => return Begun::Full,
                Ok(Answer::Frame(Reply::Unreadable)) => {
                    self.log("ledger does not serve", json!({}));
                    return Begun::Failed;
                }
                Ok(Answer::Frame(Reply::Stale)) => {
                    self.log("claim lapsed", json!({}));
                    return Begun::Lapsed;
                }
                // Also what only a ledger of another version can have meant: it has the records, and they may be read again.
                Ok(Answer::Frame(
                    other @ (Reply::Done | Reply::Exhausted { .. } | Reply::Elsewhere | Reply::NotUnderstood),
                )) => {
                    self.log("claim refused", json!({ "answer": format!("{other:?}") }));
                    return Begun::Refused;
                }
                Err(Failure::Lost) => return Begun::Lost,
                Err(Failure::Overloaded) => return Begun::Failed,
            }
        }
        // Whenever the key was free somebody else was faster.
        Begun::Outrun
    }

    /// Counts a new key where those of its scope are counted. An error is what comes of the begin that has no key then.
    async fn count(&self, request: &GuardedRequest) -> Result<(), Begun> {
        let (Some(place), Some(quota)) = (&request.identity.counted_at, self.route.keys_per_scope) else {
            return Ok(());
        };
        let command = Command::Count {
            id: place.id,
            attempt: self.attempt,
            key: self.place.id,
            quota,
            max_records: self.route.max_records,
            lease: self.route.lease(),
            retention: self.route.retention(),
        };
        match self.ledger(place).ask(&command, None, Duration::ZERO).await {
            Ok(Answer::Frame(Reply::Done)) => Ok(()),
            Ok(Answer::Frame(Reply::Exhausted { left })) => Err(Begun::Exhausted(left)),
            Ok(Answer::Frame(Reply::Full)) => Err(Begun::Full),
            Ok(_) | Err(_) => Err(Begun::Failed),
        }
    }
}
