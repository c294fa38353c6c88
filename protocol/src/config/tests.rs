mod bounds;
mod routes;

use super::*;
use crate::replay_cache::Use;
use crate::request::NormalPath;
use serde_json::json;

/// Also sees that the schema for editors refuses nothing that the parser takes.
pub(super) fn parse(routes: Value) -> Result<Config, ConfigErrors> {
    let variables = vec![("ROUTES".to_owned(), routes.to_string())];
    let parsed = Config::parse(&Variables { routes: variables, ..Variables::default() });
    if parsed.is_ok() {
        reference::tests::assert_schema_takes(&json!({ "ROUTES": routes }));
    }
    parsed
}

/// A valid route with one field set, or taken out by `null`.
pub(super) fn with(field: &str, value: Value) -> Result<Config, ConfigErrors> {
    let mut route = json!({ "name": "payments", "path": "/v1/payments/{id}", "scope": "public" });
    match value {
        Value::Null => route.as_object_mut().unwrap().remove(field),
        value => route.as_object_mut().unwrap().insert(field.to_owned(), value),
    };
    parse(json!([route]))
}

#[test]
fn the_shortest_route_gets_the_defaults_of_the_design() {
    let config = with("required", json!(true)).unwrap();
    let route = &config.routes.routes()[0];
    assert_eq!(route.methods, ["POST", "PATCH"]);
    assert_eq!(route.key, [KeySource::Header("idempotency-key".to_owned())]);
    assert_eq!((route.key_syntax, route.key_format), (KeySyntax::Lenient, KeyFormat::Any));
    assert_eq!(route.fingerprint, FingerprintRule::Raw);
    assert_eq!(route.retention().as_secs(), 24 * 3600 + 15 * 60);
    assert_eq!(route.lease().as_secs(), 35);
    assert_eq!((route.on_duplicate, route.wait().as_secs()), (OnDuplicate::Conflict, 0));
    assert_eq!((route.layout.shards.get(), &route.previous), (8, &None));
    assert_eq!((route.max_request, route.max_response), (1 << 20, 4 << 20));
    assert_eq!((route.mode, &route.placement), (Mode::Enforce, &Placement::Anywhere));
    assert_eq!(route.reply, FirstReply::Stored);
    assert!(route.replay_cache.is_zero());
}

#[test]
fn every_field_of_the_design_is_understood() {
    let good = [
        ("methods", json!(["PUT"])),
        ("key", json!(["header:X-Key", "json:/a/b", "query:k", "path:id"])),
        ("key_syntax", json!("strict")),
        ("key_format", json!("ulid")),
        ("required", json!(false)),
        ("scope", json!(["header:Authorization", "path:id", "host"])),
        ("scope", json!(["cookie:Session", "client-certificate"])),
        ("fingerprint", json!({ "include": ["/a"], "exclude": ["/b"] })),
        ("fingerprint", json!("none")),
        ("ttl", json!("250ms")),
        ("guard", json!("0s")),
        ("timeout", json!("1m 30s")),
        ("on_duplicate", json!("wait")),
        ("wait", json!("500ms")),
        ("on_unknown", json!("retry")),
        ("on_unknown", json!({ "probe": "/v1/{id}/by-key/{key}" })),
        ("on_ledger_failure", json!("pass")),
        ("store", json!([503])),
        ("release", json!([409, 423])),
        ("unknown", json!([500])),
        ("replay_cache", json!("30s")),
        ("replay_cache", json!("0s")),
        ("reply", json!("stored")),
        ("reply", json!("early")),
        ("mode", json!("off")),
        ("shards", json!(1)),
        ("shards", json!({ "count": 16, "previous": 8 })),
        ("renamed_from", json!("charges")),
        ("location_hint", json!("weur")),
        ("jurisdiction", json!("eu")),
        ("max_request", json!(1000)),
        ("max_response", json!("64KiB")),
        ("max_records", json!(1)),
        ("keys_per_scope", json!({ "keys": 100, "window": "1m" })),
        ("seal", json!(false)),
        ("log", json!(0)),
        ("cors", json!([])),
        ("cors", json!(["https://shop.example", "http://localhost:3000"])),
        ("log", json!(0.01)),
        ("keep_headers", json!(["Set-Cookie"])),
    ];
    for (field, value) in good {
        assert!(with(field, value.clone()).is_ok(), "{field} = {value}: {:?}", with(field, value.clone()).err());
    }
}

