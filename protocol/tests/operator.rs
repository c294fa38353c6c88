//! What an operator is told and may do: addresses, bodies, pages, and the records of all layouts together.

use core::time::Duration;
use std::collections::BTreeMap;

use oncegate_protocol::config::{Config, Route, Secret, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::ids::{AttemptId, Fingerprint, LayoutId, RecordId};
use oncegate_protocol::ledger_state::Counters;
use oncegate_protocol::operator::*;
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::*;
use oncegate_protocol::request::{Admission, Guarded, Place, RequestHead, RequestUrl, admit as admit_request};
use oncegate_protocol::slot::Slot;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{OperatorCommand, Page, Report, SentIntervention, ShownBody, Tally};
use serde_json::{Value, json};

mod problems;
mod standing;

const TOKEN: &str = "0123456789abcdef";
const FENCE: &str = "abababababababababababababababAB";
const ID: &str = "0707070707070707070707070707070707070707070707070707070707070707";

fn config(routes: &Value) -> Config {
    let routes = vec![("ROUTES".to_owned(), routes.to_string())];
    let origin = Some("https://api.example.com".to_owned());
    let admin_token = Some(Secret::new(TOKEN.to_owned()));
    let seal_key = Some(Secret::new("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=".to_owned()));
    Config::parse(&Variables { origin, admin_token, seal_key, routes, ..Variables::default() }).unwrap()
}

fn payments(fields: Value) -> Config {
    let mut route = json!({ "name": "payments", "path": "/v1/payments", "scope": ["header:Authorization"] });
    route.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    config(&json!([route]))
}

fn ask<'c>(config: &'c Config, method: &str, path: &str) -> Result<Ask<'c>, Problem> {
    let header = |name: &str| (name == "authorization").then(|| format!("Bearer {TOKEN}"));
    let href = format!("https://edge.example/_oncegate/{path}");
    let head = RequestHead { method, url: RequestUrl::parse(&href), header: &header, certificate: &|| None };
    admit(config, config.admin_token.as_ref().unwrap(), &head)
}

fn detail(problem: &Problem) -> String {
    let body: Value = serde_json::from_str(&problem.body()).unwrap();
    assert_eq!(body["status"], problem.status());
    body["detail"].as_str().unwrap().to_owned()
}

#[test]
fn each_address_asks_for_one_thing() {
    let config = payments(json!({}));
    let word = |method: &str, path: &str| match ask(&config, method, path) {
        Ok(Ask::Configuration) => "configuration".to_owned(),
        Ok(Ask::Counters(sums)) => format!("counters of {}", sums.ledgers().len()),
        Ok(Ask::Metrics(sums)) => format!("metrics of {}", sums.ledgers().len()),
        Ok(Ask::Records(tour)) => format!("records of {}", tour.route().name),
        Ok(Ask::Record { id, with_body, .. }) => format!("record {with_body} {id}"),
        Ok(Ask::Find(route)) => format!("find in {}", route.name),
        Ok(Ask::Resolve(_, id)) => format!("resolve {id}"),
        Ok(Ask::Forget(_, id)) => format!("forget {id}"),
        Err(problem) => format!("{} {}", problem.status(), detail(&problem)),
    };
    let record = format!("routes/payments/records/{ID}");
    let rows = [
        ("GET", "config".to_owned(), "configuration"),
        ("HEAD", "config".to_owned(), "configuration"),
        ("POST", "config".to_owned(), "405 Its methods are GET, HEAD."),
        ("GET", "counters".to_owned(), "counters of 8"),
        ("GET", "metrics".to_owned(), "metrics of 8"),
        ("GET", "metrics?from=6".to_owned(), "metrics of 2"),
        ("POST", "metrics".to_owned(), "405 Its methods are GET, HEAD."),
        ("GET", "routes/payments/counters".to_owned(), "counters of 8"),
        ("GET", "routes/payments/counters?from=5".to_owned(), "counters of 3"),
        ("GET", "routes/payments/counters?from=x".to_owned(), "400 The query's from must be a number"),
        ("GET", "routes/orders/counters".to_owned(), "404 The routes are payments."),
        ("GET", "routes/payments/records?state=unknown".to_owned(), "records of payments"),
        ("GET", "routes/payments/records?state=in-progress&limit=200".to_owned(), "records of payments"),
        ("GET", "routes/payments/records".to_owned(), "400 The query's state must be unknown or in-progress."),
        ("GET", "routes/payments/records?state=completed".to_owned(), "400 The query's state must be"),
        ("GET", "routes/payments/records?state=unknown&limit=201".to_owned(), "400 The query's limit must be"),
        ("GET", "routes/payments/records?state=unknown&after=x".to_owned(), "400 The query's after must be"),
        ("GET", "routes/payments/records?state=unknown&state=unknown".to_owned(), "400 The query has state twice."),
        (
            "GET",
            "routes/payments/records?status=unknown".to_owned(),
            "400 The query has \"status\"; its parameters are",
        ),
        ("GET", record.clone(), "record false 0707"),
        ("GET", format!("{record}?body=1"), "record true 0707"),
        ("GET", format!("{record}?body=yes"), "400 The query's body must be 1"),
        ("GET", "routes/payments/records/07".to_owned(), "400 A record's id is 64 hexadecimal digits"),
        ("POST", record.clone(), "405 Its methods are GET, HEAD."),
        ("POST", "routes/payments/records/find".to_owned(), "find in payments"),
        ("GET", "routes/payments/records/find".to_owned(), "405 Its methods are POST."),
        ("POST", format!("{record}/resolve"), "resolve 0707"),
        ("POST", format!("{record}/forget"), "forget 0707"),
        ("POST", format!("{record}/forget?now=1"), "400 The query has \"now\"; its parameters are none."),
        ("POST", format!("{record}/delete"), "404 The addresses are"),
        ("GET", String::new(), "404 The addresses are"),
        ("GET", "config/".to_owned(), "404 The addresses are"),
    ];
    for (method, path, expected) in rows {
        let got = word(method, &path);
        assert!(got.starts_with(expected), "{method} {path}: {got}");
    }
}

