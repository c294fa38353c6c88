//! Scopes by tokens: what a token must say, which of its issuer's keys verifies it, and that nothing else leads to a record.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oncegate_protocol::config::Config;
use oncegate_protocol::limits;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{Admission, ByToken, FetchedKeys, KeySets, NextStep, Signature, Verification, given};
use oncegate_protocol::time::Timestamp;
use serde_json::{Value, json};

use crate::document::Document;
use crate::gate::{Admitted, Request, choice_and_text, config};

const ISSUER: &str = "https://i.example";
const AUDIENCE: &str = "payments";
/// In seconds since 1970.
const NOW: f64 = 1_800_000_000.0;

static GATE: LazyLock<Config> = LazyLock::new(|| {
    let jwt = json!({ "jwks": "https://i.example/keys", "issuer": ISSUER, "audience": AUDIENCE });
    config(None, &json!([{ "name": "payments", "path": "/pay", "scope": ["jwt:sub"], "jwt": jwt }]))
});

/// The first byte says whether the first line is a value of `Authorization` (0), or the header of a token, whose claims are the
/// second line; then it is the length of the signature. The rest is the issuer's key set.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = choice_and_text(input) else { return };
    let lines: Vec<&str> = text.splitn(3, '\n').collect();
    let [first, claims, key_set] = lines[..] else { return };
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signature = vec![7; choice];
    let authorization = match choice {
        0 => first.to_owned(),
        _ => format!("Bearer {}.{}.{}", encoded(first.as_bytes()), encoded(claims.as_bytes()), encoded(&signature)),
    };
    let request = Request::new("POST", "https://gate.example/pay").with("idempotency-key", "k");
    check_token(&request.with("authorization", &authorization), &authorization, key_set.as_bytes());
}

fn check_token(request: &Request, authorization: &str, key_set: &[u8]) {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let read = || by_token(request).and_then(|token| token.read(now));
    let said = Said::read(authorization);
    let unverified = match (read(), &said) {
        (Ok(unverified), Some(_)) => unverified,
        (Ok(_), None) => panic!("{authorization} was taken"),
        (Err(problem), None) => return assert_eq!(problem.status(), 401),
        (Err(problem), Some(said)) => panic!("{said:?} was refused: {problem:?}"),
    };
    let said = said.expect("both have read it");

    let mut keys = KeySets::default();
    let address = unverified.key_set();
    assert!(matches!(unverified.next(&mut keys, now), NextStep::Fetch(_)), "without keys nothing is verified");
    let answer = FetchedKeys::Answer { status: 200, body: key_set.to_vec() };
    let fetched = keys.fetched(address, answer, now);
    let mut next = || read().expect("it was read before").next(&mut keys, now);
    match next() {
        NextStep::Verify(verification) => {
            assert_eq!(fetched, Ok(()));
            said.check_key(&verification, key_set);
            assert!(verification.conclude(Signature::DoesNotHold).is_err_and(|problem| problem.status() == 401));
            let NextStep::Verify(verification) = next() else { panic!("the key is gone") };
            check_identity(request, verification, &said);
        }
        NextStep::Refuse(problem) => assert_eq!(problem.status(), if fetched.is_ok() { 401 } else { 503 }),
        NextStep::Fetch(_) | NextStep::Wait(..) => panic!("the keys were fetched just now"),
    }
}

fn by_token(request: &Request) -> Result<ByToken<'static>, Problem> {
    match request.admission(&GATE) {
        Admission::ByToken(token) => Ok(token),
        Admission::Refuse(..) => Err(Problem::invalid_token("there is none".to_owned())),
        _ => panic!("the route takes a token or refuses"),
    }
}

/// The record is the one that an operator finds who names the claim.
fn check_identity(request: &Request, verification: Verification<'_>, said: &Said) {
    let guarded = verification.conclude(Signature::Holds).expect("the signature holds");
    let Admitted::Identity(identity) = request.identify(guarded) else { panic!("it has a key") };
    let scope = json!({ "jwt:sub": said.subject });
    let scope = scope.as_object().expect("it is an object");
    assert_eq!(given(identity.route, scope, &["k".into()]), Ok(vec![identity.place]));
}

