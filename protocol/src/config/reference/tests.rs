//! The table says what the parser does, and the schema refuses nothing that it takes.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::json;

use super::*;
use crate::config::tests::{bad_values, parse, with};
use crate::config::{ConfigErrors, Secret, is_meant_as_routes};

struct Compiled {
    schemas: Schemas,
    variables: SchemaIndex,
}

thread_local! {
    static COMPILED: Compiled = compile();
}

fn compile() -> Compiled {
    let whole = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": definitions(),
        "$ref": "#/definitions/Vars",
    });
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("gate.json", whole).unwrap();
    let variables = compiler.compile("gate.json", &mut schemas).unwrap();
    Compiled { schemas, variables }
}

fn schema_takes(variables: &Value) -> Result<(), String> {
    COMPILED
        .with(|compiled| compiled.schemas.validate(variables, compiled.variables).map_err(|error| format!("{error:#}")))
}

pub(in crate::config) fn assert_schema_takes(variables: &Value) {
    schema_takes(variables).unwrap_or_else(|error| panic!("the parser takes {variables}, but the schema: {error}"));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A route that has what examples speak of.
fn route_with(field: &str, value: Value) -> Value {
    let mut route = json!({ "name": "payments", "path": "/v1/{merchant}/{id}", "scope": "public" });
    let issuer = json(fields().find(|field| field.name == "jwt").unwrap().examples[0]);
    if field == "jwt" {
        route["scope"] = json!(["jwt:sub"]);
    }
    if field == "queue" {
        route["path"] = json!("/v1/orders");
    }
    if value.to_string().contains("jwt:") {
        route["jwt"] = issuer;
    }
    route[field] = value;
    route
}

fn parse_sealing(route: &Value) -> Result<Config, ConfigErrors> {
    assert_schema_takes(&json!({ "ROUTES": [route] }));
    let seal_key = Some(Secret::new(format!("{}=", "A".repeat(43))));
    let routes = vec![("ROUTES".to_owned(), json!([route]).to_string())];
    let secret = |name: &str| (name.to_owned(), Secret::new(format!("{}=", "A".repeat(43))));
    let webhook_secrets = ["WEBHOOK_SECRET", "WEBHOOK_SECRET_GITHUB"].map(secret).to_vec();
    Config::parse(&Variables { routes, seal_key, webhook_secrets, ..Variables::default() })
}

#[test]
fn the_table_has_the_fields_that_the_parser_knows() {
    let names = |text: &str| {
        let (_, names) = text.split_once("the fields are ").unwrap();
        names.split(", ").map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let known = names(with("unknown field", json!(1)).unwrap_err().errors()[0].expected());
    assert_eq!(fields().map(|field| field.name.to_owned()).collect::<BTreeSet<_>>(), known);
    assert_eq!(fields().count(), known.len(), "each stands there once");

    let issuer = fields().find(|field| field.name == "jwt").unwrap();
    let mut table = json(issuer.examples[0]);
    table["unknown field"] = json!(1);
    let known = names(parse(json!([route_with("jwt", table)])).unwrap_err().errors()[0].expected());
    let schema = (issuer.schema)();
    assert_eq!(schema["properties"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), known);
}

#[test]
fn defaults_are_what_the_parser_yields() {
    let route = |config: Config| config.routes.routes()[0].clone();
    let plain = json!({ "name": "payments", "path": "/v1/payments", "scope": "public" });
    let without = route(parse(json!([plain])).unwrap());
    for field in fields() {
        match field.default {
            Default::Required => {
                let text = with(field.name, Value::Null).unwrap_err().to_string();
                assert!(text.starts_with(&format!("ROUTES[0].{} is missing", field.name)), "{text}");
            }
            Default::Value(text) => {
                let mut given = plain.clone();
                given[field.name] = json(text);
                assert_eq!(route(parse(json!([given])).unwrap()), without, "{}", field.name);
            }
            Default::Absent(_) => {}
        }
    }
}

#[test]
fn examples_are_taken_and_differ_from_the_default() {
    for field in fields() {
        assert!(!field.examples.is_empty(), "{}", field.name);
        for example in field.examples {
            let route = route_with(field.name, json(example));
            parse_sealing(&route).unwrap_or_else(|errors| panic!("{}: {errors}", field.name));
            assert!(!matches!(field.default, Default::Value(text) if json(text) == json(example)), "{}", field.name);
        }
    }
}

#[test]
fn what_is_allowed_is_what_the_parser_says() {
    for field in fields() {
        assert!(!field.allowed().is_empty(), "{}", field.name);
    }
    let allowed = |name: &str| fields().find(|field| field.name == name).unwrap().allowed();
    assert_eq!(allowed("required"), "true or false");
    assert!(allowed("ttl").contains("400 days") && allowed("jwt").contains("jwks"));
}

/// What only the parser refuses: how fields depend on each other, how much a text stands for, and what the gate itself needs.
fn only_the_parser_refuses() -> Vec<(&'static str, Value)> {
    vec![
        ("key", json!(["path:nope"])),
        ("scope", json!(["path:nope"])),
        ("ttl", json!("0s")),
        ("ttl", json!("1us")),
        ("ttl", json!("9000years")),
        ("timeout", json!("1h")),
        ("wait", json!("2m")),
        ("on_unknown", json!({ "probe": "/v1/{nope}/{key}" })),
        ("replay_cache", json!("6m")),
        ("shards", json!({ "count": 16, "previous": 16 })),
        ("renamed_from", json!("payments")),
        ("max_request", json!("0B")),
        ("max_request", json!("1TB")),
        ("keys_per_scope", json!({ "keys": 1, "window": "1year" })),
        ("keys_per_scope", json!({ "keys": 1, "window": "2days" })),
        ("keep_headers", json!(["oncegate-fence"])),
        ("queue", json!("orders")),
        ("webhook", json!("stripe")),
        ("seal", json!(true)),
    ]
}

#[test]
fn the_schema_refuses_what_the_parser_refuses_as_far_as_it_can() {
    let schema_refuses = |field: &str, value: &Value| {
        let mut route = json!({ "name": "payments", "path": "/v1/payments/{id}", "scope": "public" });
        route[field] = value.clone();
        schema_takes(&json!({ "ROUTES": [route] })).is_err()
    };
    let taken: Vec<(&str, Value)> = bad_values()
        .into_iter()
        .filter(|(field, value, _)| !schema_refuses(field, value))
        .map(|(field, value, _)| (field, value))
        .collect();
    assert_eq!(taken, only_the_parser_refuses());
    for field in ["name", "path", "scope"] {
        let mut route = json!({ "name": "payments", "path": "/", "scope": "public" });
        route.as_object_mut().unwrap().remove(field);
        assert!(schema_takes(&json!({ "ROUTES": [route] })).is_err(), "{field} is missing");
    }
}

#[test]
fn the_schema_knows_the_names_of_variables() {
    let routes = json!([{ "name": "a", "path": "/a", "scope": "public" }]);
    for name in [
        "ROUTES",
        "ROUTES_1",
        "ROUTES_9",
        "ROUTES_99",
        "ROUTES_0",
        "ROUTES_01",
        "ROUTES_100",
        "ROUTES1",
        "Routes",
        "ROUTE",
        "ROUTE_1",
        "ORIGINS",
        "ROUTER",
        "MY_ROUTES",
    ] {
        let variables = Variables { routes: vec![(name.to_owned(), routes.to_string())], ..Variables::default() };
        // The parser is given those only that are meant for routes.
        let is_taken = !is_meant_as_routes(name) || Config::parse(&variables).is_ok();
        assert_eq!(schema_takes(&json!({ name: routes })).is_ok(), is_taken, "{name}");
    }
    assert_schema_takes(&json!({ "ROUTES": routes.to_string(), "ORIGIN": "https://a", "OTHER": 1 }));
    assert!(schema_takes(&json!({ "ROUTES_2": [{}] })).is_err());
}

/// What the fuzzer has found to be of interest, and what it was given to begin with.
#[test]
fn the_schema_takes_every_configuration_of_the_corpus_that_the_parser_takes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/config");
    let mut taken = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read_to_string(entry.unwrap().path()) else { continue };
        let [origin, _, seal_key, name, routes] = text.splitn(5, '\n').collect::<Vec<_>>()[..] else { continue };
        let set = |line: &str| Some(line.to_owned()).filter(|line| !line.is_empty());
        let name = set(name).unwrap_or_else(|| "ROUTES".to_owned());
        let variables = Variables {
            origin: set(origin),
            routes: vec![(name.clone(), routes.to_owned())],
            seal_key: set(seal_key).map(Secret::new),
            ..Variables::default()
        };
        let Ok(value) = serde_json::from_str::<Value>(routes) else { continue };
        if Config::parse(&variables).is_ok() {
            let mut whole = json!({ name: value });
            if let Some(origin) = variables.origin {
                whole["ORIGIN"] = json!(origin);
            }
            assert_schema_takes(&whole);
            taken += 1;
        }
    }
    assert!(taken > 20, "{taken}");
}
