//! The bounds that the documents state, on both sides.

use super::*;

/// Whether a route may have this value.
fn takes(field: &str, value: Value) -> bool {
    with(field, value).is_ok()
}

fn letters(count: usize) -> String {
    "a".repeat(count)
}

#[test]
fn durations() {
    for (field, least, most) in [
        ("ttl", "1ms", "400days"),
        ("guard", "0s", "31days"),
        ("timeout", "1ms", "5m"),
        ("wait", "1ms", "1m"),
        ("replay_cache", "0s", "5m"),
    ] {
        assert!(takes(field, json!(least)) && takes(field, json!(most)), "{field}");
        assert!(!takes(field, json!(format!("{most} 1ms"))), "{field} is too long");
        assert!(!takes(field, json!("1us")) && !takes(field, json!("1s 1us")), "{field} is not in milliseconds");
    }
    assert!(!takes("ttl", json!("0s")) && !takes("timeout", json!("0s")) && !takes("wait", json!("0s")));
}

#[test]
fn sizes() {
    for field in ["max_request", "max_response"] {
        assert!(takes(field, json!(1)) && takes(field, json!("32MiB")), "{field}");
        assert!(!takes(field, json!(0)) && !takes(field, json!(32 * 1024 * 1024 + 1)), "{field}");
    }
    let json_route = |most: u64| {
        let route = json!({ "name": "a", "path": "/a", "scope": "public", "fingerprint": "json", "max_request": most });
        parse(json!([route])).is_ok()
    };
    assert!(json_route(2 * 1024 * 1024) && !json_route(2 * 1024 * 1024 + 1));
}

#[test]
fn numbers() {
    assert!(takes("shards", json!(1)) && takes("shards", json!(4096)));
    assert!(takes("max_records", json!(1)) && takes("max_records", json!(10_000_000)));
    assert!(!takes("max_records", json!(10_000_001)) && !takes("max_records", json!(-1)));
    assert!(takes("store", json!([200, 599])));
    assert!(!takes("store", json!([199])) && !takes("store", json!([600])));
}

#[test]
fn lengths() {
    assert!(takes("name", json!(letters(64))) && !takes("name", json!(letters(65))));
    let path = |length: usize| json!(format!("/{}/{{id}}", letters(length - "//{id}".len())));
    assert!(takes("path", path(1024)) && !takes("path", path(1025)));
    let method = |length: usize| json!([letters(length).to_ascii_uppercase()]);
    assert!(takes("methods", method(32)) && !takes("methods", method(33)) && !takes("methods", method(0)));
    let pointer = |length: usize| json!([format!("json:/{}", letters(length - 1))]);
    assert!(takes("key", pointer(1024)) && !takes("key", pointer(1025)));
    let probe = |length: usize| json!({ "probe": format!("/{}/{{key}}", letters(length - "//{key}".len())) });
    assert!(takes("on_unknown", probe(1024)) && !takes("on_unknown", probe(1025)));
    let header = |length: usize| json!([letters(length)]);
    assert!(takes("keep_headers", header(128)));
    assert!(!takes("keep_headers", header(129)) && !takes("keep_headers", header(0)));
}

#[test]
fn lengths_of_an_issuer() {
    let takes = |field: &str, value: String| {
        let mut route = json!({ "name": "a", "path": "/a", "scope": ["jwt:sub"], "jwt": issuer() });
        route["jwt"][field] = json!(value);
        parse(json!([route])).is_ok()
    };
    let address = |length: usize| format!("https://a/{}", letters(length - "https://a/".len()));
    assert!(takes("jwks", address(1024)) && !takes("jwks", address(1025)));
    for field in ["issuer", "audience"] {
        assert!(takes(field, letters(1)) && takes(field, letters(1024)), "{field}");
        assert!(!takes(field, letters(0)) && !takes(field, letters(1025)), "{field}");
    }
}

#[test]
fn counts() {
    let sources = |count: usize| json!((0..count).map(|index| format!("header:X-{index}")).collect::<Vec<_>>());
    assert!(takes("key", sources(1)) && takes("key", sources(4)) && !takes("key", sources(5)));
    assert!(takes("scope", sources(1)) && takes("scope", sources(8)) && !takes("scope", sources(9)));
    let routes = |count: usize| {
        let route =
            |index: usize| json!({ "name": format!("r{index}"), "path": format!("/{index}"), "scope": "public" });
        parse((0..count).map(route).collect())
    };
    assert!(routes(500).is_ok());
    let errors = routes(501).unwrap_err().to_string();
    assert!(errors.contains("501 routes") && errors.contains("at most 500"), "{errors}");
}

#[test]
fn windows_of_a_quota() {
    let quota = |ttl: &str, window: &str| {
        let keys_per_scope = json!({ "keys": 1, "window": window });
        let route = json!({
            "name": "a", "path": "/a", "scope": "public", "ttl": ttl, "guard": "15m", "keys_per_scope": keys_per_scope,
        });
        parse(json!([route])).is_ok()
    };
    assert!(quota("400days", "1ms") && quota("400days", "31days"));
    assert!(!quota("400days", "31days 1ms") && !quota("400days", "0s"));
    // No longer than ttl and guard.
    assert!(quota("1h", "1h 15m") && !quota("1h", "1h 15m 1ms"));
}
