//! From a request with a token to its identity: only by way of a signature that holds.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oncegate_protocol::config::{Config, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::*;
use oncegate_protocol::time::Timestamp;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;

fn config(fields: Value) -> Config {
    let mut route = json!({
        "name": "r", "path": "/", "scope": ["jwt:sub"],
        "jwt": { "jwks": "https://a.example/keys", "issuer": "https://a.example" },
    });
    route.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let routes = vec![("ROUTES".to_owned(), json!([route]).to_string())];
    Config::parse(&Variables { routes, ..Variables::default() }).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// As long as one by ES256 or EdDSA.
const SIGNATURE: &[u8] = &[b's'; 64];

/// A token with these claims beside good ones. Whether its signature holds, each test says.
fn token(header: Value, claims: Value) -> String {
    let mut all = json!({ "iss": "https://a.example", "exp": NOW + 100 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    format!("{}.{}.{}", encoded(&header), encoded(&all), URL_SAFE_NO_PAD.encode(SIGNATURE))
}

fn admitted<'c>(config: &'c Config, authorization: Option<String>) -> Admission<'c> {
    let header = |name: &str| match name {
        "authorization" => authorization.clone(),
        "idempotency-key" => Some("k".to_owned()),
        "x-org" => Some("o".to_owned()),
        _ => None,
    };
    let url = RequestUrl::parse("https://edge.example/");
    admit(config, &RequestHead { method: "POST", url, header: &header, certificate: &|| None })
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// Goes the whole way with an issuer that has this key set.
fn identify(config: &Config, token: &str, keys: &Value, signature: Signature) -> Result<RecordId, Problem> {
    let by_token = match admitted(config, Some(format!("Bearer {token}"))) {
        Admission::ByToken(by_token) => by_token,
        _ => panic!("it is not asked for its token"),
    };
    let mut key_sets = KeySets::default();
    let fetch = match by_token.read(at(NOW))?.next(&mut key_sets, at(NOW)) {
        NextStep::Fetch(unverified) => unverified,
        _ => panic!("it has keys from nowhere"),
    };
    let body = json!({ "keys": keys }).to_string().into_bytes();
    key_sets.fetched(fetch.key_set(), FetchedKeys::Answer { status: 200, body }, at(NOW)).unwrap();
    match fetch.next(&mut key_sets, at(NOW)) {
        NextStep::Verify(verification) => {
            let signed = String::from_utf8(verification.signed().to_vec()).unwrap();
            assert_eq!(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(SIGNATURE)), token);
            assert_eq!(verification.signature(), SIGNATURE);
            let [jwk, algorithm] =
                [verification.jwk(), verification.algorithm()].map(|text| serde_json::from_str::<Value>(text).unwrap());
            let is_this = |key: &Value| ["kty", "n", "e", "crv", "x"].iter().all(|name| key[name] == jwk[name]);
            assert!(keys.as_array().unwrap().iter().any(is_this), "{jwk}");
            assert_eq!(algorithm["name"], if jwk["kty"] == "RSA" { "RSASSA-PKCS1-v1_5" } else { "Ed25519" });
            match verification.conclude(signature)? {
                Guarded::ByBytes(guarded) => Ok(guarded.identify(BodyDigest::default()).place.id),
                Guarded::ByJson(_) => panic!("the body is not JSON"),
            }
        }
        NextStep::Refuse(problem) => Err(problem),
        NextStep::Fetch(_) | NextStep::Wait(..) => panic!("it has its keys"),
    }
}

fn keys() -> Value {
    let rsa = URL_SAFE_NO_PAD.encode([0xc1; 256]);
    json!([
        { "kty": "RSA", "kid": "rsa", "alg": "RS256", "n": rsa, "e": "AQAB" },
        { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([1; 32]) },
    ])
}

fn detail(problem: &Problem) -> String {
    let body: Value = serde_json::from_str(&problem.body()).unwrap();
    format!("{} {}", problem.status(), body["detail"].as_str().unwrap())
}

#[test]
fn an_operator_finds_a_record_by_the_claims_of_its_token() {
    let config = config(json!({ "scope": ["jwt:sub", "header:X-Org", "jwt:https://a.example/tenant"] }));
    let claims = json!({ "sub": "ann", "https://a.example/tenant": 7 });
    let id = identify(&config, &token(json!({ "alg": "RS256", "kid": "rsa" }), claims), &keys(), Signature::Holds);
    let find = |scope: Value| {
        let body = json!({ "scope": scope, "key": ["k"] }).to_string();
        let places = oncegate_protocol::operator::body::find(&config.routes.routes()[0], body.as_bytes());
        places.map(|places| places[0].id).map_err(|problem| problem.body())
    };
    let found = find(json!({ "header:x-org": "o", "jwt:sub": "ann", "jwt:https://a.example/tenant": 7 }));
    assert_eq!(found.unwrap(), id.unwrap());
    for (scope, expected) in [
        (
            json!({ "header:x-org": "o", "jwt:sub": "carol" }),
            "must have \\\"jwt:sub\\\", \\\"jwt:https://a.example/tenant\\\"",
        ),
        (json!({ "header:x-org": "o", "jwt:sub": ["carol"], "jwt:https://a.example/tenant": 7 }), "a text or a whole"),
        (json!({ "header:x-org": "o", "jwt:iss": "carol" }), "has \\\"jwt:iss\\\"; the route's scope is"),
    ] {
        let error = find(scope).unwrap_err();
        assert!(error.contains(expected) && !error.contains("carol"), "{error}");
    }
}

#[test]
fn a_subject_is_the_same_over_renewals_of_its_token_and_no_other() {
    let config = config(json!({}));
    let id = |header, claims| identify(&config, &token(header, claims), &keys(), Signature::Holds).unwrap();
    let rsa = || json!({ "alg": "RS256", "kid": "rsa" });
    let ann = id(rsa(), json!({ "sub": "ann", "iat": NOW, "jti": "1" }));
    assert_eq!(ann, id(rsa(), json!({ "sub": "ann", "iat": NOW + 9, "jti": "2", "exp": NOW + 999 })));
    assert_eq!(ann, id(json!({ "alg": "EdDSA", "kid": "ed" }), json!({ "sub": "ann" })), "by whichever key");
    assert_ne!(ann, id(rsa(), json!({ "sub": "ben" })));
    assert_ne!(id(rsa(), json!({ "sub": "7" })), id(rsa(), json!({ "sub": 7 })));
}

#[test]
fn a_claim_of_one_issuer_is_not_that_of_another_nor_another_claim() {
    let ann = token(json!({ "alg": "RS256", "kid": "rsa" }), json!({ "sub": "ann", "org": "ann" }));
    let one = identify(&config(json!({})), &ann, &keys(), Signature::Holds).unwrap();
    let by_org = identify(&config(json!({ "scope": ["jwt:org"] })), &ann, &keys(), Signature::Holds).unwrap();
    let and_header =
        identify(&config(json!({ "scope": ["jwt:sub", "header:X-Org"] })), &ann, &keys(), Signature::Holds).unwrap();
    let elsewhere = config(json!({ "jwt": { "jwks": "https://b.example/", "issuer": "https://b.example" } }));
    let header = json!({ "alg": "RS256", "kid": "rsa" });
    let other = token(header, json!({ "sub": "ann", "org": "ann", "iss": "https://b.example" }));
    let of_other = identify(&elsewhere, &other, &keys(), Signature::Holds).unwrap();
    let all = std::collections::BTreeSet::from([one, by_org, and_header, of_other].map(|id| id.to_string()));
    assert_eq!(all.len(), 4);
}

#[test]
fn without_a_token_there_is_no_scope() {
    let config = config(json!({}));
    for authorization in [None, Some(""), Some("Bearer"), Some("Basic YTpi")] {
        match admitted(&config, authorization.map(str::to_owned)) {
            Admission::Refuse(_, problem) => assert_eq!((problem.case().name(), problem.status()), ("unscoped", 400)),
            _ => panic!("{authorization:?}"),
        }
    }
}

#[test]
fn a_token_that_does_not_hold_is_refused_and_not_repeated() {
    let config =
        config(json!({ "jwt": { "jwks": "https://a.example/", "issuer": "https://a.example", "audience": "p" } }));
    let ann = json!({ "sub": "ann-secret", "aud": "p" });
    let rsa = json!({ "alg": "RS256", "kid": "rsa" });
    let with = |name: &str, value: Value| {
        let mut claims = ann.clone();
        claims[name] = value;
        token(rsa.clone(), claims)
    };
    let by = |header: Value| token(header, ann.clone());
    // A signature of another length is none: the platform would fail, rather than say that it does not hold.
    let cut = |mut token: String| {
        token.truncate(token.len() - 2);
        token
    };
    for (token, expected) in [
        (by(json!({ "alg": "none" })), "is not signed by one of"),
        (by(json!({ "alg": "HS256", "kid": "rsa" })), "is not signed by one of"),
        (by(json!({ "alg": "PS256", "kid": "rsa" })), "another algorithm (alg)"),
        (by(json!({ "alg": "EdDSA", "kid": "rsa" })), "another algorithm (alg)"),
        (by(json!({ "alg": "RS256", "kid": "secret-kid" })), "(kid)"),
        (by(json!({ "alg": "RS256", "kid": "x", "jwk": keys()[0] })), "(kid)"),
        (by(json!({ "alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false })), "crit"),
        (with("iss", json!("https://secret.example")), "(iss)"),
        (with("aud", json!("secret-audience")), "(aud)"),
        (with("exp", json!(NOW - 60)), "(exp)"),
        (with("nbf", json!(NOW + 61)), "(nbf)"),
        (with("sub", json!(["ann-secret"])), "has no claim sub"),
        (with("sub", json!("ann-secret".repeat(30))), "has no claim sub"),
        (cut(by(json!({ "alg": "EdDSA", "kid": "rsa" }))), "a signature that does not hold"),
        (cut(by(json!({ "alg": "ES256", "kid": "rsa" }))), "a signature that does not hold"),
        ("secret.secret".to_owned(), "three parts"),
        ("secret".repeat(10_000), "longer than"),
    ] {
        let problem = identify(&config, &token, &keys(), Signature::Holds).unwrap_err();
        let text = detail(&problem);
        assert!(text.starts_with("401 The bearer token ") && text.contains(expected), "{expected}: {text}");
        assert!(!problem.body().contains("secret"), "{text}");
    }
    assert!(identify(&config, &by(rsa.clone()), &keys(), Signature::Holds).is_ok());
}

#[test]
fn a_signature_that_does_not_hold_gives_no_identity() {
    let ann = token(json!({ "alg": "RS256", "kid": "rsa" }), json!({ "sub": "ann" }));
    let problem = identify(&config(json!({})), &ann, &keys(), Signature::DoesNotHold).unwrap_err();
    assert_eq!(detail(&problem), "401 The bearer token has a signature that does not hold.");
}
