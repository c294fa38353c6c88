//! What a route says of itself, by what its fields say.

use core::num::NonZeroU16;
use core::time::Duration;

use super::*;
use crate::ids::RecordId;
use crate::outcome::Status;

fn route(fields: Value) -> Route {
    let mut table = json!({ "name": "pay", "path": "/{shop}/{order}", "scope": "public" });
    for (name, value) in fields.as_object().unwrap() {
        table[name.as_str()] = value.clone();
    }
    parse(json!([table])).unwrap().routes.routes()[0].clone()
}

#[test]
fn an_early_reply_streams_what_has_a_body() {
    let status = |code| Status::new(code).unwrap();
    assert!(FirstReply::Early.streams(status(201)));
    assert!(!FirstReply::Early.streams(status(204)) && !FirstReply::Early.streams(status(304)));
    assert!(!FirstReply::Stored.streams(status(201)) && !FirstReply::Stored.streams(status(204)));
}

#[test]
fn the_headers_of_key_and_scope_are_known() {
    let scope = json!(["header:Authorization", "path:shop", "host"]);
    let both = route(json!({ "key": ["header:X-Key", "path:order", "query:k"], "scope": scope }));
    assert_eq!(both.headers(), ["x-key", "authorization"]);
    assert_eq!(route(json!({ "key": ["path:order"] })).headers(), Vec::<&str>::new());
}

#[test]
fn a_body_is_read_as_json_where_key_or_fingerprint_are_in_it() {
    assert!(route(json!({ "fingerprint": "json" })).needs_json());
    assert!(route(json!({ "key": ["header:X-Key", "json:/id"] })).needs_json());
    assert!(!route(json!({ "fingerprint": "none", "key": ["header:X-Key", "path:order"] })).needs_json());
}

#[test]
fn ledgers_are_those_of_all_layouts_the_previous_ones_first() {
    let now = route(json!({ "shards": 2 }));
    assert_eq!(now.ledgers().collect::<Vec<_>>(), ["pay/2/0", "pay/2/1"]);
    assert_eq!((now.ledger_count(), now.layouts().count()), (2, 1));
    let moved = route(json!({ "shards": { "count": 1, "previous": 2 }, "renamed_from": "charge" }));
    assert_eq!(moved.ledgers().collect::<Vec<_>>(), ["charge/2/0", "charge/2/1", "pay/1/0"]);
    assert_eq!((moved.ledger_count(), moved.layouts().count()), (3, 2));
    let layouts: Vec<&Layout> = moved.layouts().collect();
    assert_ne!(layouts[0].id(), layouts[1].id());
    assert_eq!(layouts[1].id(), Layout { name: "pay".to_owned(), shards: NonZeroU16::MIN }.id());
    assert!(["pay/2/0", "pay/2/1"].contains(&now.layout.ledger(&RecordId::from_bytes([7; 32])).as_str()));
}

#[test]
fn a_parameter_of_the_path_tells_by_whom_where_key_scope_or_probe_name_it() {
    let tells = |fields: Value| {
        let route = route(fields);
        (route.tells_by("shop"), route.tells_by("order"))
    };
    assert_eq!(tells(json!({})), (false, false));
    assert_eq!(tells(json!({ "scope": ["path:shop"] })), (true, false));
    assert_eq!(tells(json!({ "key": ["path:order"] })), (false, true));
    assert_eq!(tells(json!({ "on_unknown": { "probe": "/{order}/{key}" } })), (false, true));
}

#[test]
fn times_are_sums() {
    let seconds = Duration::from_secs;
    let times = route(json!({ "ttl": "1h", "guard": "1m", "timeout": "5s", "on_duplicate": "wait", "wait": "3s" }));
    assert_eq!((times.retention(), times.lease(), times.wait()), (seconds(3660), seconds(15), seconds(3)));
    assert_eq!(route(json!({ "wait": "3s" })).wait(), Duration::ZERO, "it answers at once");
}

#[test]
fn a_source_of_the_scope_is_told_as_clients_know_it() {
    let scope = json!(["header:X-Account", "path:shop", "host", "cookie:session", "client-certificate"]);
    let told: Vec<String> =
        route(json!({ "scope": scope })).scope.sources().iter().map(ScopeSource::describe).collect();
    let expected =
        ["the header x-account", "the path parameter shop", "the host", "the cookie session", "a client certificate"];
    assert_eq!(told, expected);
}

#[test]
fn a_route_that_is_off_guards_nothing_and_is_still_known() {
    let table = |name: &str, method: &str, mode: &str| json!({ "name": name, "path": "/a", "scope": "public", "methods": [method], "mode": mode });
    let config = parse(json!([table("on", "POST", "enforce"), table("off", "PUT", "off")])).unwrap();
    let routes = &config.routes;
    assert!(routes.guards_method("POST") && !routes.guards_method("PUT") && !routes.guards_method("GET"));
    assert_eq!(routes.routes().len(), 1);
    assert_eq!(routes.all().map(|route| route.name.as_str()).collect::<Vec<_>>(), ["on", "off"]);
    assert!(routes.named("off").is_some() && routes.named("other").is_none());
}
