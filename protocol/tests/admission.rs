//! From requests to identities: which are guarded, which are refused and why, and which are the same.

use oncegate_protocol::config::{Config, Secret, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::ids::{Fingerprint, RecordId};
use oncegate_protocol::observe::Observed;
use oncegate_protocol::request::*;
use serde_json::{Value, json};

fn config(route: Value) -> Config {
    let mut whole = json!({ "name": "r", "path": "/v1/payments", "scope": ["header:Authorization"] });
    whole.as_object_mut().unwrap().extend(route.as_object().unwrap().clone());
    let routes = vec![("ROUTES".to_owned(), json!([whole]).to_string())];
    Config::parse(&Variables { routes, ..Variables::default() }).unwrap()
}

struct Request {
    method: &'static str,
    url: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

fn post(body: &'static str) -> Request {
    Request {
        method: "POST",
        url: "https://edge.example/v1/payments",
        headers: vec![("authorization", "Bearer a"), ("idempotency-key", "\"k\"")],
        body,
    }
}

impl Request {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    fn to(self, url: &'static str) -> Self {
        Self { url, ..self }
    }

    fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }
}

#[derive(Debug, PartialEq)]
enum Seen {
    Pass,
    Own(&'static str),
    Refused(&'static str, String),
    Guarded(RecordId, Fingerprint, String),
    Observed(&'static str),
    Token,
}

fn refused(problem: &oncegate_protocol::problem::Problem) -> Seen {
    let body: Value = serde_json::from_str(&problem.body()).unwrap();
    Seen::Refused(problem.case().name(), body["detail"].as_str().unwrap().to_owned())
}

fn see(config: &Config, request: &Request) -> Seen {
    match identify(config, request) {
        Ok(identity) => Seen::Guarded(identity.place.id, identity.fingerprint, identity.key),
        Err(seen) => seen,
    }
}

/// What a request is if it is guarded, and else what becomes of it.
fn identify<'c>(config: &'c Config, request: &Request) -> Result<Identity<'c>, Seen> {
    let header =
        |wanted: &str| request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
    let certificate = || header("test-certificate");
    let url = RequestUrl::parse(request.url);
    let head = RequestHead { method: request.method, url, header: &header, certificate: &certificate };
    match admit(config, &head) {
        Admission::PassThrough => Err(Seen::Pass),
        Admission::Documentation => Err(Seen::Own("page")),
        Admission::Nothing => Err(Seen::Own("nothing")),
        Admission::Console(_) => Err(Seen::Own("console")),
        Admission::Operator(_) => Err(Seen::Own("operator")),
        Admission::Refuse(_, problem) => Err(refused(&problem)),
        Admission::ByToken(_) => Err(Seen::Token),
        Admission::Observed(_, Observed::Refused(problem)) => Err(Seen::Observed(problem.case().name())),
        Admission::Observed(_, Observed::Guarded(_)) => Err(Seen::Observed("guarded")),
        Admission::Observed(_, Observed::ByToken(_)) => Err(Seen::Observed("token")),
        Admission::Guarded(Guarded::ByBytes(guard)) => Ok(guard.identify(BodyDigest::of(request.body.as_bytes()))),
        Admission::Guarded(Guarded::ByJson(guard)) => {
            guard.identify(request.body.as_bytes()).map_err(|unidentified| match unidentified {
                Unidentified::PassThrough => Seen::Pass,
                Unidentified::Refuse(problem) => refused(&problem),
            })
        }
    }
}

fn id(config: &Config, request: &Request) -> RecordId {
    match see(config, request) {
        Seen::Guarded(id, ..) => id,
        other => panic!("{other:?}"),
    }
}

fn fingerprint(config: &Config, request: &Request) -> Fingerprint {
    match see(config, request) {
        Seen::Guarded(_, fingerprint, _) => fingerprint,
        other => panic!("{other:?}"),
    }
}

fn case(config: &Config, request: &Request) -> &'static str {
    match see(config, request) {
        Seen::Refused(case, _) => case,
        Seen::Pass => "pass",
        Seen::Own(what) => what,
        Seen::Guarded(..) => "guarded",
        Seen::Token => "token",
        Seen::Observed(what) => what,
    }
}

#[test]
fn a_route_that_observes_refuses_nothing_and_says_what_it_would_have_done() {
    let observing = config(json!({ "mode": "observe", "max_request": 10 }));
    let requests = [
        ("guarded", post("")),
        ("missing", post("").without("idempotency-key")),
        ("malformed", post("").header("idempotency-key", "\"")),
        ("unscoped", post("").without("authorization")),
        ("too-large", post("").header("content-length", "11")),
    ];
    for (what, request) in requests {
        assert_eq!(see(&observing, &request), Seen::Observed(what));
    }
    assert_eq!(see(&observing, &post("").by("GET")), Seen::Pass);
    let optional = config(json!({ "mode": "observe", "required": false }));
    assert_eq!(see(&optional, &post("").without("idempotency-key")), Seen::Pass);
    let by_token = config(json!({
        "mode": "observe", "scope": ["jwt:sub"], "jwt": { "jwks": "https://issuer.example/keys", "issuer": "https://issuer.example" },
    }));
    assert_eq!(see(&by_token, &post("").header("authorization", "Bearer a.b.c")), Seen::Observed("token"));
}

#[test]
fn only_the_routes_methods_and_paths_are_guarded() {
    let config = config(json!({}));
    assert_eq!(case(&config, &post("").by("GET")), "pass");
    assert_eq!(case(&config, &post("").to("https://edge.example/v1/other")), "pass");
    for spelling in ["https://e/v1/pay%6dents", "https://e//v1/payments/", "https://e/v1/x/%2e%2e/payments?a=b"] {
        assert_eq!(case(&config, &post("").to(spelling)), "guarded", "{spelling}");
    }
}

#[test]
fn a_request_without_key_or_scope_is_told_what_is_missing() {
    let strict = config(json!({}));
    assert_eq!(case(&strict, &post("").without("idempotency-key")), "missing");
    assert_eq!(case(&strict, &post("").without("authorization")), "unscoped");
    assert_eq!(case(&strict, &post("").header("idempotency-key", "")), "malformed");
    let lax = config(json!({ "required": false }));
    assert_eq!(case(&lax, &post("").without("idempotency-key")), "pass");
    assert_eq!(case(&lax, &post("").header("idempotency-key", "")), "malformed");
    assert_eq!(case(&config(json!({ "mode": "off" })), &post("").without("idempotency-key")), "pass");
}

#[test]
fn scope_and_key_make_the_record() {
    let config = config(json!({}));
    let one = id(&config, &post("x"));
    assert_eq!(one, id(&config, &post("other body").header("idempotency-key", "k")), "quoted and bare");
    assert_ne!(one, id(&config, &post("x").header("authorization", "Bearer b")));
    assert_ne!(one, id(&config, &post("x").header("idempotency-key", "K")));
    // Parts do not run into each other: scope "Bearer a" + key "k" and scope "Bearer " + key "ak".
    let shifted = post("x").header("authorization", "Bearer ").header("idempotency-key", "ak");
    assert_ne!(one, id(&config, &shifted));
}

#[test]
fn method_path_query_and_body_make_the_fingerprint() {
    let config = config(json!({ "path": "/v1/{*rest}" }));
    let one = fingerprint(&config, &post("x"));
    assert_eq!(one, fingerprint(&config, &post("x").header("content-type", "text/plain")));
    assert_eq!(one, fingerprint(&config, &post("x").to("https://edge.example/v1/pay%6dents")));
    for other in [
        post("y"),
        post("x").by("PATCH"),
        post("x").to("https://edge.example/v1/refunds"),
        post("x").to("https://edge.example/v1/payments?a=b"),
        post("x").to("https://edge.example/v1%2Fpayments"),
    ] {
        assert_ne!(one, fingerprint(&config, &other));
    }
}

#[test]
fn json_fingerprints_see_what_they_are_told_to_see() {
    let json = config(json!({ "fingerprint": "json" }));
    assert_eq!(fingerprint(&json, &post(r#"{"a":1,"b":2}"#)), fingerprint(&json, &post(r#"{ "b": 2, "a": 1.0 }"#)));
    assert_ne!(fingerprint(&json, &post(r#"{"a":1}"#)), fingerprint(&json, &post(r#"{"a":2}"#)));

    assert_eq!(case(&json, &post("")), "malformed");

    let exclude = config(json!({ "fingerprint": { "exclude": ["/sent_at"] } }));
    let at = |config, body| fingerprint(config, &post(body));
    assert_eq!(at(&exclude, r#"{"a":1,"sent_at":1}"#), at(&exclude, r#"{"a":1,"sent_at":2}"#));
    assert_eq!(at(&exclude, r#"{"a":1,"sent_at":1}"#), at(&exclude, r#"{"a":1}"#));
    assert_ne!(at(&exclude, r#"{"a":1,"sent_at":1}"#), at(&exclude, r#"{"a":2,"sent_at":1}"#));

    let include = config(json!({ "fingerprint": { "include": ["/a", "/b"] } }));
    assert_eq!(at(&include, r#"{"a":1,"x":1}"#), at(&include, r#"{"x":2,"a":1}"#));
    assert_ne!(at(&include, r#"{"a":1}"#), at(&include, r#"{"b":1}"#), "which of them is there counts");
    assert_ne!(at(&include, r#"{"a":null}"#), at(&include, "{}"), "null is not absent");

    let none = config(json!({ "fingerprint": "none" }));
    assert_eq!(at(&none, "x"), at(&none, "y"));
    assert_ne!(at(&none, "x"), fingerprint(&none, &post("x").by("PATCH")));
}

#[test]
fn keys_come_from_wherever_the_route_says() {
    let config = config(json!({
        "path": "/v1/{merchant}/orders",
        "key": ["json:/order/id", "path:merchant", "query:part"],
    }));
    let url = "https://e/v1/m%201/orders?part=2";
    let order = |body| post(body).to(url);
    let Seen::Guarded(_, _, key) = see(&config, &order(r#"{"order":{"id":"o-7"}}"#)) else { panic!("not guarded") };
    assert_eq!(key, "o-7:m%201:2");
    assert_eq!(id(&config, &order(r#"{"order":{"id":7}}"#)), id(&config, &order(r#"{"order":{"id":"7"}}"#)));
    assert_eq!(case(&config, &order("{}")), "missing");
    assert_eq!(case(&config, &order("")), "malformed");
    assert_eq!(case(&config, &order(r#"{"order":{"id":null}}"#)), "missing");
    assert_eq!(case(&config, &order(r#"{"order":{"id":[]}}"#)), "malformed");
    assert_eq!(case(&config, &order(r#"{"order":{"id":1.5}}"#)), "malformed");
    assert_eq!(case(&config, &order(r#"{"order":{"id":""}}"#)), "malformed");
    assert_eq!(case(&config, &order(r#"{"order":"#)), "malformed");
    assert_eq!(case(&config, &order(r#"{"order":{"id":"a"},"order":{"id":"b"}}"#)), "malformed");
    let body = r#"{"order":{"id":"o-7"}}"#;
    assert_eq!(case(&config, &post(body).to("https://e/v1/m/orders")), "missing");
    assert_eq!(case(&config, &post(body).to("https://e/v1/m/orders?part=1&part=1")), "malformed");
    assert_eq!(case(&config, &post(body).to("https://e/v1/%ff/orders?part=1")), "malformed");
}

#[test]
fn a_person_is_told_which_source_gave_what() {
    let reading = |route: Value, body: &'static str| {
        let config = config(route);
        let request = post(body).to("https://edge.example/v1/payments?k=%41");
        let header = |wanted: &str| {
            request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        let head = RequestHead {
            method: request.method,
            url: RequestUrl::parse(request.url),
            header: &header,
            certificate: &|| None,
        };
        match admit(&config, &head) {
            Admission::Guarded(Guarded::ByBytes(guard)) => Ok(guard.reading()),
            Admission::Guarded(Guarded::ByJson(guard)) => guard.reading(body.as_bytes()),
            _ => panic!("not guarded"),
        }
    };
    let pair = |(source, value): (&str, &str)| (source.to_owned(), value.to_owned());
    let told = |key: &[(&str, &str)], scope: &[(&str, &str)]| {
        Ok(Reading { key: key.iter().copied().map(pair).collect(), scope: scope.iter().copied().map(pair).collect() })
    };
    let bearer = [("the header authorization", "Bearer a")];
    assert_eq!(reading(json!({}), ""), told(&[("header:idempotency-key", "k")], &bearer));
    let several = json!({ "key": ["json:/id", "query:k"], "scope": ["host", "header:Authorization"] });
    let scope = [("the host", "edge.example"), bearer[0]];
    assert_eq!(reading(several.clone(), r#"{"id":7}"#), told(&[("json:/id", "7"), ("query:k", "A")], &scope));
    assert!(matches!(reading(several, "{}"), Err(Unidentified::Refuse(_))));
    assert_eq!(reading(json!({ "scope": "public" }), ""), told(&[("header:idempotency-key", "k")], &[]));
}

#[test]
fn a_request_without_a_body_has_no_key_in_it() {
    let lax = config(json!({ "key": ["json:/id"], "required": false }));
    assert_eq!(case(&lax, &post("")), "pass");
    assert_eq!(case(&lax, &post("{}")), "pass");
    assert_eq!(case(&lax, &post("{")), "malformed");
    assert_eq!(case(&lax, &post(r#"{"id":"a"}"#)), "guarded");
}

#[test]
fn the_origin_gets_a_key_from_the_header_as_it_was_sent() {
    let config = config(json!({}));
    for sent in ["\"k\"", "k"] {
        let Seen::Guarded(_, _, key) = see(&config, &post("").header("idempotency-key", sent)) else { panic!() };
        assert_eq!(key, sent);
    }
}

#[test]
fn the_origin_is_asked_by_the_key_that_counts_and_not_by_its_spelling() {
    let asked = |key: Value, request: &Request| {
        let config = config(json!({ "key": key, "on_unknown": { "probe": "/by-key/{key}" } }));
        identify(&config, request).unwrap().probe.unwrap()
    };
    for sent in ["\"k:1\"", "k:1"] {
        assert_eq!(
            asked(json!(["header:Idempotency-Key"]), &post("").header("idempotency-key", sent)),
            "/by-key/k%3A1"
        );
    }
    let request = post(r#"{"id":"k:1"}"#).to("https://edge.example/v1/payments?part=2");
    assert_eq!(asked(json!(["json:/id", "query:part"]), &request), "/by-key/k%253A1%3A2");
}

#[test]
fn the_gates_own_paths_never_reach_the_origin() {
    let config = config(json!({}));
    let case = |method, url| case(&config, &post("").by(method).to(url));
    assert_eq!(case("GET", "https://e/_oncegate/problems"), "page");
    assert_eq!(case("POST", "https://e/_oncegate/problems"), "nothing");
    assert_eq!(case("GET", "https://e/_oncegate/else"), "nothing");
    assert_eq!(case("GET", "https://e/_oncegates"), "pass");
}

#[test]
fn no_spelling_of_the_gates_own_paths_reaches_the_origin() {
    let config = config(json!({}));
    let case = |url| case(&config, &post("").by("GET").to(url));
    for odd in [
        "https://e/_ONCEGATE/else",
        "https://e//_oncegate/else",
        "https://e/%5foncegate/else",
        "https://e/a/..\\%5foncegate/else",
        "https://e/a/../_oncegate/else",
        "https://e/_oncegate;a=1/else",
        "https://e/_oncegate",
    ] {
        assert_eq!(case(odd), "nothing", "{odd}");
    }
    for other in ["https://e/a/_oncegate/else", "https://e/%5foncegates", "https://e/.oncegate"] {
        assert_eq!(case(other), "pass", "{other}");
    }
}

#[test]
fn a_path_that_climbs_is_refused_where_the_origin_is_below_one() {
    let climbing =
        ["https://e/../else", "https://e/%2e%2e/else", "https://e/a\\..\\..\\else", "https://e/a/..;b/../else"];
    let level = ["https://e/a/../else", "https://e/a%20b", "https://e/a..", "https://e/_oncegates"];
    for (origin, refused) in [("https://api.example.com", "pass"), ("https://api.example.com/base", "malformed")] {
        let origin = Some(origin.to_owned());
        let routes = vec![("ROUTES".to_owned(), r#"[{"name":"a","path":"/a","scope":"public"}]"#.to_owned())];
        let config = Config::parse(&Variables { origin, routes, ..Variables::default() }).unwrap();
        let case = |url| case(&config, &post("").by("GET").to(url));
        for url in climbing {
            assert_eq!(case(url), refused, "{url} to {:?}", config.origin);
        }
        for url in level {
            assert_eq!(case(url), "pass", "{url} to {:?}", config.origin);
        }
    }
}

#[test]
fn where_a_token_is_set_the_operator_is_asked_for_and_the_page_stays_public() {
    let routes = vec![("ROUTES".to_owned(), r#"[{"name":"a","path":"/a","scope":"public"}]"#.to_owned())];
    let admin_token = Some(Secret::new("0123456789abcdef".to_owned()));
    let config = Config::parse(&Variables { admin_token, routes, ..Variables::default() }).unwrap();
    let case = |method, url| case(&config, &post("").by(method).to(url));
    assert_eq!(case("GET", "https://e/_oncegate/problems"), "page");
    assert_eq!(case("POST", "https://e/_oncegate/problems"), "operator");
    assert_eq!(case("GET", "https://e/_oncegate/else"), "operator");
    assert_eq!(case("GET", "https://e/_oncegates"), "pass");
}

#[test]
fn a_body_that_is_announced_too_large_is_refused_before_it_comes() {
    let config = config(json!({ "max_request": 10 }));
    assert_eq!(case(&config, &post("").header("content-length", "11")), "too-large");
    assert_eq!(case(&config, &post("").header("content-length", "10")), "guarded");
    assert_eq!(case(&config, &post("").header("content-length", "many")), "guarded", "it is counted as it comes");
}

#[test]
fn a_scope_comes_from_wherever_the_route_says() {
    let config = config(json!({ "scope": ["cookie:session", "client-certificate", "host"] }));
    let whole = || post("").header("cookie", "a=1; session=s").header("test-certificate", "f");
    let one = id(&config, &whole());
    assert_eq!(one, id(&config, &whole().header("cookie", "session=s; a=2").without("authorization")));
    assert_ne!(one, id(&config, &whole().header("cookie", "session=t")));
    assert_ne!(one, id(&config, &whole().header("test-certificate", "g")));
    assert_ne!(one, id(&config, &whole().to("https://other.example/v1/payments")));
    assert_eq!(case(&config, &whole().header("cookie", "a=1")), "unscoped");
    assert_eq!(case(&config, &whole().without("test-certificate")), "unscoped");
    // Which source a value comes from counts: a cookie's value is not a certificate's.
    let swapped = whole().header("cookie", "session=f").header("test-certificate", "s");
    assert_ne!(one, id(&config, &swapped));
}