/// What a token says that is to be taken, but for its signature.
#[derive(Debug)]
struct Said {
    algorithm: String,
    key_id: Option<Value>,
    subject: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Said {
    /// `None` where it must be refused.
    fn read(authorization: &str) -> Option<Self> {
        let (scheme, token) = authorization.trim().split_once(' ')?;
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [header_part, claims_part, signature] = parts[..] else { return None };
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().len() > limits::TOKEN_BYTES {
            return None;
        }
        let (header, claims) = (object(header_part)?, object(claims_part)?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let algorithm = header["alg"].as_str()?.to_owned();
        let lengths: &[usize] = match algorithm.as_str() {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => &[],
            "ES256" | "EdDSA" | "Ed25519" => &[64],
            "ES384" => &[96],
            _ => return None,
        };
        let key_id = header.get("kid").cloned();
        let is_header = (lengths.is_empty() || lengths.contains(&signature.len()))
            && header.get("crit").is_none()
            && key_id.as_ref().is_none_or(Value::is_string);
        let is_for_us = match &claims["aud"] {
            Value::String(audience) => audience == AUDIENCE,
            Value::Array(several) => several.iter().all(Value::is_string) && several.contains(&AUDIENCE.into()),
            _ => false,
        };
        let is_its_time = claims["exp"].as_f64()? + 60.0 > NOW
            && claims.get("nbf").is_none_or(|begins| begins.as_f64().is_some_and(|begins| begins - 60.0 <= NOW));
        let subject = claims["sub"].clone();
        let is_subject = match &subject {
            Value::String(text) => (1..=limits::CLAIM_BYTES).contains(&text.len()),
            number => number.is_i64() || number.is_u64(),
        };
        let is_right = is_header && is_for_us && is_its_time && is_subject && claims["iss"] == ISSUER;
        let signed = format!("{header_part}.{claims_part}");
        is_right.then_some(Self { algorithm, key_id, subject, signed, signature })
    }

    /// The platform is asked about what was signed, with a key of the issuer's set that is for it, and nothing but its public
    /// half.
    fn check_key(&self, verification: &Verification<'_>, key_set: &[u8]) {
        assert_eq!(verification.signed(), self.signed.as_bytes());
        assert_eq!(verification.signature(), self.signature);
        let told: Value = serde_json::from_str(verification.algorithm()).expect("JSON");
        let (name, hash) = match self.algorithm.split_at(2) {
            ("RS", bits) => ("RSASSA-PKCS1-v1_5", format!("SHA-{bits}")),
            ("PS", bits) => ("RSA-PSS", format!("SHA-{bits}")),
            ("ES", bits) => ("ECDSA", format!("SHA-{bits}")),
            _ => ("Ed25519", String::new()),
        };
        assert_eq!((told["name"].as_str(), told["hash"].as_str().unwrap_or_default()), (Some(name), hash.as_str()));
        let key: Value = serde_json::from_str(verification.jwk()).expect("JSON");
        let members = key.as_object().expect("a key is an object");
        assert!(members.keys().all(|name| ["kty", "crv", "n", "e", "x", "y"].contains(&name.as_str())), "{key}");
        let set: Value = serde_json::from_slice(key_set).expect("it was read as JSON");
        let is_of_set = |other: &Value| {
            members.iter().all(|(name, value)| other[name] == *value)
                && self.key_id.as_ref().is_none_or(|id| other["kid"] == *id)
        };
        assert!(set["keys"].as_array().is_some_and(|keys| keys.iter().any(is_of_set)), "{key} of {set}");
    }
}

/// A part of a token: JSON in base64url.
fn object(part: &str) -> Option<Value> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    let value: Value = serde_json::from_slice(&text).ok()?;
    (value.is_object() && Document::read(&text).is_some()).then_some(value)
}