#[test]
fn the_console_is_there_where_a_token_is_set_and_its_files_are_told_from_the_api() {
    let seen = |config: &Config, method: &str, path: &str| {
        let href = format!("https://edge.example{path}");
        let url = RequestUrl::parse(&href);
        match admit_request(config, &RequestHead { method, url, header: &|_| None, certificate: &|| None }) {
            Admission::Console(file) => file.name(),
            Admission::Operator(_) => "the API",
            Admission::Nothing => "nothing",
            _ => panic!("{href} is not the gate's own"),
        }
    };
    let on = payments(json!({}));
    let mut off = payments(json!({}));
    off.admin_token = None;
    let rows = [
        ("GET", "/_oncegate/", ""),
        ("HEAD", "/_oncegate/", ""),
        ("GET", "/_oncegate/?a=1", ""),
        ("GET", "/_oncegate/console.css", "console.css"),
        ("GET", "/_oncegate/console.js", "console.js"),
        ("POST", "/_oncegate/", "the API"),
        ("GET", "/_oncegate/console.js/", "the API"),
        ("GET", "/_oncegate/Console.js", "the API"),
        ("GET", "/_oncegate//", "the API"),
        ("GET", "/_oncegate", "nothing"),
        ("GET", "/%5Foncegate/", "nothing"),
    ];
    for (method, path, expected) in rows {
        assert_eq!(seen(&on, method, path), expected, "{method} {path}");
        assert_eq!(seen(&off, method, path), "nothing", "{method} {path}");
    }
}

#[test]
fn the_files_of_the_console_are_what_they_say_and_may_do_little() {
    let types = [ConsoleFile::Page, ConsoleFile::Style, ConsoleFile::Script].map(|file| {
        let headers: BTreeMap<_, _> = file.headers().into_iter().collect();
        assert!(headers["content-security-policy"].starts_with("default-src 'none'; "));
        assert_eq!((headers["cache-control"], headers["x-content-type-options"]), ("no-store", "nosniff"));
        headers["content-type"].split(';').next().unwrap()
    });
    assert_eq!(types, ["text/html", "text/css", "text/javascript"]);
}

#[test]
fn without_the_token_nothing_is_told() {
    let config = payments(json!({}));
    let unauthorized = |path: &str, authorization: Option<&str>| {
        let header = |name: &str| authorization.filter(|_| name == "authorization").map(str::to_owned);
        let href = format!("https://edge.example/_oncegate/{path}");
        let head = RequestHead { method: "GET", url: RequestUrl::parse(&href), header: &header, certificate: &|| None };
        assert!(matches!(admit_request(&config, &head), Admission::Operator(_)));
        let problem = admit(&config, config.admin_token.as_ref().unwrap(), &head).unwrap_err();
        assert!(problem.headers().contains(&("www-authenticate".to_owned(), "Bearer".to_owned())));
        problem
    };
    let expected = unauthorized("config", None);
    assert_eq!(expected.status(), 401);
    for path in ["config", "nothing", "routes/orders/counters"] {
        for authorization in [None, Some("Bearer wrong"), Some("Basic 0123456789abcdef")] {
            assert_eq!(unauthorized(path, authorization), expected);
        }
    }
}

