//! The step between head and body for a request whose token says whose it is: its issuer's keys, and its signature.

use std::cell::RefCell;

use oncegate_protocol::config::KeySetAddress;
use oncegate_protocol::limits;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{ByToken, FetchedKeys, Guarded, KeySets, NextStep};
use serde_json::json;
use wasm_bindgen::JsValue;

use super::Deployment;
use crate::log;
use crate::platform::{
    Arrived, Gathered, GivenUp, OutgoingRequest, Purpose, TimeLimit, check_signature, describe, discard, gather, now,
    settled, sleep, start,
};

thread_local! {
    /// What this isolate knows of issuers' keys. Never borrowed while anything is awaited.
    static KEY_SETS: RefCell<KeySets> = RefCell::default();
}

/// Verifies a request's token. `Err` is what its client is told.
pub(super) async fn verify(deployment: &Deployment, by_token: ByToken<'static>) -> Result<Guarded<'static>, Problem> {
    let mut token = by_token.read(now())?;
    let verification = loop {
        let at = now();
        token = match KEY_SETS.with_borrow_mut(|key_sets| token.next(key_sets, at)) {
            NextStep::Verify(verification) => break verification,
            NextStep::Fetch(token) => {
                fetch_to_its_end(deployment, token.key_set()).await;
                token
            }
            NextStep::Wait(token, pause) => {
                sleep(pause).await;
                token
            }
            NextStep::Refuse(problem) => return Err(problem),
        };
    };
    match check_signature(&verification).await {
        Ok(signature) => verification.conclude(signature),
        Err(thrown) => {
            log_failure(verification.key_set(), &describe(&thrown));
            Err(Problem::no_keys())
        }
    }
}

/// Fetches a key set, also where the client hangs up meanwhile: others wait for it.
async fn fetch_to_its_end(deployment: &Deployment, address: &'static KeySetAddress) {
    let work = async move {
        let fetched = fetch(address).await.unwrap_or_else(|thrown| FetchedKeys::Failed(describe(&thrown)));
        let at = now();
        if let Err(reason) = KEY_SETS.with_borrow_mut(|key_sets| key_sets.fetched(address, fetched, at)) {
            log_failure(address, &reason);
        }
    };
    let promise = start(work);
    deployment.wait_until(&promise);
    let _ = settled(promise).await;
}

/// Asks for a key set, past the platform's cache: a key that is asked for may be new. It is never the origin's service binding
/// that is asked, and a redirect is an answer.
async fn fetch(address: &KeySetAddress) -> Result<FetchedKeys, JsValue> {
    let time_limit = TimeLimit::begin(limits::KEY_SET_TIMEOUT);
    let headers = [("accept".to_owned(), "application/jwk-set+json, application/json".to_owned())];
    let request = OutgoingRequest::new(address.as_str().to_owned(), "GET", &headers, None)?;
    let Arrived { response, .. } = request.send(None, time_limit, Purpose::Read, GivenUp::Aborted).await?;
    match gather(response.body().as_ref(), limits::KEY_SET_BYTES, None, Some(time_limit.left())).await? {
        Gathered::Whole(bytes) => Ok(FetchedKeys::Answer { status: response.status(), body: bytes.to_vec() }),
        Gathered::More(_, rest) => {
            discard(Some(rest));
            Ok(FetchedKeys::TooLarge)
        }
    }
}

fn log_failure(address: &KeySetAddress, reason: &str) {
    log::error("no keys for tokens", json!({ "jwks": address.shown(), "reason": reason }));
}