/// Values that no field takes, each with a part of what is said to be allowed.
pub(super) fn bad_values() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("name", json!(""), "letters"),
        ("name", json!("a/b"), "letters"),
        ("path", json!("v1"), "/v1/payments"),
        ("path", json!("/v1/"), "no slash at its end"),
        ("path", json!("/v1/%41"), "decoded"),
        ("path", json!("/v1//x"), "no empty"),
        ("path", json!("/v1/:id"), "written {id}"),
        ("path", json!("/v1/*"), "written {*rest}"),
        ("path", json!("/v1/{id"), "whole segment"),
        ("path", json!("/v1/{id}.json"), "whole segment"),
        ("path", json!("/v1/{{id}}"), "whole segment"),
        ("path", json!("/_oncegate/x"), "the gate's own"),
        ("methods", json!("POST"), "a list"),
        ("methods", json!([]), "a list"),
        ("methods", json!(["post"]), "upper case"),
        ("methods", json!(["POST", "POST"]), "twice"),
        ("key", json!([]), "1 to 4"),
        ("key", json!(["cookie:a"]), "header:Idempotency-Key"),
        ("key", json!(["json:a"]), "json:/id"),
        ("key", json!(["json:/a~2"]), "json:/id"),
        ("key", json!(["path:nope"]), "has"),
        ("key_syntax", json!("loose"), "\"strict\""),
        ("key_format", json!("guid"), "\"uuid\""),
        ("required", json!("yes"), "true or false"),
        ("scope", json!([]), "\"public\""),
        ("scope", json!("private"), "\"public\""),
        ("scope", json!(["header:"]), "header:Authorization"),
        ("scope", json!(["cookie:a b"]), "cookie:session"),
        ("scope", json!(["path:nope"]), "has"),
        ("scope", json!(["path:"]), "header:Authorization"),
        ("fingerprint", json!({}), "include"),
        ("fingerprint", json!({ "only": ["/a"] }), "include"),
        ("fingerprint", json!({ "include": ["a"] }), "include"),
        ("fingerprint", json!({ "include": ["/a"], "only": ["/b"] }), "include"),
        ("ttl", json!("soon"), "24h"),
        ("ttl", json!(3600), "24h"),
        ("ttl", json!("0s"), "1ms"),
        ("ttl", json!("1us"), "1ms"),
        ("ttl", json!("9000years"), "24h"),
        ("timeout", json!("1h"), "5m"),
        ("wait", json!("2m"), "1m"),
        ("on_duplicate", json!("queue"), "\"wait\""),
        ("on_unknown", json!("ask"), "\"hold\""),
        ("on_unknown", json!({ "probe": "/v1/by-key" }), "{key}"),
        ("on_unknown", json!({ "probe": "/v1/{nope}/{key}" }), "a path parameter"),
        ("on_unknown", json!({ "probe": "/v1/{key}", "after": "1s" }), "probe ="),
        ("replay_cache", json!("6m"), "5m"),
        ("replay_cache", json!(30), "24h"),
        ("reply", json!("late"), "\"early\""),
        ("shards", json!(0), "1 to 4096"),
        ("shards", json!(4097), "1 to 4096"),
        ("shards", json!(1.5), "1 to 4096"),
        ("shards", json!({ "count": 16 }), "previous"),
        ("shards", json!({ "count": 16, "previous": 8, "next": 32 }), "previous"),
        ("shards", json!({ "count": 16, "previous": 16 }), "other than now"),
        ("renamed_from", json!("payments"), "other than now"),
        ("renamed_from", json!("a/b"), "letters"),
        ("location_hint", json!("mars"), "\"weur\""),
        ("jurisdiction", json!("us"), "\"eu\""),
        ("max_request", json!("0B"), "1MiB"),
        ("max_request", json!("1TB"), "1MiB"),
        ("max_response", json!(-1), "1MiB"),
        ("max_records", json!(0), "1 to 10000000"),
        ("keys_per_scope", json!(100), "window"),
        ("keys_per_scope", json!({ "keys": 0, "window": "1m" }), "keys = 100"),
        ("keys_per_scope", json!({ "keys": 1, "window": "1year" }), "31 days"),
        ("keys_per_scope", json!({ "keys": 1, "window": "2days" }), "ttl and guard"),
        ("keep_headers", json!(["oncegate-fence"]), "set-cookie"),
        ("keep_headers", json!(["a b"]), "set-cookie"),
        ("seal", json!("yes"), "true or false"),
        ("log", json!(1.5), "0 to 1"),
        ("queue", json!("Orders"), "small letters"),
        ("queue", json!("orders"), "a path without parameters"),
        ("cors", json!(["*"]), "https://shop.example"),
        ("cors", json!(["https://shop.example/"]), "https://shop.example"),
        ("webhook", json!("svix"), "\"standard\""),
        ("webhook", json!({ "sender": "stripe", "secret": "STRIPE" }), "begins with WEBHOOK_SECRET_"),
        ("webhook", json!({ "secret": "WEBHOOK_SECRET" }), "\"standard\""),
        ("webhook", json!({ "sender": "stripe", "secrets": "WEBHOOK_SECRET" }), "\"standard\""),
        ("webhook", json!("stripe"), "the secret that the sender has given"),
        ("log", json!(true), "0 to 1"),
        ("seal", json!(true), "the secret SEAL_KEY"),
        ("store", json!(503), "a list of statuses"),
        ("release", json!([99]), "200 to 599"),
        ("unknown", json!(["500"]), "200 to 599"),
        ("typo", json!(1), "no field of this name"),
    ]
}