#[test]
fn only_a_body_that_is_stored_is_sealed() {
    let sealed = payments(json!({ "seal": true }));
    let plain = payments(json!({}));
    let resolve = |route: &Route, members: &str| {
        let body = format!(r#"{{ "fence": "{FENCE}", "who": "alice", "why": "asked", {members} }}"#);
        body::resolve(route, body.as_bytes()).unwrap()
    };
    let (sealed, plain) = (&sealed.routes.routes()[0], &plain.routes.routes()[0]);
    let completed = r#""as": "completed", "response": { "status": 201, "body": "x" }"#;
    let change = resolve(sealed, completed);
    assert_eq!(change.seal(sealed), Some((sealed.seal.as_ref().unwrap(), Status::new(201).unwrap())));
    assert_eq!(change.seal(plain), None);
    assert_eq!(change.name(), "resolved as completed");
    let empty = resolve(sealed, r#""as": "completed", "response": { "status": 204 }"#);
    assert_eq!(empty.seal(sealed), None);
    let released = resolve(sealed, r#""as": "released""#);
    assert_eq!((released.seal(sealed), released.name()), (None, "resolved as released"));
    let forgotten = body::forget(format!(r#"{{ "fence": "{FENCE}", "who": "alice", "why": "asked" }}"#).as_bytes());
    assert_eq!(forgotten.unwrap().name(), "forgotten");
}

/// The ids that requests get, as the gate reads them.
fn request_ids(config: &Config, headers: &[(&str, &str)], url: &str, body: &str) -> Vec<RecordId> {
    let header = |wanted: &str| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
    let head = RequestHead { method: "POST", url: RequestUrl::parse(url), header: &header, certificate: &|| None };
    let identity = match admit_request(config, &head) {
        Admission::Guarded(Guarded::ByBytes(guard)) => guard.identify(BodyDigest::default()),
        Admission::Guarded(Guarded::ByJson(guard)) => guard.identify(body.as_bytes()).unwrap(),
        _ => panic!("not guarded"),
    };
    identity.previous.into_iter().chain([identity.place]).map(|place| place.id).collect()
}

fn found_ids(config: &Config, body: &Value) -> Result<Vec<RecordId>, String> {
    let route = &config.routes.routes()[0];
    let places = body::find(route, body.to_string().as_bytes()).map_err(|problem| detail(&problem))?;
    Ok(places.iter().map(|place| place.id).collect())
}

#[test]
fn a_record_is_found_by_what_a_request_would_have_sent() {
    let by_header = payments(json!({ "renamed_from": "charges" }));
    let sent = [("authorization", "Bearer alice"), ("idempotency-key", "\"k\"")];
    let ids = request_ids(&by_header, &sent, "https://edge/v1/payments", "");
    assert_eq!(ids.len(), 2, "in both layouts");
    for body in [
        json!({ "scope": { "header:Authorization": "Bearer alice" }, "key": ["k"] }),
        json!({ "scope": { "header:authorization": " Bearer alice " }, "key": ["\"k\""] }),
    ] {
        assert_eq!(found_ids(&by_header, &body), Ok(ids.clone()));
    }

    let combined = payments(json!({
        "path": "/v1/{merchant}/orders",
        "key": ["json:/order", "query:part", "path:merchant"],
        "key_format": "uuid",
        "scope": ["host", "cookie:session", "path:merchant"],
    }));
    let uuid = "8E03978E-40D5-43E8-BC93-6894A57F9324";
    let body = json!({ "order": uuid.to_lowercase() }).to_string();
    let url = "https://edge.example/v1/m%20y/orders?part=%2B1";
    let ids = request_ids(&combined, &[("cookie", "a=b; session=x=y")], url, &body);
    let scope = json!({ "host": "Edge.Example", "cookie:session": "x=y", "path:merchant": "m y" });
    assert_eq!(found_ids(&combined, &json!({ "scope": scope, "key": [uuid, "+1", "m y"] })), Ok(ids));

    let public = payments(json!({ "scope": "public", "key": ["json:/id"] }));
    let ids = request_ids(&public, &[], "https://edge/v1/payments", r#"{"id":12}"#);
    for key in [json!(12), json!("12")] {
        assert_eq!(found_ids(&public, &json!({ "key": [key] })), Ok(ids.clone()));
    }
}

#[test]
fn what_is_missing_to_find_a_record_is_named_and_no_value_is_repeated() {
    let config = payments(json!({ "key_format": "uuid", "key_syntax": "strict" }));
    let carol = json!({ "header:Authorization": "Bearer carol" });
    let rows = [
        (json!({ "key": ["k"] }), "\"scope\" must be an object"),
        (json!({ "scope": {}, "key": ["k"] }), "\"scope\" must have \"header:authorization\" once"),
        (json!({ "scope": { "header:Authorization": "" }, "key": ["k"] }), "\"scope\" must have"),
        (json!({ "scope": { "header:X": "carol" }, "key": ["k"] }), "\"scope\" has \"header:X\"; the route's scope is"),
        (json!({ "scope": { "x": "carol" }, "key": ["k"] }), "\"scope\" has \"x\"; the route's scope is \"header:auth"),
        (json!({ "scope": carol }), "\"key\" must be a list"),
        (json!({ "scope": carol, "key": [] }), "\"key\" has 0 parts, and the route's key has 1: \"header:idempot"),
        (json!({ "scope": carol, "key": [1] }), "\"key\"[0] (header:idempotency-key) is not a key: it must be a text"),
        (
            json!({ "scope": carol, "key": ["carol"] }),
            "\"key\"[0] (header:idempotency-key) is not a key: it is not one RFC",
        ),
        (
            json!({ "scope": carol, "key": ["\"carol\""] }),
            "\"key\"[0] (header:idempotency-key) is not a key: it is not a UUID",
        ),
        (json!({ "scope": carol, "key": ["k"], "id": 1 }), "There is no member \"id\" here; there are scope, key."),
        (json!([]), "The body must be a JSON object."),
    ];
    for (body, expected) in rows {
        let error = found_ids(&config, &body).unwrap_err();
        assert!(error.starts_with(expected) && !error.contains("carol"), "{body}: {error}");
    }
}

#[test]
fn a_change_is_read_or_refused_with_what_is_wrong() {
    let config = payments(json!({ "max_response": 10, "keep_headers": ["set-cookie"] }));
    let route = &config.routes.routes()[0];
    let resolve = |mut members: Value| {
        let object = members.as_object_mut().unwrap();
        object.entry("who").or_insert_with(|| "alice".into());
        object.entry("why").or_insert_with(|| "found in the bank's file".into());
        object.entry("fence").or_insert_with(|| FENCE.into());
        body::resolve(route, members.to_string().as_bytes()).map_err(|problem| detail(&problem))
    };
    let respond = |response: Value| resolve(json!({ "as": "completed", "response": response }));

    let headers = json!([["Content-Type", " application/json "], ["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
    let change = respond(json!({ "status": 201, "headers": headers, "body_base64": "AP9h" })).unwrap();
    let expected = [("content-type", "application/json"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
    let headers = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let status = Status::new(201).unwrap();
    assert_eq!(change.intervention, SentIntervention::Complete { status, headers, length: 3, sealed_by: None });
    assert_eq!((change.body, change.note.who()), (vec![0, 0xff, b'a'], "alice"));
    assert_eq!(change.fence, AttemptId::from_bytes([0xab; 16]));
    assert_eq!(respond(json!({ "status": 200, "body": "ü" })).unwrap().body, "ü".as_bytes());
    assert_eq!(respond(json!({ "status": 200, "body": "x".repeat(10) })).unwrap().body.len(), 10);
    assert_eq!(resolve(json!({ "as": "released" })).unwrap().intervention, SentIntervention::Release);
    let forget = |mut members: Value| {
        members
            .as_object_mut()
            .unwrap()
            .extend([("who".to_owned(), "alice".into()), ("why".to_owned(), "asked".into())]);
        body::forget(members.to_string().as_bytes()).map_err(|problem| detail(&problem))
    };
    let forgotten = forget(json!({ "fence": FENCE })).unwrap();
    assert_eq!(forgotten.intervention, SentIntervention::Forget);
    assert_eq!(forgotten.fence, AttemptId::from_bytes([0xab; 16]));
    for members in [json!({}), json!({ "fence": "ab" }), json!({ "fence": 1 })] {
        let error = forget(members).unwrap_err();
        assert!(error.starts_with("\"fence\" must be"), "{error}");
    }

    let header = |name: &str, value: &str| json!({ "status": 200, "headers": [[name, value]] });
    let rows = [
        (json!({ "as": "done" }), "\"as\" must be \"completed\" or \"released\""),
        (json!({ "as": "completed" }), "\"response\" must be an object"),
        (json!({ "as": "released", "response": {} }), "There is no member \"response\" here"),
        (json!({ "as": "released", "fence": null }), "\"fence\" must be a text"),
        (json!({ "as": "released", "fence": "" }), "\"fence\" must be 32 hexadecimal digits"),
        (json!({ "as": "released", "fence": format!("{FENCE}0") }), "\"fence\" must be 32 hexadecimal digits"),
        (json!({ "as": "released", "who": "" }), "\"who\" is empty"),
        (json!({ "as": "released", "who": 1 }), "\"who\" must be a text"),
        (json!({ "as": "released", "why": "a\u{1b}[2J" }), "\"why\" has a control character"),
        (json!({ "as": "released", "why": "x".repeat(501) }), "\"why\" has 501 bytes, and at most 500"),
        (json!({ "as": "released", "more": 1 }), "There is no member \"more\" here"),
        (json!({ "as": "completed", "response": {} }), "\"status\" must be a number from 200 to 599"),
        (json!({ "as": "completed", "response": { "status": 101 } }), "\"status\" must be a number from 200 to 599"),
        (
            json!({ "as": "completed", "response": { "status": 204, "body": "x" } }),
            "An answer with status 204 has no body",
        ),
        (
            json!({ "as": "completed", "response": { "status": 200, "body": "x".repeat(11) } }),
            "The body has 11 bytes, and max",
        ),
        (json!({ "as": "completed", "response": { "status": 200, "body": "", "body_base64": "" } }), "Either body or"),
        (
            json!({ "as": "completed", "response": { "status": 200, "body_base64": "?" } }),
            "\"body_base64\" must be base64",
        ),
        (json!({ "as": "completed", "response": { "status": 200, "headers": [["a"]] } }), "\"headers\" must be a list"),
        (json!({ "as": "completed", "response": header("a b", "c") }), "The header \"a b\" is not a header's name"),
        (
            json!({ "as": "completed", "response": header("Connection", "c") }),
            "The header \"Connection\" belongs to the",
        ),
        (
            json!({ "as": "completed", "response": header("content-length", "0") }),
            "The header \"content-length\" belongs",
        ),
        (
            json!({ "as": "completed", "response": header("Oncegate-Frame", "1") }),
            "The header \"Oncegate-Frame\" is the",
        ),
        (
            json!({ "as": "completed", "response": header("authorization", "x") }),
            "The header \"authorization\" carries",
        ),
        (json!({ "as": "completed", "response": header("a", "b\nc") }), "The header \"a\" has a value with other"),
        (
            json!({ "as": "completed", "response": { "status": 200, "headers": vec![["a", "b"]; 257] } }),
            "The headers are too many or too large",
        ),
    ];
    for (members, expected) in rows {
        let error = resolve(members.clone()).unwrap_err();
        assert!(error.starts_with(expected), "{members}: {error}");
    }
    let twice = body::forget(br#"{"who":"alice","who":"bob","why":"x"}"#).unwrap_err();
    assert!(detail(&twice).starts_with("The body must be a JSON object. Reading it"));
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn record(state: State, expires_at: u64) -> Record {
    Record {
        fingerprint: Fingerprint::from_bytes([1; 32]),
        attempt: AttemptId::from_bytes([9; 16]),
        number: 1,
        state,
        expires_at: at(expires_at),
        history: History::default(),
    }
}

fn unknown() -> Record {
    record(State::Unknown(Doubt::BodyCut), 1000)
}

fn id(shard: u8, number: u16) -> RecordId {
    let mut bytes = [0; 32];
    bytes[7] = shard;
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    RecordId::from_bytes(bytes)
}

/// Where these tests have its row.
fn slot(id: &RecordId) -> Slot {
    let [.., high, low] = *id.as_bytes();
    Slot::new(u16::from_be_bytes([high, low]).into()).unwrap()
}

/// A ledger's tables by generation, as the real ones are read.
type Tables = BTreeMap<u32, BTreeMap<RecordId, Record>>;

fn walk(tables: &Tables, mut walk: Walk, now: Timestamp) -> (Page, usize) {
    let mut steps = 0;
    while let Some(step) = walk.step() {
        steps += 1;
        assert!(steps <= 100, "the page is never done: {step:?}");
        let rows: Vec<(&RecordId, &Record)> = tables[&step.generation]
            .iter()
            .filter(|(id, _)| step.after.is_none_or(|after| slot(id) > after))
            .take(step.rows as usize)
            .collect();
        let last = rows.last().map(|(id, _)| slot(id));
        let newest = rows.iter().filter(|(id, _)| !step.newer.iter().any(|newer| tables[newer].contains_key(id)));
        let candidates: Vec<_> =
            newest.map(|(id, record)| Row { slot: slot(id), id: **id, stored: record.encode() }).collect();
        walk.saw(&step, u32::try_from(rows.len()).unwrap(), last, candidates, now);
    }
    (walk.finish(), steps)
}

fn pages(tables: &Tables, listed: Listed, limit: u16, now: Timestamp) -> Vec<Vec<RecordId>> {
    let mut from = None;
    let mut pages = Vec::new();
    loop {
        let begun = Walk::begin(listed, limit, from, tables.keys().rev().copied());
        let (page, _) = walk(tables, begun, now);
        pages.push(page.entries.iter().map(|entry| entry.id).collect());
        from = page.next;
        if from.is_none() {
            return pages;
        }
        assert!(pages.len() <= 2_000, "the list never ends: {from:?}");
    }
}

#[test]
fn each_record_that_stands_so_is_listed_once_whatever_the_page_is() {
    let mut tables = Tables::new();
    for number in 0..1300_u16 {
        let generation = 2 + u32::from(number % 3) * 2;
        let state = match number % 7 {
            0 => State::InProgress { lease_until: at(500) },
            1 => State::InProgress { lease_until: at(100) },
            2 => State::Released,
            4 => State::Probing {
                by: AttemptId::from_bytes([8; 16]),
                until: at(if number % 2 == 0 { 100 } else { 500 }),
                doubt: Doubt::BodyCut,
            },
            3 => State::Moved { next: LayoutId::from_bytes([0; 8]) },
            _ => State::Unknown(Doubt::Status(502)),
        };
        let expires_at = if number % 11 == 0 { 150 } else { 1000 };
        tables.entry(generation).or_default().insert(id(0, number), record(state, expires_at));
        if number % 13 == 0 {
            // An older row of a key that was claimed again.
            tables.entry(1).or_default().insert(id(0, number), unknown());
        }
    }
    let now = at(200);
    let stands = |listed: Listed| -> Vec<RecordId> {
        let mut ids: Vec<RecordId> = Vec::new();
        for (generation, table) in tables.iter().filter(|(generation, _)| **generation > 1) {
            assert!(*generation % 2 == 0);
            ids.extend(table.iter().filter(|(_, record)| listed.takes(record.view(now))).map(|(id, _)| *id));
        }
        ids
    };
    for listed in [Listed::Unknown, Listed::InProgress] {
        let expected = stands(listed);
        assert!(expected.len() > 150);
        for limit in [1, 7, 50, 200] {
            let pages = pages(&tables, listed, limit, now);
            assert!(pages.iter().all(|page| page.len() <= usize::from(limit)));
            assert_eq!(pages.concat(), expected, "{listed:?} by {limit}");
        }
    }
}

/// Storage picks rows by that byte alone, so that a state which it does not name would be missing from every list.
#[test]
fn all_states_that_may_be_listed_are_looked_at() {
    let probing = |until| State::Probing { by: AttemptId::from_bytes([8; 16]), until, doubt: Doubt::BodyCut };
    let answer =
        Answer { status: Status::new(201).unwrap(), headers: Vec::new(), body: KeptBody::TooLarge, sealed_by: None };
    let states = [
        State::InProgress { lease_until: at(100) },
        State::InProgress { lease_until: at(500) },
        State::Completed(answer),
        State::Released,
        State::Unknown(Doubt::BodyCut),
        State::Moved { next: LayoutId::from_bytes([0; 8]) },
        probing(at(100)),
        probing(at(500)),
    ];
    let mut taken = 0;
    for state in states {
        let is_over = matches!(state, State::Completed(_) | State::Released | State::Moved { .. });
        let record = record(state, 1000);
        for listed in [Listed::Unknown, Listed::InProgress] {
            let is_looked_at = listed.state_bytes().contains(&record.encode()[STATE_OFFSET]);
            let is_taken = listed.takes(record.view(at(200)));
            taken += usize::from(is_taken);
            assert!(is_looked_at || !is_taken, "{listed:?} {record:?}");
            assert!(!is_looked_at || !is_over, "{listed:?} {record:?} is read in vain");
        }
    }
    assert_eq!(taken, 5);
}

#[test]
fn a_page_looks_at_a_bounded_number_of_rows() {
    let rows = |count: u16, record: &Record| (0..count).map(|number| (id(0, number), record.clone())).collect();
    let tables = Tables::from([(1, rows(9_000, &record(State::Released, 1000))), (2, rows(1, &unknown()))]);
    let (page, steps) = walk(&tables, Walk::begin(Listed::Unknown, 50, None, [2, 1].into_iter()), at(200));
    assert!(page.entries.is_empty() && page.next.is_some(), "{page:?}");
    assert!(steps <= 4, "{steps} statements for one page");
    assert_eq!(pages(&tables, Listed::Unknown, 50, at(200)).concat(), [id(0, 0)]);
    let tables = Tables::from([(1, rows(30, &unknown()))]);
    let (page, steps) = walk(&tables, Walk::begin(Listed::Unknown, 10, None, [1].into_iter()), at(200));
    assert_eq!((page.entries.len(), steps), (10, 1), "a full page looks at nothing more");
}

#[test]
fn a_generation_that_went_meanwhile_is_passed_over() {
    let tables = Tables::from([(3, BTreeMap::from([(id(0, 1), unknown())]))]);
    let from = Some(oncegate_protocol::wire::Position { generation: 2, after: Some(slot(&id(0, 9))) });
    let (page, _) = walk(&tables, Walk::begin(Listed::Unknown, 50, from, [3].into_iter()), at(200));
    assert_eq!((page.entries.len(), page.next), (1, None));
}

#[test]
fn rows_that_cannot_be_read_are_counted() {
    let mut walk = Walk::begin(Listed::Unknown, 50, None, [1].into_iter());
    let step = walk.step().unwrap();
    let row = |number, stored| Row { slot: slot(&id(0, number)), id: id(0, number), stored };
    let rows = [row(1, vec![9]), row(2, unknown().encode())];
    walk.saw(&step, 2, Some(slot(&id(0, 2))), rows, at(200));
    let page = walk.finish();
    assert_eq!((page.entries.len(), page.unreadable, page.next), (1, 1, None));
}

/// All ids of a route's unknown records, page by page, as an operator goes through them.
fn go_through(config: &Config, ledgers: &BTreeMap<String, Tables>, broken: &str) -> (Vec<String>, Vec<Value>, usize) {
    let (mut ids, mut failed, mut replies, mut query) = (Vec::new(), Vec::new(), 0, String::new());
    loop {
        let Ok(Ask::Records(mut tour)) =
            ask(config, "GET", &format!("routes/payments/records?state=unknown&limit=5{query}"))
        else {
            panic!("refused: {query}");
        };
        let mut calls = 0;
        while let Some((name, command)) = tour.step() {
            calls += 1;
            assert!(calls <= 16, "{calls} ledgers are asked for one page");
            let OperatorCommand::List { listed, limit, from } = command else { panic!("{command:?}") };
            let nothing = Tables::new();
            let tables = ledgers.get(&name).unwrap_or(&nothing);
            let begun = Walk::begin(listed, limit, from, tables.keys().rev().copied());
            tour.saw(&name, (name != broken).then(|| walk(tables, begun, at(200)).0));
        }
        let reply = tour.reply();
        replies += 1;
        assert!(replies <= 100, "the list never ends: {reply}");
        assert_eq!(reply["state"], "unknown");
        let records = reply["records"].as_array().unwrap();
        assert!(records.len() <= 5);
        ids.extend(records.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
        failed.extend(reply["failed"].as_array().unwrap().clone());
        match reply["next"].as_str() {
            Some(next) => query = format!("&after={}", next.replace('/', "%2F")),
            None => return (ids, failed, replies),
        }
    }
}

#[test]
fn a_route_is_gone_through_ledger_by_ledger_and_layout_by_layout() {
    let config = payments(json!({ "shards": { "count": 40, "previous": 3 } }));
    let mut ledgers: BTreeMap<String, Tables> = BTreeMap::new();
    let mut expected = Vec::new();
    let shards = (0..3).map(|shard| (3, shard)).chain((0..40).map(|shard| (40, shard)));
    for (count, shard) in shards.filter(|(_, shard)| shard % 5 != 1) {
        let table: BTreeMap<RecordId, Record> = (0..7).map(|number| (id(shard, number + count), unknown())).collect();
        expected.extend(table.keys().map(ToString::to_string));
        ledgers.insert(format!("payments/{count}/{shard}"), Tables::from([(1, table)]));
    }
    let (ids, failed, replies) = go_through(&config, &ledgers, "");
    assert_eq!(ids, expected);
    assert!(failed.is_empty() && replies >= expected.len() / 5);

    let (ids, failed, _) = go_through(&config, &ledgers, "payments/40/2");
    assert_eq!(failed, ["payments/40/2"]);
    assert_eq!(ids.len(), expected.len() - 7, "the others are listed all the same");
}

#[test]
fn counters_are_summed_a_bounded_number_of_ledgers_at_a_time() {
    let config = payments(json!({ "shards": 300 }));
    let refused = ask(&config, "GET", "counters").unwrap_err();
    assert!(detail(&refused).starts_with("There are 300 ledgers, and at most 128 are asked at a time."));
    let (mut from, mut forwarded, mut asked) = (0, 0, 0);
    loop {
        let Ok(Ask::Counters(sums)) = ask(&config, "GET", &format!("routes/payments/counters?from={from}")) else {
            panic!("refused");
        };
        let tallies: Vec<(String, Option<Tally>)> = sums
            .ledgers()
            .into_iter()
            .map(|(_, name)| {
                let bytes = if name == "payments/300/200" { 9000 } else { 4096 };
                let counters = Counters { forwarded: 2, ..Counters::default() };
                (name, Some(Tally { counters, generations: 1, bytes }))
            })
            .collect();
        assert!(tallies.len() <= 128);
        let reply = sums.reply(&tallies);
        forwarded += reply["counters"]["forwarded"].as_u64().unwrap();
        asked += reply["ledgers"]["asked"].as_u64().unwrap();
        if from == 128 {
            assert_eq!(reply["largest"], json!({ "ledger": "payments/300/200", "bytes": 9000 }));
        }
        match reply["next"].as_u64() {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!((asked, forwarded), (300, 600));

    let most = payments(json!({ "shards": 128 }));
    assert!(ask(&most, "GET", "counters").is_ok());
    let small = payments(json!({}));
    let Ok(Ask::Counters(sums)) = ask(&small, "GET", "counters") else { panic!("refused") };
    let reply = sums.reply(&[("payments/8/0".to_owned(), None), ("payments/8/1".to_owned(), Some(Tally::default()))]);
    assert_eq!(reply["failed"], json!(["payments/8/0"]));
    assert_eq!(reply["largest"], Value::Null, "none has anything");
}

#[test]
fn metrics_are_sums_by_route_and_say_whom_they_lack() {
    let config = payments(json!({ "shards": 130 }));
    let Ok(Ask::Metrics(sums)) = ask(&config, "GET", "metrics") else { panic!("refused") };
    let counters = Counters {
        forwarded: 2,
        unknown_body_cut: 1,
        completed_in_10ms: 3,
        completed_in_2m: 1,
        completed_later: 1,
        completion_millis: 1_050,
        ..Counters::default()
    };
    let text = |silent: Option<usize>| {
        let tally = |(index, (_, name)): (usize, (&Route, String))| {
            (name, (Some(index) != silent).then_some(Tally { counters, generations: 1, bytes: 4096 }))
        };
        sums.metrics(&sums.ledgers().into_iter().enumerate().map(tally).collect::<Vec<_>>())
    };
    let with_gap = text(Some(7));
    assert!(with_gap.contains("oncegate_ledgers_failed{route=\"payments\"} 1\n"), "{with_gap}");
    assert!(!with_gap.contains("_total{") && !with_gap.contains("_bucket{"), "a sum would have fallen: {with_gap}");
    let text = text(None);
    let lines = [
        "# TYPE oncegate_requests counter",
        "oncegate_requests_total{route=\"payments\",outcome=\"first\"} 256",
        "oncegate_requests_told_unknown_total{route=\"payments\",reason=\"body-cut\"} 128",
        "oncegate_completion_seconds_bucket{route=\"payments\",le=\"0.01\"} 384",
        "oncegate_completion_seconds_bucket{route=\"payments\",le=\"30.0\"} 384",
        "oncegate_completion_seconds_bucket{route=\"payments\",le=\"120.0\"} 512",
        "oncegate_completion_seconds_bucket{route=\"payments\",le=\"+Inf\"} 640",
        "oncegate_completion_seconds_count{route=\"payments\"} 640",
        "oncegate_completion_seconds_sum{route=\"payments\"} 134.400",
        "oncegate_ledgers{route=\"payments\"} 128",
        "oncegate_ledgers_failed{route=\"payments\"} 0",
        "oncegate_storage_bytes{route=\"payments\"} 524288",
        "oncegate_ledgers_not_asked 2",
    ];
    for line in lines {
        assert!(text.lines().any(|got| got == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("\n# EOF\n"));
    let of = |line: &str| line.split(['{', ' ']).next().unwrap_or_default().to_owned();
    let samples: Vec<String> = text.lines().filter(|line| !line.starts_with('#')).map(of).collect();
    let mut groups = samples.clone();
    groups.dedup();
    let distinct: std::collections::BTreeSet<&String> =
        groups.iter().filter(|name| !name.contains("_seconds_")).collect();
    assert_eq!(
        distinct.len(),
        groups.iter().filter(|name| !name.contains("_seconds_")).count(),
        "a metric's samples come together"
    );
}

#[test]
fn of_two_layouts_the_one_that_has_the_record_tells() {
    let config = payments(json!({}));
    let place = |ledger: &str| Place { ledger: ledger.to_owned(), id: id(0, 1) };
    let now = at(200);
    let found = |record: Record| Report::Found { now, record: Box::new(record), body: ShownBody::None };
    let moved = || found(record(State::Moved { next: LayoutId::from_bytes([0; 8]) }, 1000));
    let expired = || found(record(State::Released, 100));
    // What the previous layout says, what the current one says, and which counts; "x" is not asked.
    let rows = [
        (found(unknown()), None, "previous unknown"),
        (moved(), Some(found(unknown())), "current unknown"),
        (moved(), Some(Report::Nothing), "previous moved"),
        (expired(), Some(found(unknown())), "current unknown"),
        (expired(), Some(Report::Nothing), "previous expired"),
        (Report::Nothing, Some(expired()), "current expired"),
        (Report::Nothing, Some(Report::Nothing), "404"),
        (Report::Unreadable("why".to_owned()), None, "503"),
        (moved(), Some(Report::Unreadable(String::new())), "503"),
        (Report::OtherAttempt { now, record: Box::new(unknown()) }, None, "409"),
        (moved(), Some(Report::OtherAttempt { now, record: Box::new(unknown()) }), "409"),
    ];
    for (previous, current, expected) in rows {
        let mut findings = Findings::default();
        let is_final = findings.take(&place("previous"), previous);
        assert_eq!(is_final, current.is_none(), "{expected}");
        if let Some(report) = current {
            findings.take(&place("current"), report);
        }
        let got = match findings.finish(&config.routes.routes()[0]) {
            Ok(standing) => format!("{} {}", standing.place.ledger, show::state(standing.record.view(standing.now))),
            Err(problem) => problem.status().to_string(),
        };
        assert_eq!(got, expected);
    }
}

#[test]
fn what_cannot_be_done_says_how_the_record_stands() {
    let now = at(200);
    let answer =
        Answer { status: Status::new(201).unwrap(), headers: Vec::new(), body: KeptBody::TooLarge, sealed_by: None };
    let rows = [
        (record(State::InProgress { lease_until: at(300) }, 1000), "in-progress", "until 1970-01-01T00:05:00.000Z"),
        (record(State::Completed(answer), 1000), "completed", "with status 201; it can be forgotten"),
        (record(State::Released, 1000), "released", "the key is free"),
        (record(State::Released, 100), "expired", "the key is free"),
    ];
    let config = payments(json!({}));
    let problem = |report| {
        let mut findings = Findings::default();
        findings.take(&Place { ledger: "l".to_owned(), id: id(0, 1) }, report);
        let problem = findings.finish(&config.routes.routes()[0]).unwrap_err();
        assert_eq!(problem.status(), 409);
        (problem.case(), detail(&problem), serde_json::from_str::<Value>(&problem.body()).unwrap())
    };
    for (record, state, text) in rows {
        let (case, detail, body) = problem(Report::Refused { now, record: Box::new(record.clone()) });
        assert_eq!((case, body["record"]["state"].as_str()), (Case::NotPossible, Some(state)));
        assert!(detail.contains(text), "{body}");

        let (case, detail, body) = problem(Report::OtherAttempt { now, record: Box::new(record) });
        assert_eq!((case, body["record"]["state"].as_str()), (Case::OtherAttempt, Some(state)));
        assert_eq!(body["type"], "urn:oncegate:operator-problem:other-attempt");
        assert!(detail.contains(body["record"]["fence"].as_str().unwrap()), "{body}");
        assert!(body["record"]["history"].is_array(), "{body}");
    }
}

#[test]
fn a_record_is_shown_with_all_that_is_known_of_it() {
    let note = Note::new("alice", "found").unwrap();
    let transition = |seconds, event| Transition { at: at(seconds), attempt_number: 1, event };
    let history: History = [
        transition(1, Event::Claimed),
        transition(2, Event::Doubted(Doubt::Status(502))),
        transition(3, Event::Resolved { status: Status::new(201), note: note.clone() }),
        transition(4, Event::Forgotten(note)),
    ]
    .into_iter()
    .collect();
    let headers = vec![("x-a".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())];
    let answer =
        Answer { status: Status::new(201).unwrap(), headers, body: KeptBody::Inline { length: 2 }, sealed_by: None };
    let record = Record { history, ..record(State::Completed(answer), 1000) };
    let config = payments(json!({}));
    let shown = |body| {
        let place = Place { ledger: "payments/8/0".to_owned(), id: id(0, 1) };
        show::record(
            &config.routes.routes()[0],
            &Standing { place, now: at(200), record: Box::new(record.clone()), body, unopenable: None },
        )
    };
    let whole = shown(ShownBody::None);
    assert_eq!(whole["state"], "completed");
    assert_eq!(whole["expires_at"], "1970-01-01T00:16:40.000Z");
    assert_eq!(whole["fence"], "09".repeat(16));
    let response = json!({ "status": 201, "headers": [["x-a", "1"], ["x-a", "2"]], "header_bytes": 8,
                           "body_kept": true, "body_bytes": 2, "sealed_by": null });
    assert_eq!(whole["response"], response);
    let expected = json!([
        { "at": "1970-01-01T00:00:01.000Z", "attempt": 1, "event": "claimed" },
        { "at": "1970-01-01T00:00:02.000Z", "attempt": 1, "event": "doubted", "doubt": "status-502" },
        { "at": "1970-01-01T00:00:03.000Z", "attempt": 1, "event": "resolved", "as": "completed", "status": 201,
          "who": "alice", "why": "found" },
        { "at": "1970-01-01T00:00:04.000Z", "attempt": 1, "event": "forgotten", "who": "alice", "why": "found" },
    ]);
    assert_eq!(whole["history"], expected);
    let text = shown(ShownBody::Bytes(b"ok".to_vec()));
    assert_eq!((&text["response"]["body_base64"], &text["response"]["body"]), (&json!("b2s="), &json!("ok")));
    let binary = shown(ShownBody::Bytes(vec![0xff, 0]));
    assert_eq!((&binary["response"]["body_base64"], &binary["response"]["body"]), (&json!("/wA="), &Value::Null));
    assert!(shown(ShownBody::TooLarge)["response"]["body_not_shown"].is_string());
}

/// Whoever adds a field to a route must show it: what is shown is a configuration, and means the same.
#[test]
fn the_configuration_that_is_shown_is_the_one_that_was_given() {
    let every_field = json!({
        "name": "orders", "path": "/v1/{merchant}/orders", "methods": ["PUT", "DELETE"],
        "key": ["json:/order~1id", "query:part", "path:merchant", "header:X-Key"],
        "key_syntax": "strict", "key_format": "ulid", "required": false,
        "scope": ["header:X", "cookie:Session", "path:merchant", "client-certificate", "host"],
        "fingerprint": { "include": ["/a"], "exclude": ["/b/c"] },
        "ttl": "3days", "guard": "90s", "timeout": "1500ms", "on_duplicate": "wait", "wait": "2500ms",
        "on_unknown": "retry", "on_ledger_failure": "pass", "store": [503], "release": [409], "unknown": [500],
        "reply": "early", "mode": "off", "shards": { "count": 16, "previous": 8 }, "renamed_from": "charges",
        "location_hint": "weur", "max_request": "100KiB", "max_response": 1_000_001, "keep_headers": ["set-cookie"],
        "max_records": 1000, "seal": true, "keys_per_scope": { "keys": 100, "window": "1m" },
    });
    let short = json!({ "name": "a", "path": "/a/{shop}", "scope": ["path:shop"], "fingerprint": "json",
                        "jurisdiction": "eu", "on_unknown": { "probe": "/a/{shop}/{key}?by=key" } });
    let jwt = json!({ "jwks": "https://a.example/keys", "issuer": "https://a.example", "audience": "payments" });
    let by_token =
        json!({ "name": "t", "path": "/t", "scope": ["jwt:sub", "jwt:https://a.example/org", "host"], "jwt": jwt });
    let given = config(&json!([short, by_token, every_field]));
    let shown = show::configuration(&given);
    assert_eq!(shown["origin"], "https://api.example.com");
    assert!(!shown.to_string().contains(TOKEN));
    let routes = shown["routes"].as_array().unwrap();
    for (route, fields) in given.routes.all().zip(routes) {
        let mut fields = fields.as_object().unwrap().clone();
        assert_eq!(fields.remove("lease").is_some(), route.lease() > Duration::ZERO);
        fields.retain(|_, value| !value.is_null());
        assert!(fields.get("jwt").is_none_or(|issuer| *issuer == jwt));
        let again = config(&json!([fields]));
        let again: Vec<&Route> = again.routes.all().collect();
        assert_eq!(again, [route]);
    }
}
