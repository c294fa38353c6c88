//! Fingerprints: equal where two requests ask for the same, and different where they do not.

use std::sync::LazyLock;

use oncegate_protocol::config::Config;
use oncegate_protocol::ids::Fingerprint;
use serde_json::{Value, json};

use crate::document::{Document, Whims};
use crate::gate::{Admitted, Request, config};

static GATE: LazyLock<Config> = LazyLock::new(|| {
    let route = |name: &str, fingerprint: Value| json!({ "name": name, "path": format!("/{name}"), "scope": "public", "fingerprint": fingerprint });
    let parts = json!({ "include": ["/a", "/b/c"], "exclude": ["/a/t"] });
    let routes =
        [route("raw", json!("raw")), route("json", json!("json")), route("none", json!("none")), route("parts", parts)];
    config(None, &routes.into_iter().collect())
});

/// Two bodies, with a zero byte between. The first byte says how the first one is spelled anew.
pub fn check(input: &[u8]) {
    let Some((seed, bodies)) = input.split_first() else { return };
    let mut bodies = bodies.splitn(2, |byte| *byte == 0);
    let one = bodies.next().unwrap_or_default();
    let other = bodies.next().unwrap_or(one);

    let by_bytes = |body| fingerprint("raw", body).expect("any body may be compared by its bytes");
    assert_eq!(by_bytes(one) == by_bytes(other), one == other);
    assert_eq!(fingerprint("none", one), fingerprint("none", other));

    let (one_read, other_read) = (Document::read(one), Document::read(other));
    for (route, parts) in ROUTES_BY_JSON {
        let (found, other_found) = (fingerprint(route, one), fingerprint(route, other));
        assert_eq!(found.is_some(), one_read.is_some(), "{}", String::from_utf8_lossy(one));
        assert_eq!(other_found.is_some(), other_read.is_some(), "{}", String::from_utf8_lossy(other));
        if let (Some(one), Some(other)) = (&one_read, &other_read) {
            assert_eq!(found == other_found, parts(one) == parts(other), "{route}: {one:?} and {other:?}");
        }
        if let Some(document) = &one_read {
            let mut spelled = String::new();
            document.spell(&mut Whims(u64::from(*seed)), &mut spelled);
            assert_eq!(fingerprint(route, spelled.as_bytes()), found, "{spelled}");
        }
    }
}

fn fingerprint(route: &str, body: &[u8]) -> Option<Fingerprint> {
    let mut request = Request::new("POST", &format!("https://gate.example/{route}")).with("idempotency-key", "k");
    request.body = body.to_vec();
    match request.admitted(&GATE) {
        Admitted::Identity(identity) => Some(identity.fingerprint),
        Admitted::Refused(problem) => {
            assert_eq!(problem.status(), 400);
            None
        }
        Admitted::PassThrough | Admitted::Own => panic!("{route} is not guarded"),
    }
}

/// What counts of a document on a route.
type Parts = fn(&Document) -> Vec<Option<Document>>;

const ROUTES_BY_JSON: [(&str, Parts); 2] = [("json", |document| vec![Some(document.clone())]), ("parts", parts)];

/// What the route `parts` includes, without what it excludes.
fn parts(document: &Document) -> Vec<Option<Document>> {
    let mut a = document.member("a").cloned();
    if let Some(Document::Object(members)) = &mut a {
        members.remove("t");
    }
    vec![a, document.member("b").and_then(|b| b.member("c")).cloned()]
}