#[test]
fn a_bad_value_is_an_error_that_names_field_value_and_what_is_allowed() {
    for (field, value, allowed) in bad_values() {
        let errors = with(field, value.clone()).expect_err(&format!("{field} = {value}"));
        let text = errors.to_string();
        assert!(text.contains(field) && text.contains(allowed), "{field} = {value}: {text}");
    }
}

#[test]
fn a_probe_says_whose_request_it_asks_about() {
    let probing = |scope: Value, probe: &str| {
        let (path, on_unknown) = ("/v1/{shop}/{desk}", json!({ "probe": probe }));
        let mut route = json!({ "name": "a", "path": path, "scope": scope, "on_unknown": on_unknown });
        if scope.to_string().contains("jwt:") {
            route["jwt"] = issuer();
        }
        parse(json!([route]))
    };
    let good = [
        (json!("public"), "/{key}"),
        (json!(["header:Authorization", "cookie:session", "jwt:sub"]), "/{key}"),
        (json!(["path:shop", "path:desk"]), "/{shop}/{key}?at={desk}"),
    ];
    for (scope, probe) in good {
        assert!(probing(scope.clone(), probe).is_ok(), "{scope} {probe}");
    }
    let bad = [
        (json!(["path:shop"]), "/{key}", "{shop}"),
        (json!(["path:shop", "path:desk"]), "/{shop}/{key}", "{desk}"),
        (json!(["host"]), "/{key}", "host"),
        (json!(["client-certificate"]), "/{key}", "client-certificate"),
        (json!(["jwt:sub", "host"]), "/{key}", "host"),
        (json!(["header:Host"]), "/{key}", "header:host"),
        (json!(["header:Content-Language"]), "/{key}", "header:content-language"),
    ];
    for (scope, probe, missing) in bad {
        let text = probing(scope.clone(), probe).unwrap_err().to_string();
        assert!(text.contains("on_unknown") && text.contains(probe) && text.contains(missing), "{scope}: {text}");
        assert_eq!(text.lines().count(), 1, "and nothing else is wrong: {text}");
    }
}

#[test]
fn a_queue_is_taken_by_a_route_that_a_message_can_be_sent_to() {
    let route = |fields: Value| {
        let mut route = json!({ "name": "orders", "path": "/v1/orders", "scope": "public", "queue": "orders" });
        route.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        parse(json!([route]))
    };
    let config = route(json!({})).unwrap();
    let taker = config.routes.of_queue("orders").unwrap();
    assert_eq!((taker.ttl, taker.outcomes.asked), (limits::EVENT_TTL, crate::outcome::Asked::Event));
    assert!(config.routes.of_queue("others").is_none());
    assert!(
        route(json!({ "mode": "off" })).unwrap().routes.of_queue("orders").is_some(),
        "one that is off passes them through"
    );
    for fields in [
        json!({ "path": "/v1/{id}" }),
        json!({ "methods": ["PUT"] }),
        json!({ "key_format": "uuid" }),
        json!({ "key": ["json:/id"] }),
        json!({ "scope": ["host"] }),
    ] {
        let errors = route(fields.clone()).unwrap_err().to_string();
        assert!(errors.contains("that a message can be sent to"), "{fields}: {errors}");
    }
    let twice = json!([
        { "name": "a", "path": "/a", "scope": "public", "queue": "orders" },
        { "name": "b", "path": "/b", "scope": "public", "queue": "orders" },
    ]);
    assert!(parse(twice).unwrap_err().to_string().contains("a queue that no other route takes"));
}

