//! Configurations: what is refused is said by its field, and what is accepted holds all limits.

use core::time::Duration;

use oncegate_protocol::config::{
    Config, ConfigErrors, FingerprintRule, Found, OnDuplicate, Route, Secret, UnknownPolicy, Variables,
};
use oncegate_protocol::limits;
use oncegate_protocol::request::NormalPath;
use serde_json::Value;

/// The variables, line by line: `ORIGIN`, `ADMIN_TOKEN`, `SEAL_KEY`, the name of the variable with the routes; a line that is
/// empty stands for a variable that is not set, or `ROUTES`. All that follows is the routes' JSON.
pub fn check(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let lines: Vec<&str> = text.splitn(5, '\n').collect();
    let [origin, admin_token, seal_key, name, routes] = lines[..] else { return };
    let set = |line: &str| Some(line.to_owned()).filter(|line| !line.is_empty());
    let name = set(name).unwrap_or_else(|| "ROUTES".to_owned());
    let variables = Variables {
        origin: set(origin),
        routes: vec![(name.clone(), routes.to_owned())],
        admin_token: set(admin_token).map(Secret::new),
        seal_key: set(seal_key).map(Secret::new),
        seal_key_previous: None,
        webhook_secrets: vec![("WEBHOOK_SECRET".to_owned(), Secret::new(format!("whsec_{}", "A".repeat(32))))],
    };
    match Config::parse(&variables) {
        Ok(config) => {
            config.routes.all().for_each(check_route);
            check_table(&config);
            check_spellings(&variables);
        }
        Err(errors) => {
            check_errors(&errors, &variables);
            // A secret may be part of what is said anyway.
            let wrong = Some(Secret::new("?".to_owned()));
            let others = Variables { admin_token: wrong.clone(), seal_key: wrong, ..variables.clone() };
            let said = Config::parse(&others).expect_err("the secrets are wrong").to_string();
            let public = [origin, name.as_str(), routes, said.as_str()].join("\n");
            for secret in [admin_token, seal_key] {
                let is_shown = secret.len() > 8 && !public.contains(secret) && errors.to_string().contains(secret);
                assert!(!is_shown, "{errors}");
            }
        }
    }
}

fn check_errors(errors: &ConfigErrors, variables: &Variables) {
    assert!(!errors.errors().is_empty());
    let variable = &variables.routes[0].0;
    for error in errors.errors() {
        let field = error.field();
        let of_routes =
            ["ROUTES", variable].iter().any(|name| field.starts_with(*name)) || field.starts_with("the name ");
        assert!(of_routes || ["ORIGIN", "ADMIN_TOKEN", "SEAL_KEY"].contains(&field), "{field}");
        let text = error.to_string();
        assert!(text.starts_with(field) && (text.contains("allowed is") || text.contains("must be")), "{text}");
    }
}

fn check_route(route: &Route) {
    let within = |value: Duration, least: Duration, most: Duration| {
        assert!(
            least <= value && value <= most && value.subsec_nanos().is_multiple_of(1_000_000),
            "{value:?} of {route:?}"
        );
    };
    let millisecond = Duration::from_millis(1);
    within(route.ttl, millisecond, limits::TTL);
    within(route.guard, Duration::ZERO, limits::GUARD);
    within(route.timeout, millisecond, limits::ORIGIN_TIMEOUT);
    if let OnDuplicate::Wait(wait) = route.on_duplicate {
        within(wait, millisecond, limits::WAIT);
    }
    if let Some(quota) = route.keys_per_scope {
        within(quota.window, millisecond, limits::QUOTA_WINDOW.min(route.ttl + route.guard));
    }
    let is_name = |name: &str| {
        (1..=limits::ROUTE_NAME_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    assert!(is_name(&route.name) && route.layouts().all(|layout| is_name(&layout.name)), "{route:?}");
    assert!(route.layouts().all(|layout| layout.shards.get() <= limits::SHARDS));
    assert_ne!(route.previous.as_ref(), Some(&route.layout));
    assert!((1..=limits::KEY_SOURCES).contains(&route.key.len()));
    assert!(route.scope.written().len() <= limits::SCOPE_SOURCES);
    assert!(!route.methods.is_empty());
    assert!((1..=limits::MAX_REQUEST_BYTES).contains(&route.max_request));
    assert!(!route.needs_json() || route.max_request <= limits::MAX_JSON_BYTES);
    assert!((1..=limits::MAX_RESPONSE_BYTES).contains(&route.max_response));
    assert!((1..=limits::RECORDS_PER_LEDGER).contains(&route.max_records));
    assert!(!route.path.starts_with("/_oncegate/") && route.path != "/_oncegate");
    let statuses = [&route.outcomes.store, &route.outcomes.release, &route.outcomes.unknown].map(|list| list.iter());
    for status in statuses.into_iter().flatten() {
        assert!((200..=599).contains(status), "{status}");
    }
    if let FingerprintRule::Json { .. } = route.fingerprint {
        assert!(route.needs_json());
    }
    if let UnknownPolicy::Probe(path) = &route.on_unknown {
        let path = path.to_string();
        assert!(path.starts_with('/') && !path.starts_with("//") && path.contains("{key}"), "{path}");
    }
}

/// Each route has a name of its own, and is found: a request in its place is guarded, by it or one more exact.
fn check_table(config: &Config) {
    let all: Vec<&Route> = config.routes.all().collect();
    assert!((1..=limits::ROUTES).contains(&all.len()));
    for (index, route) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other.name != route.name), "{} comes twice", route.name);
    }
    for route in config.routes.routes() {
        let filled: Vec<&str> =
            route.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        for method in &route.methods {
            let found = config.routes.find(method, &NormalPath::parse(&filled.join("/")));
            assert!(!matches!(found, Found::None), "{method} {} is not found", route.path);
        }
    }
}

/// The same routes in a text, and with a field that nobody knows.
fn check_spellings(variables: &Variables) {
    let (name, text) = &variables.routes[0];
    let with = |text: String| Config::parse(&Variables { routes: vec![(name.clone(), text)], ..variables.clone() });
    let mut routes: Value = serde_json::from_str(text).expect("it was read as JSON");
    if let Value::String(inner) = &routes {
        routes = serde_json::from_str(inner).expect("it was read as JSON in a text");
    } else {
        assert!(with(Value::String(text.clone()).to_string()).is_ok());
    }
    let first = routes[0].as_object_mut().expect("there is a route");
    first.insert("no_such_field".to_owned(), Value::Null);
    let errors = with(routes.to_string()).expect_err("a field that nobody knows");
    assert_eq!(errors.errors().len(), 1, "{errors}");
    assert_eq!(errors.errors()[0].field(), format!("{name}[0].no_such_field"));
}
