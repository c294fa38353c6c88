//! Runs the HTTP working group's structured-field cases (httpwg/structured-field-tests: `string.json`, `item.json`) against
//! the strict key syntax. The cases are not part of this repository: they are read from the folder that
//! `ONCEGATE_STRUCTURED_FIELD_TESTS` names, or else from `../shared/structured-field-tests` beside the checkout.

use std::io::Write;
use std::path::{Path, PathBuf};

use oncegate_protocol::config::{Config, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::limits;
use oncegate_protocol::request::{Admission, Guarded, RequestHead, RequestUrl, admit};
use serde_json::{Value, json};

#[test]
fn the_strict_syntax_takes_exactly_the_strings() {
    let folder = folder();
    let mut cases = 0;
    for file in ["string.json", "item.json"] {
        let path = folder.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            say(&format!("structured-field cases not run: {} is not there", path.display()));
            return;
        };
        for case in serde_json::from_str::<Vec<Value>>(&text).unwrap() {
            check(&case);
            cases += 1;
        }
    }
    say(&format!("{cases} structured-field cases run"));
    assert!(cases > 15, "only {cases} cases: are these the right files?");
}

/// Says it also where the test passes, whose output is kept back.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn folder() -> PathBuf {
    std::env::var_os("ONCEGATE_STRUCTURED_FIELD_TESTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/structured-field-tests"),
        PathBuf::from,
    )
}

fn check(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let lines: Vec<&str> = case["raw"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let field = lines.join(", ");
    let expected = case["expected"][0].as_str().filter(|_| !is_tagged(&case["expected"][0]));
    match (is_accepted(&field), expected) {
        _ if case["can_fail"] == true => {}
        // Strings that are no keys: empty, or longer than a key may be.
        (false, Some(text)) => assert!(text.is_empty() || text.len() > limits::KEY_BYTES, "{name}: refused {field:?}"),
        (true, Some(text)) => assert!(!text.is_empty() && text.len() <= limits::KEY_BYTES, "{name}: {field:?}"),
        (accepted, None) => assert!(!accepted, "{name}: {field:?} is not a String"),
    }
}

/// Tokens, byte sequences and dates are objects with a `__type`.
fn is_tagged(value: &Value) -> bool {
    value.get("__type").is_some()
}

fn is_accepted(field: &str) -> bool {
    let route = json!([{ "name": "r", "path": "/", "scope": "public", "key_syntax": "strict" }]);
    let routes = vec![("ROUTES".to_owned(), route.to_string())];
    let config = Config::parse(&Variables { routes, ..Variables::default() }).unwrap();
    let header = |name: &str| (name == "idempotency-key").then(|| field.to_owned());
    let url = RequestUrl::parse("http://e/");
    let head = RequestHead { method: "POST", url, header: &header, certificate: &|| None };
    match admit(&config, &head) {
        Admission::Guarded(Guarded::ByBytes(guard)) => {
            guard.identify(BodyDigest::default());
            true
        }
        Admission::Refuse(..) => false,
        _ => panic!("neither guarded nor refused"),
    }
}