#[test]
fn a_route_that_takes_events_has_defaults_of_its_own() {
    let route = |fields: Value, secrets: &[(&str, &str)]| {
        let mut route = json!({ "name": "events", "path": "/events" });
        route.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let secret = |(name, text): &(&str, &str)| ((*name).to_owned(), Secret::new((*text).to_owned()));
        let routes = vec![("ROUTES".to_owned(), json!([route]).to_string())];
        let webhook_secrets = secrets.iter().map(secret).collect();
        Config::parse(&Variables { routes, webhook_secrets, ..Variables::default() })
            .map(|config| config.routes.routes()[0].clone())
    };
    let text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let keys = [("standard", "header:webhook-id"), ("stripe", "json:/id"), ("github", "header:x-github-delivery")];
    for (sender, key) in keys {
        let route = route(json!({ "webhook": sender }), &[("WEBHOOK_SECRET", text)]).unwrap();
        assert_eq!(route.key.iter().map(ToString::to_string).collect::<Vec<_>>(), [key]);
        assert_eq!(
            (route.scope, route.fingerprint, route.ttl),
            (Scope::Public, FingerprintRule::None, limits::EVENT_TTL)
        );
        assert_eq!(route.outcomes.asked, crate::outcome::Asked::Event);
    }
    let named = json!({ "webhook": { "sender": "stripe", "secret": "WEBHOOK_SECRET_STRIPE" }, "ttl": "1day" });
    assert_eq!(route(named.clone(), &[("WEBHOOK_SECRET_STRIPE", text)]).unwrap().ttl, limits::DEFAULT_TTL);
    for secrets in [&[("WEBHOOK_SECRET", text)][..], &[("WEBHOOK_SECRET_STRIPE", "short")]] {
        let errors = route(named.clone(), secrets).unwrap_err().to_string();
        assert!(errors.lines().count() == 1 && errors.contains("WEBHOOK_SECRET_STRIPE"), "{errors}");
        assert!(!errors.contains("short") || secrets[0].1 != "short", "{errors}");
    }
    let refused = [
        json!({ "webhook": "standard", "required": false }),
        json!({ "webhook": "standard", "scope": ["header:X-Tenant"] }),
        json!({ "webhook": "standard", "scope": ["cookie:session"] }),
        json!({ "webhook": "standard", "max_request": "3MiB" }),
    ];
    for fields in refused {
        let errors = route(fields.clone(), &[("WEBHOOK_SECRET", text)]).unwrap_err().to_string();
        assert!(errors.lines().count() == 1 && errors.contains("where webhook is set"), "{fields}: {errors}");
    }
    assert!(route(json!({ "webhook": "standard", "scope": ["host"] }), &[("WEBHOOK_SECRET", text)]).is_ok());
    for key in ["header:Idempotency-Key", "query:id", "header:x-github-delivery"] {
        let errors =
            route(json!({ "webhook": "standard", "key": [key] }), &[("WEBHOOK_SECRET", text)]).unwrap_err().to_string();
        assert!(errors.contains("sources that the sender signs"), "{key}: {errors}");
    }
}

#[test]
fn what_only_observes_neither_waits_nor_remembers() {
    let route = |mode: &str| {
        let fields = json!({ "name": "payments", "path": "/", "scope": "public", "mode": mode, "on_duplicate": "wait",
                             "replay_cache": "1m" });
        parse(json!([fields])).unwrap().routes.routes()[0].clone()
    };
    let (enforcing, observing) = (route("enforce"), route("observe"));
    assert_eq!((enforcing.wait().as_secs(), observing.wait().as_secs()), (10, 0));
    assert_eq!((enforcing.use_of_replays(), observing.use_of_replays()), (Use::Remember, Use::HandOn));
    assert!(with("mode", json!("watch")).unwrap_err().to_string().contains("\"observe\""));
}

#[test]
fn a_status_has_one_class() {
    for (one, other) in [("store", "release"), ("store", "unknown"), ("release", "unknown")] {
        let mut route = json!({ "name": "payments", "path": "/", "scope": "public" });
        let fields = json!({ one: [200, 418], other: [418] });
        route.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let text = parse(json!([route])).unwrap_err().to_string();
        assert!(text.contains("418") && text.contains("only"), "{text}");
    }
}

#[test]
fn nobody_shares_keys_by_accident() {
    let text = with("scope", Value::Null).unwrap_err().to_string();
    assert!(text.contains("ROUTES[0].scope is missing") && text.contains("public"), "{text}");
    assert_eq!(text.lines().count(), 1, "and nothing else is wrong: {text}");
}

