//! When an issuer's keys are fetched, and how long they serve.
//!
//! What an isolate knows of key sets is here; the Worker fetches. One request fetches at a time and others look from time to
//! time whether the keys have come: requests of a Worker cannot wait for each other's work.

use core::time::Duration;
use std::collections::BTreeMap;

use super::fault::TokenFault;
use super::keys::{KeySet, VerifyingKey};
use super::token::Token;
use crate::config::KeySetAddress;
use crate::limits;
use crate::problem::Problem;
use crate::time::Timestamp;

/// All that an isolate knows of key sets, by their addresses: as many as routes have.
#[derive(Debug, Default)]
pub struct KeySets(BTreeMap<KeySetAddress, Known>);

/// What came of fetching a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedKeys {
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// An answer with a body over [`limits::KEY_SET_BYTES`].
    TooLarge,
    /// None, because of this.
    Failed(String),
}

/// What to do for a token's key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyStep {
    Verify(VerifyingKey),
    Fetch,
    Wait(Duration),
    Refuse(Problem),
}

/// What is known of one key set.
#[derive(Debug, Default)]
struct Known {
    keys: Option<(KeySet, Timestamp)>,
    /// Since when a request has been fetching it.
    fetching_since: Option<Timestamp>,
    /// When it was last fetched in vain, since it was last fetched.
    failed_at: Option<Timestamp>,
}

impl KeySets {
    /// Decides what to do for a token's key. What is fetched counts as under way from now.
    pub(super) fn step(&mut self, address: &KeySetAddress, token: &Token, now: Timestamp) -> KeyStep {
        self.0.entry(address.clone()).or_default().step(token, now)
    }

    /// Takes what was fetched. Keys that were had before go on serving for a while where this failed.
    ///
    /// # Errors
    /// Why it failed, for the log.
    pub fn fetched(&mut self, address: &KeySetAddress, fetched: FetchedKeys, now: Timestamp) -> Result<(), String> {
        let keys = match fetched {
            FetchedKeys::Answer { status: 200, body } => KeySet::parse(&body),
            FetchedKeys::Answer { status, .. } => Err(format!("the answer has status {status} instead of 200")),
            FetchedKeys::TooLarge => Err(format!("the answer has more than {} bytes", limits::KEY_SET_BYTES)),
            FetchedKeys::Failed(reason) => Err(reason),
        };
        let known = self.0.entry(address.clone()).or_default();
        known.fetching_since = None;
        match keys {
            Ok(keys) => {
                known.keys = Some((keys, now));
                known.failed_at = None;
                Ok(())
            }
            Err(reason) => {
                known.failed_at = Some(now);
                Err(reason)
            }
        }
    }
}

impl Known {
    fn step(&mut self, token: &Token, now: Timestamp) -> KeyStep {
        // A request that was cut off while it fetched never says how it ended.
        let lapse = limits::KEY_SET_TIMEOUT.saturating_add(Duration::from_secs(1));
        let is_under_way = self.fetching_since.is_some_and(|since| passed(since, now) < lapse);
        let failed_just_now = self.failed_at.is_some_and(|at| passed(at, now) < limits::KEY_SET_PAUSE);
        if let Some((keys, fetched_at)) = &self.keys {
            let age = passed(*fetched_at, now);
            let serves =
                age < limits::KEY_SET_FRESH || (age < limits::KEY_SET_STALE && (is_under_way || failed_just_now));
            match keys.find(token) {
                Ok(key) if serves => return KeyStep::Verify(key.clone()),
                Err(fault) if age < limits::KEY_SET_PAUSE => return refuse(fault),
                // A key that is not known may be new.
                Ok(_) | Err(_) => {}
            }
        }
        if is_under_way {
            return KeyStep::Wait(limits::KEY_SET_LOOK);
        }
        if failed_just_now {
            return KeyStep::Refuse(Problem::no_keys());
        }
        self.fetching_since = Some(now);
        KeyStep::Fetch
    }
}