/// A route with this scope and this table `jwt`.
fn with_tokens(scope: Value, jwt: Value) -> Result<Config, ConfigErrors> {
    let mut route = json!({ "name": "payments", "path": "/v1/payments", "scope": scope, "jwt": jwt });
    if route["jwt"].is_null() {
        route.as_object_mut().unwrap().remove("jwt");
    }
    parse(json!([route]))
}

fn issuer() -> Value {
    json!({ "jwks": "https://issuer.example/keys", "issuer": "https://issuer.example", "audience": "payments" })
}

#[test]
fn a_scope_by_claims_says_whose_tokens_they_are_in() {
    let config = with_tokens(json!(["jwt:sub", "host", "jwt:https://issuer.example/org"]), issuer()).unwrap();
    let Scope::Token { issuer, claims, others } = &config.routes.routes()[0].scope else { panic!() };
    assert_eq!(issuer.jwks.as_str(), "https://issuer.example/keys");
    assert_eq!((issuer.issuer.as_str(), issuer.audience.as_deref()), ("https://issuer.example", Some("payments")));
    assert_eq!(
        (claims.as_slice(), others.as_slice()),
        (["sub".to_owned(), "https://issuer.example/org".to_owned()].as_slice(), [ScopeSource::Host].as_slice())
    );
}

#[test]
fn a_scope_by_claims_and_its_issuer_need_each_other() {
    let claims = json!(["jwt:sub"]);
    for (scope, jwt, field, allowed) in [
        (claims.clone(), Value::Null, "ROUTES[0].jwt is missing", "jwks"),
        (claims.clone(), json!("https://issuer.example"), "ROUTES[0].jwt = ", "jwks"),
        (claims.clone(), json!({ "issuer": "me" }), "ROUTES[0].jwt.jwks is missing", "https"),
        (claims.clone(), json!({ "jwks": "https://a" }), "ROUTES[0].jwt.issuer is missing", "iss"),
        (claims.clone(), json!({ "jwks": "http://a/", "issuer": "me" }), "ROUTES[0].jwt.jwks = \"http://a/\"", "https"),
        (claims.clone(), json!({ "jwks": "https://a", "issuer": "" }), "ROUTES[0].jwt.issuer = \"\"", "iss"),
        (claims.clone(), json!({ "jwks": "https://a", "issuer": "me", "audience": 7 }), "audience = 7", "aud"),
        (claims, json!({ "jwks": "https://a", "issuer": "me", "aud": "x" }), "jwt.aud = \"x\"", "audience"),
        (json!(["host"]), issuer(), "ROUTES[0].jwt = the tokens of https://issuer.example", "\"jwt:sub\""),
        (json!("public"), issuer(), "ROUTES[0].jwt = ", "\"jwt:sub\""),
        (json!(["jwt:"]), issuer(), "ROUTES[0].scope = [\"jwt:\"]", "\"jwt:sub\""),
    ] {
        let text = with_tokens(scope, jwt).unwrap_err().to_string();
        assert!(text.contains(field) && text.contains(allowed), "{text}");
        assert_eq!(text.lines().count(), 1, "and nothing else is wrong: {text}");
    }
    let text = with_tokens(json!(["jwt:sub"]), json!({ "jwks": "https://me:secret@a", "issuer": "me" })).unwrap_err();
    assert!(text.to_string().contains("…@a") && !text.to_string().contains("secret"), "{text}");
}

#[test]
fn all_errors_are_reported_at_once() {
    let errors = parse(json!([{ "name": "a", "path": "/a", "ttl": "x", "shards": 0 }, 7])).unwrap_err();
    let fields: Vec<&str> = errors.errors().iter().map(ConfigError::field).collect();
    assert_eq!(fields, ["ROUTES[0].scope", "ROUTES[0].shards", "ROUTES[0].ttl", "ROUTES[1]"]);
    for field in ["name", "path", "scope"] {
        let text = with(field, Value::Null).unwrap_err().to_string();
        assert!(text.starts_with(&format!("ROUTES[0].{field} is missing")) && text.lines().count() == 1, "{text}");
    }
    // What has no path is not said to stand in another route's way.
    let errors = parse(json!([{ "name": "a", "scope": "public" }, { "name": "b", "scope": "public" }])).unwrap_err();
    assert_eq!(errors.errors().len(), 2, "{errors}");
    let text = errors.to_string();
    let lines: Vec<String> = errors.errors().iter().map(ToString::to_string).collect();
    assert!(text.lines().eq(lines), "a line each: {text}");
}

#[test]
fn a_gate_without_routes_or_with_routes_that_are_no_json_is_an_error() {
    assert!(Config::parse(&Variables::default()).is_err());
    assert!(parse(json!([])).is_err());
    assert!(parse(json!({})).is_err());
    let broken = Variables { routes: vec![("ROUTES".to_owned(), "[[".to_owned())], ..Variables::default() };
    assert!(Config::parse(&broken).unwrap_err().to_string().contains("ROUTES = [["));
    let repeated = r#"[{"name":"a","path":"/a","path":"/b","scope":"public"}]"#.to_owned();
    let repeated = Variables { routes: vec![("ROUTES".to_owned(), repeated)], ..Variables::default() };
    let text = Config::parse(&repeated).unwrap_err().to_string();
    assert!(text.contains("the name \"path\" occurs twice"), "nothing is ignored: {text}");
    let origin = Variables { origin: Some("example.com".to_owned()), ..Variables::default() };
    assert!(Config::parse(&origin).unwrap_err().to_string().contains("ORIGIN = example.com"));
    let origin = Variables { origin: Some("https://me:secret@example.com".to_owned()), ..Variables::default() };
    let text = Config::parse(&origin).unwrap_err().to_string();
    assert!(text.contains("ORIGIN = …@example.com") && !text.contains("secret"), "{text}");
}