/// How long ago something was. A request's clock may be a little behind that of another request; what seems to lie further
/// ahead was noted before the clock was put back, and is over.
fn passed(since: Timestamp, now: Timestamp) -> Duration {
    if since > now.after(limits::TOKEN_CLOCK_LEEWAY) { Duration::MAX } else { now.since(since) }
}

fn refuse(fault: TokenFault) -> KeyStep {
    KeyStep::Refuse(fault.into())
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::super::algorithm::Algorithm;
    use super::super::to_base64url;
    use super::*;

    /// A key set's life, at points in time that are counted in milliseconds.
    #[derive(Default)]
    struct Life(Known);

    impl Life {
        fn asks(&mut self, id: &str, at: u64) -> &'static str {
            let key_id = Some(id.to_owned());
            let algorithm = Algorithm::Ed25519;
            let token = Token { algorithm, key_id, claims: Map::new(), signed: String::new(), signature: Vec::new() };
            match self.0.step(&token, Timestamp::from_millis(at)) {
                KeyStep::Verify(_) => "verify",
                KeyStep::Fetch => "fetch",
                KeyStep::Wait(_) => "wait",
                KeyStep::Refuse(problem) if problem.status() == 401 => "401",
                KeyStep::Refuse(problem) if problem.status() == 503 => "503",
                KeyStep::Refuse(problem) => panic!("{problem:?}"),
            }
        }

        fn gets(self, fetched: FetchedKeys, at: u64) -> (Self, Result<(), String>) {
            let address = address();
            let mut all = KeySets(BTreeMap::from([(address.clone(), self.0)]));
            let result = all.fetched(&address, fetched, Timestamp::from_millis(at));
            (Self(all.0.remove(&address).unwrap()), result)
        }

        fn gets_keys(self, ids: &[&str], at: u64) -> Self {
            let jwk = |id: &&str| json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": to_base64url(&[1; 32]) });
            let body = json!({ "keys": ids.iter().map(jwk).collect::<Vec<_>>() }).to_string().into_bytes();
            let (life, result) = self.gets(FetchedKeys::Answer { status: 200, body }, at);
            result.unwrap();
            life
        }

        fn fails(self, at: u64) -> Self {
            self.gets(FetchedKeys::Failed("down".to_owned()), at).0
        }
    }

    fn address() -> KeySetAddress {
        let route =
            json!({ "name": "r", "path": "/", "scope": ["jwt:sub"], "jwt": { "jwks": "https://a", "issuer": "a" } });
        let routes = vec![("ROUTES".to_owned(), json!([route]).to_string())];
        let config = crate::config::Config::parse(&crate::config::Variables { routes, ..Default::default() }).unwrap();
        match &config.routes.routes()[0].scope {
            crate::config::Scope::Token { issuer, .. } => issuer.jwks.clone(),
            other => panic!("{other:?}"),
        }
    }

    const PAUSE: u64 = limits::KEY_SET_PAUSE.as_millis() as u64;
    const FRESH: u64 = limits::KEY_SET_FRESH.as_millis() as u64;
    const STALE: u64 = limits::KEY_SET_STALE.as_millis() as u64;
    const LEEWAY: u64 = limits::TOKEN_CLOCK_LEEWAY.as_millis() as u64;
    const TIMEOUT: u64 = limits::KEY_SET_TIMEOUT.as_millis() as u64;

    #[test]
    fn one_request_fetches_and_the_others_wait() {
        let mut life = Life::default();
        assert_eq!([life.asks("a", 0), life.asks("a", 1), life.asks("b", 2)], ["fetch", "wait", "wait"]);
        life = life.gets_keys(&["a"], 100);
        assert_eq!([life.asks("a", 101), life.asks("b", 102)], ["verify", "401"]);
        assert_eq!([life.asks("a", 99 + FRESH), life.asks("a", 100 + FRESH)], ["verify", "fetch"]);
    }

    #[test]
    fn a_fetch_that_never_ends_is_begun_again() {
        let mut life = Life::default();
        assert_eq!(life.asks("a", 0), "fetch");
        assert_eq!([life.asks("a", TIMEOUT), life.asks("a", TIMEOUT + 1000)], ["wait", "fetch"]);
    }

    #[test]
    fn a_new_key_is_fetched_but_not_for_every_token_that_is_made_up() {
        let mut life = Life::default().gets_keys(&["a"], 0);
        assert_eq!([life.asks("b", PAUSE - 1), life.asks("b", PAUSE), life.asks("c", PAUSE)], ["401", "fetch", "wait"]);
        assert_eq!(life.asks("a", PAUSE), "verify", "who has a known key does not wait");
        life = life.gets_keys(&["b"], PAUSE + 10);
        assert_eq!([life.asks("b", PAUSE + 11), life.asks("a", PAUSE + 11)], ["verify", "401"]);
    }

    #[test]
    fn known_keys_serve_for_a_while_when_no_others_can_be_had() {
        let mut life = Life::default().gets_keys(&["a"], 0);
        assert_eq!([life.asks("a", FRESH), life.asks("a", FRESH + 1)], ["fetch", "verify"]);
        life = life.fails(FRESH + 10);
        assert_eq!([life.asks("a", FRESH + 11), life.asks("b", FRESH + 11)], ["verify", "503"]);
        assert_eq!(life.asks("a", FRESH + 10 + PAUSE), "fetch");
        life = life.fails(STALE - 1);
        assert_eq!([life.asks("a", STALE - 1), life.asks("a", STALE)], ["verify", "503"]);
        assert_eq!(life.asks("a", STALE - 1 + PAUSE), "fetch");
    }

    #[test]
    fn without_keys_there_is_no_answer_but_that() {
        let mut life = Life::default();
        assert_eq!(life.asks("a", 0), "fetch");
        life = life.fails(10);
        assert_eq!(
            [life.asks("a", 11), life.asks("a", 9 + PAUSE), life.asks("a", 10 + PAUSE)],
            ["503", "503", "fetch"]
        );
        life = life.gets_keys(&["a"], 20 + PAUSE);
        assert_eq!(life.asks("a", 20 + PAUSE), "verify");
    }

    #[test]
    fn a_clock_that_is_put_back_keeps_nobody_waiting() {
        let later = 100 * FRESH;
        let mut life = Life::default();
        assert_eq!([life.asks("a", later), life.asks("a", 0), life.asks("a", 1)], ["fetch", "fetch", "wait"]);
        life = life.gets_keys(&["a"], later);
        assert_eq!(life.asks("a", later - LEEWAY), "verify", "another request's clock is a little behind");
        assert_eq!(life.asks("a", later - LEEWAY - 1), "fetch");
        life = Life::default().fails(later);
        assert_eq!([life.asks("a", later - 1000), life.asks("a", 0)], ["503", "fetch"]);
    }

    #[test]
    fn keys_that_were_taken_back_are_gone() {
        let mut life = Life::default().gets_keys(&["a"], 0).gets_keys(&[], 10);
        assert_eq!(life.asks("a", 10), "401");
    }

    #[test]
    fn only_a_key_set_that_came_whole_counts() {
        let keys = br#"{"keys":[]}"#.to_vec();
        for (fetched, reason) in [
            (FetchedKeys::Answer { status: 302, body: keys.clone() }, "status 302"),
            (FetchedKeys::Answer { status: 404, body: keys }, "status 404"),
            (FetchedKeys::Answer { status: 200, body: b"<html>".to_vec() }, "expected"),
            (FetchedKeys::TooLarge, "65536 bytes"),
            (FetchedKeys::Failed("the time limit is over".to_owned()), "time limit"),
        ] {
            let (mut life, result) = Life::default().gets(fetched, 0);
            let error = result.unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert_eq!(life.asks("a", 0), "503");
        }
    }
}