#[test]
fn a_token_that_is_too_short_is_an_error_that_does_not_say_it() {
    let routes = vec![("ROUTES".to_owned(), r#"[{"name":"a","path":"/a","scope":"public"}]"#.to_owned())];
    let with = |token: &str| {
        let admin_token = Some(Secret::new(token.to_owned()));
        Config::parse(&Variables { admin_token, routes: routes.clone(), ..Variables::default() })
    };
    let error = with("hunter2hunter2!").unwrap_err().to_string();
    assert!(
        error.starts_with("ADMIN_TOKEN = …: allowed is 16 to 1024 letters") && !error.contains("hunter"),
        "{error}"
    );
    assert!(with("hunter2hunter2ok").unwrap().admin_token.is_some());
    assert!(with("").is_err(), "a token that was meant to be set");
}

#[test]
fn routes_may_come_in_several_variables_and_as_text() {
    let route = |name: &str| json!([{ "name": name, "path": format!("/{name}"), "scope": "public" }]).to_string();
    let routes =
        vec![("ROUTES".to_owned(), route("a")), ("ROUTES_1".to_owned(), Value::String(route("b")).to_string())];
    let config = Config::parse(&Variables { routes, ..Variables::default() }).unwrap();
    assert_eq!(config.routes.routes().len(), 2);
}

#[test]
fn a_route_that_can_never_match_is_an_error() {
    let pair = |second_path: &str, second_methods: Value| {
        parse(json!([
            { "name": "one", "path": "/v1/{id}", "scope": "public" },
            { "name": "two", "path": second_path, "scope": "public", "methods": second_methods },
        ]))
    };
    for path in ["/v1/{id}", "/v1/{other}"] {
        let text = pair(path, json!(["POST"])).unwrap_err().to_string();
        assert!(text.contains("(two)") && text.contains("route one") && text.contains("never match"), "{text}");
    }
    assert!(pair("/v1/{id}", json!(["DELETE"])).is_ok(), "another method");
    assert!(pair("/v1/fixed", json!(["POST"])).is_ok(), "a fixed path comes before a parameter");
    let twice =
        json!([{ "name": "a", "path": "/a", "scope": "public" }, { "name": "a", "path": "/b", "scope": "public" }]);
    assert!(parse(twice).unwrap_err().to_string().contains("no other route has"));
}

/// The name of the route that is found.
fn name(config: &Config, method: &str, path: &str) -> String {
    match config.routes.find(method, &NormalPath::parse(path)) {
        Found::One(found) => found.route.name.clone(),
        Found::None => "none".to_owned(),
        Found::Two { observed_by: None } => "two".to_owned(),
        Found::Two { observed_by: Some(route) } => format!("two, observed by {}", route.name),
    }
}

#[test]
fn no_reading_of_a_path_slips_past_its_route() {
    let route = |name: &str, path: &str| json!({ "name": name, "path": path, "scope": "public" });
    let config = parse(json!([route("order", "/v1/orders/{id}"), route("pay", "/v1/orders/{id}/pay")])).unwrap();
    let found = |path| name(&config, "POST", path);
    for path in ["/v1/orders/a", "/v1/orders/a%2Fb", "/v1/orders/a%5Cb", "/v1/orders/a;x=1", "/v1%2Forders/a"] {
        assert_eq!(found(path), "order", "{path}");
    }
    assert_eq!(found("/v1/orders/a%2Fb/pay"), "pay");
    assert_eq!(found("/v1/orders/a%2Fpay"), "two", "an order called a/pay, or the payment of a");
    assert_eq!(found("/v1/orders"), "none");
}

#[test]
fn a_path_of_two_readings_is_only_observed_where_nothing_enforces() {
    let found = |one: &str, other: &str| {
        let route =
            |name: &str, path: &str, mode: &str| json!({ "name": name, "path": path, "scope": "public", "mode": mode });
        let routes = json!([route("order", "/v1/orders/{id}", one), route("pay", "/v1/orders/{id}/pay", other)]);
        name(&parse(routes).unwrap(), "POST", "/v1/orders/a%2Fpay")
    };
    assert_eq!(found("observe", "observe"), "two, observed by order");
    for (one, other) in [("enforce", "observe"), ("observe", "enforce"), ("enforce", "enforce")] {
        assert_eq!(found(one, other), "two", "{one}, {other}");
    }
    assert_eq!(found("off", "observe"), "pay");
}

#[test]
fn a_route_that_is_off_hides_no_wider_one() {
    let config = parse(json!([
        { "name": "off", "path": "/x/special", "scope": "public", "mode": "off" },
        { "name": "wide", "path": "/x/{*rest}", "scope": "public" },
    ]))
    .unwrap();
    assert_eq!(name(&config, "POST", "/x/special"), "wide");
}

#[test]
fn a_variable_that_was_meant_for_routes_is_told_by_its_name() {
    for name in ["ROUTES", "ROUTES_1", "ROUTES_0", "ROUTESX", "ROUTE", "ROUTE_1", "routes", "Route_1"] {
        assert!(is_meant_as_routes(name), "{name}");
    }
    for name in ["ORIGIN", "ROUTER", "MY_ROUTES", "ROUT"] {
        assert!(!is_meant_as_routes(name), "{name}");
    }
}

#[test]
fn an_error_has_the_value_if_there_is_one() {
    let values = |routes| {
        let errors = parse(routes).unwrap_err();
        errors.errors().iter().map(|error| error.value().map(str::to_owned)).collect::<Vec<_>>()
    };
    let expected = [None, Some("\"x\"".to_owned())];
    assert_eq!(values(json!([{ "name": "a", "path": "/a", "ttl": "x" }])), expected);
}

#[test]
fn a_variable_that_nobody_would_read_is_an_error() {
    let named = |variable: &str| {
        let route = json!([{ "name": "a", "path": "/a", "scope": "public" }]).to_string();
        Config::parse(&Variables { routes: vec![(variable.to_owned(), route)], ..Variables::default() })
    };
    for good in ["ROUTES", "ROUTES_1", "ROUTES_99"] {
        assert!(named(good).is_ok(), "{good}");
    }
    for bad in ["ROUTES_0", "ROUTES_01", "ROUTES_100", "ROUTES_A", "ROUTES_", "ROUTES1", "ROUTES_+1"] {
        assert!(named(bad).unwrap_err().to_string().contains(bad), "{bad}");
    }
}

#[test]
fn a_route_for_one_method_does_not_hide_a_wider_one_for_another() {
    let config = parse(json!([
        { "name": "patch", "path": "/v1/payments", "scope": "public", "methods": ["PATCH"] },
        { "name": "wide", "path": "/v1/{*rest}", "scope": "public", "methods": ["POST"] },
    ]))
    .unwrap();
    let found = |method| name(&config, method, "/v1/payments");
    assert_eq!([found("POST"), found("PATCH"), found("GET"), found("post")], ["wide", "patch", "none", "none"]);
}

#[test]
fn the_ledger_of_a_record_depends_on_the_number_of_shards() {
    let id = crate::ids::RecordId::from_bytes([0xff; 32]);
    let layout = |config: &Config| config.routes.routes()[0].layout.clone();
    assert_eq!(layout(&with("shards", json!(8)).unwrap()).ledger(&id), "payments/8/7");
    assert_eq!(layout(&with("shards", json!(3)).unwrap()).ledger(&id), "payments/3/0");
}

#[test]
fn a_route_that_moves_knows_where_it_comes_from() {
    let previous = |field, value| with(field, value).unwrap().routes.routes()[0].previous.clone().unwrap();
    let shards = previous("shards", json!({ "count": 16, "previous": 4 }));
    assert_eq!((shards.name.as_str(), shards.shards.get()), ("payments", 4));
    let name = previous("renamed_from", json!("charges"));
    assert_eq!((name.name.as_str(), name.shards.get()), ("charges", 8));
    let taken = json!([
        { "name": "a", "path": "/a", "scope": "public", "renamed_from": "b" },
        { "name": "b", "path": "/b", "scope": "public" },
    ]);
    assert!(parse(taken).unwrap_err().to_string().contains("renamed_from"));
}

const GOOD_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OLD_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// A route that seals, with these secrets.
fn sealing(seal: bool, key: Option<&str>, previous: Option<&str>) -> Result<Config, ConfigErrors> {
    let route = json!([{ "name": "a", "path": "/a", "scope": "public", "seal": seal }]).to_string();
    let secret = |text: &str| Secret::new(text.to_owned());
    Config::parse(&Variables {
        routes: vec![("ROUTES".to_owned(), route)],
        seal_key: key.map(secret),
        seal_key_previous: previous.map(secret),
        ..Variables::default()
    })
}

#[test]
fn a_route_seals_with_the_current_key_and_all_keys_open() {
    let config = sealing(true, Some(GOOD_KEY), Some(OLD_KEY)).unwrap();
    let (good, old) = (SealKey::parse(GOOD_KEY).unwrap(), SealKey::parse(OLD_KEY).unwrap());
    let route = &config.routes.routes()[0];
    let status = |number| crate::outcome::Status::new(number).unwrap();
    assert_eq!(route.seal_for("POST", status(201)), Some(&good));
    assert_eq!(route.seal_for("POST", status(204)), None, "there is no body");
    assert_eq!(route.seal_for("HEAD", status(201)), None, "there is no body");
    assert_eq!(config.seal_keys, SealKeys { current: Some(good), previous: Some(old.clone()) });
    let off = sealing(false, None, Some(OLD_KEY)).unwrap();
    assert_eq!(off.routes.routes()[0].seal_for("POST", status(201)), None);
    assert_eq!(off.seal_keys.find(old.id()), Some(&old), "what it has sealed is still opened");
    assert!(sealing(false, None, None).is_ok());
}

#[test]
fn what_is_sealed_is_not_kept_open_in_memory() {
    let sealing = |cache: &str| {
        let route = json!([{ "name": "a", "path": "/a", "scope": "public", "seal": true, "replay_cache": cache }]);
        let routes = vec![("ROUTES".to_owned(), route.to_string())];
        Config::parse(&Variables { routes, seal_key: Some(Secret::new(GOOD_KEY.to_owned())), ..Variables::default() })
    };
    assert!(sealing("0s").is_ok());
    let errors = sealing("30s").unwrap_err().to_string();
    assert!(errors.contains("ROUTES[0].replay_cache = 30s: allowed is \"0s\" where seal is true"), "{errors}");
}

#[test]
fn a_bad_seal_key_is_an_error_that_does_not_show_it() {
    let bad = "c2VjcmV0IGJ1dCBzaG9ydA==";
    for (key, previous, fields) in [
        (None, None, vec!["ROUTES[0].seal"]),
        (None, Some(OLD_KEY), vec!["ROUTES[0].seal"]),
        (Some(bad), None, vec!["SEAL_KEY", "ROUTES[0].seal"]),
        (Some("secret!"), Some(bad), vec!["SEAL_KEY", "SEAL_KEY_PREVIOUS", "ROUTES[0].seal"]),
        (Some(GOOD_KEY), Some(""), vec!["SEAL_KEY_PREVIOUS"]),
    ] {
        let errors = sealing(true, key, previous).unwrap_err();
        assert_eq!(errors.errors().iter().map(ConfigError::field).collect::<Vec<_>>(), fields);
        let text = format!("{errors} {errors:?}");
        assert!(text.contains("openssl rand -base64 32"), "{text}");
        assert!(!text.contains(bad) && !text.contains("secret!"), "{text}");
    }
    assert!(
        sealing(false, Some(bad), None).unwrap_err().to_string().contains("… (16 bytes)"),
        "also where no route seals"
    );
}

#[test]
fn secrets_are_not_printed() {
    let config = sealing(true, Some(GOOD_KEY), Some(OLD_KEY)).unwrap();
    let variables = Variables { seal_key: Some(Secret::new(GOOD_KEY.to_owned())), ..Variables::default() };
    let printed = format!("{config:?} {variables:?}");
    assert!(printed.contains("Secret(…)"), "{printed}");
    for shown in [GOOD_KEY, OLD_KEY, "0, 1, 2, 3", "7, 7, 7"] {
        assert!(!printed.contains(shown), "{printed}");
    }
}
