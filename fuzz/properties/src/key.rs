//! Keys, from each of their sources: what is taken for one, and that it is the one that was sent.

use std::sync::LazyLock;

use oncegate_protocol::config::Config;
use oncegate_protocol::limits;
use oncegate_protocol::request::given;
use serde_json::{Map, Value, json};

use crate::gate::{Admitted, Request, choice_and_text, config, escaped, unescaped};

const SOURCES: [Source; 6] =
    [Source::Lenient, Source::Strict, Source::Query, Source::Path, Source::Json, Source::Combined];
const FORMATS: [&str; 3] = ["any", "uuid", "ulid"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Lenient,
    Strict,
    Query,
    Path,
    Json,
    Combined,
}

/// A route for each source and format. The probe shows the key as the gate has read it.
static GATE: LazyLock<Config> = LazyLock::new(|| {
    let route = |source: Source, format: &str| {
        let name = format!("{source:?}-{format}");
        let (key, path) = match source {
            Source::Lenient | Source::Strict => (json!(["header:Idempotency-Key"]), format!("/{name}")),
            Source::Query => (json!(["query:k"]), format!("/{name}")),
            Source::Path => (json!(["path:id"]), format!("/{name}/{{id}}")),
            Source::Json => (json!(["json:/id"]), format!("/{name}")),
            Source::Combined => (json!(["json:/0", "json:/1", "json:/2"]), format!("/{name}")),
        };
        let syntax = if source == Source::Strict { "strict" } else { "lenient" };
        json!({ "name": name, "path": path, "key": key, "key_syntax": syntax, "key_format": format, "scope": "public",
            "on_unknown": { "probe": "/by-key?k={key}" } })
    };
    let routes = SOURCES.iter().flat_map(|source| FORMATS.map(|format| route(*source, format)));
    config(None, &routes.collect())
});

/// What is to become of a key.
enum Expected {
    Key(String),
    Refused,
    /// Neither is said here.
    Open,
}

/// The first byte chooses source and format; the rest is the key, as it is sent.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = choice_and_text(input) else { return };
    let (source, format) = (SOURCES[choice % SOURCES.len()], FORMATS[choice / SOURCES.len() % FORMATS.len()]);
    if source == Source::Combined {
        return check_combined(text);
    }
    let expected = match expected(source, text) {
        Expected::Key(key) => in_format(key, format).map_or(Expected::Refused, Expected::Key),
        other => other,
    };
    match (read(source, format, text), expected) {
        (Some((key, _)), Expected::Key(expected)) => assert_eq!(key, expected, "{source:?} {format} {text:?}"),
        (Some((key, _)), Expected::Refused) => panic!("{source:?} {format} {text:?} was taken for {key:?}"),
        (None, Expected::Key(key)) => panic!("{source:?} {format} {text:?} was not taken for {key:?}"),
        (None, Expected::Refused | Expected::Open) => return,
        (Some(_), Expected::Open) => {}
    }
    let (key, id) = read(source, format, text).unwrap();
    assert!((1..=limits::KEY_BYTES).contains(&key.len()), "{key:?} has {} bytes", key.len());
    assert!(!key.contains(|c: char| c.is_control() || c == '\u{fffd}'), "{key:?}");
    if let Some(written) = written(source, &key) {
        assert_eq!(read(source, format, &written), Some((key.clone(), id.clone())), "{text:?}, written {written:?}");
    }
    for other_case in [key.to_ascii_uppercase(), key.to_ascii_lowercase()] {
        if let Some(written) = written(source, &other_case) {
            let is_same = read(source, format, &written).is_some_and(|(_, other)| other == id);
            assert_eq!(is_same, format != "any" || other_case == key, "{key:?} and {other_case:?}");
        }
    }
}

/// The key that the gate reads, and where its record is; `None` where it refuses.
fn read(source: Source, format: &str, text: &str) -> Option<(String, String)> {
    let base = format!("https://gate.example/{source:?}-{format}");
    let mut request = Request::new("POST", &base);
    match source {
        Source::Lenient | Source::Strict => request = request.with("idempotency-key", text),
        Source::Query => request.href = format!("{base}?{text}"),
        Source::Path => request.href = format!("{base}/{}", escaped(text.as_bytes())),
        Source::Json => request.body = body(text).to_string().into_bytes(),
        Source::Combined => request.body = text.as_bytes().to_vec(),
    }
    let identity = match request.admitted(&GATE) {
        Admitted::Identity(identity) => identity,
        Admitted::Refused(problem) => {
            assert_eq!(problem.status(), 400, "{source:?} {text:?}");
            return None;
        }
        // An empty path parameter is no path of the route's.
        Admitted::PassThrough if source == Source::Path => return None,
        Admitted::PassThrough | Admitted::Own => panic!("{source:?} {text:?} is not guarded"),
    };
    let probe = identity.probe.as_deref().expect("the route asks about any key");
    let query = probe.strip_prefix("/by-key?").expect("the route's probe");
    let shown = query_value(query, "k").expect("the key is in the probe");
    if let Some(named) = named(source, text, &shown) {
        // An operator who names the key finds the same record.
        let places = given(identity.route, &Map::new(), &named);
        assert_eq!(places, Ok(vec![identity.place.clone()]), "{named:?}");
    }
    Some((shown, format!("{:?}", identity.place)))
}

/// The key as an operator writes it.
fn named(source: Source, text: &str, key: &str) -> Option<[Value; 1]> {
    match source {
        Source::Lenient | Source::Strict => Some([text.into()]),
        Source::Query | Source::Path => Some([key.into()]),
        Source::Json => Some([body(text)["id"].clone()]),
        Source::Combined => None,
    }
}

/// A body with this value at its place: as JSON where it is that, else as a text.
fn body(text: &str) -> Value {
    json!({ "id": serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into()) })
}

/// How this key can be sent.
fn written(source: Source, key: &str) -> Option<String> {
    let quoted = || format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    match source {
        Source::Lenient | Source::Strict => {
            Some(quoted()).filter(|text| text.bytes().all(|b| (b' '..=b'~').contains(&b)))
        }
        Source::Query => Some(format!("k={}", escaped(key.as_bytes()))),
        Source::Path => Some(key.to_owned()),
        Source::Json => Some(Value::from(key).to_string()),
        Source::Combined => None,
    }
}

/// What the documents say of a key, before its format is looked at.
fn expected(source: Source, text: &str) -> Expected {
    let key = match source {
        Source::Strict => return structured(text.trim_matches(' ')),
        Source::Lenient => match text.trim_matches([' ', '\t']) {
            quoted if quoted.starts_with('"') => return structured(quoted),
            bare if bare.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)) => bare.to_owned(),
            _ => return Expected::Refused,
        },
        Source::Query => match query_value(text.split('#').next().unwrap_or_default(), "k") {
            Some(value) => value,
            None => return Expected::Refused,
        },
        Source::Json => match body(text)["id"].clone() {
            Value::String(text) => text,
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Expected::Refused,
        },
        // What may be read in two ways is refused: the target origin is about that.
        Source::Path if text.contains(['/', '\\', ';', '.', '\u{ffff}']) => return Expected::Open,
        Source::Path | Source::Combined => text.to_owned(),
    };
    bounded(key)
}

/// A String as RFC 9651, section 3.3.3, has it. What parameters may follow it is not said here.
fn structured(text: &str) -> Expected {
    let Some(mut rest) = text.strip_prefix('"') else { return Expected::Refused };
    let mut key = String::new();
    loop {
        let mut characters = rest.chars();
        match (characters.next(), characters.clone().next()) {
            (Some('"'), None) => return bounded(key),
            (Some('"'), Some(';')) => return Expected::Open,
            (Some('\\'), Some(escaped @ ('"' | '\\'))) => {
                key.push(escaped);
                characters.next();
            }
            (Some(plain @ (' '..='!' | '#'..='[' | ']'..='~')), _) => key.push(plain),
            _ => return Expected::Refused,
        }
        rest = characters.as_str();
    }
}

fn bounded(key: String) -> Expected {
    let is_odd = key.chars().any(|c| c.is_control() || c == '\u{fffd}');
    if key.is_empty() || key.len() > 255 || is_odd { Expected::Refused } else { Expected::Key(key) }
}

/// The one spelling of a key in this format; `None` where it is not in that format.
fn in_format(key: String, format: &str) -> Option<String> {
    let is_like = |pattern: &str, matches: fn(char, char) -> bool| {
        key.chars().count() == pattern.len() && key.chars().zip(pattern.chars()).all(|(c, p)| matches(c, p))
    };
    match format {
        "uuid" => {
            is_like(
                "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
                |c, p| {
                    if p == '-' { c == '-' } else { c.is_ascii_hexdigit() }
                },
            )
            .then(|| key.to_ascii_lowercase())
        }
        "ulid" => is_like("7xxxxxxxxxxxxxxxxxxxxxxxxx", |c, p| match p {
            '7' => matches!(c, '0'..='7'),
            _ => "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(c.to_ascii_uppercase()),
        })
        .then(|| key.to_ascii_uppercase()),
        _ => Some(key),
    }
}

/// The value of a parameter that a query has once, by the URL standard.
fn query_value(query: &str, name: &str) -> Option<String> {
    let mut values = url::form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}

/// A key of three parts, joined for the origin: it can be taken apart again, and can stand in a header.
fn check_combined(text: &str) {
    let parts: Vec<&str> = text.splitn(3, '\n').collect();
    if parts.len() != 3 || !parts.iter().all(|part| matches!(bounded((*part).to_owned()), Expected::Key(_))) {
        return;
    }
    let mut request = Request::new("POST", "https://gate.example/Combined-any");
    request.body = json!(parts).to_string().into_bytes();
    let Admitted::Identity(identity) = request.admitted(&GATE) else { panic!("{parts:?} is no key") };
    let joined = &identity.key;
    assert!(joined.bytes().all(|byte| byte.is_ascii_graphic() && !b",\"".contains(&byte)), "{joined:?}");
    let apart: Vec<Vec<u8>> = joined.split(':').map(unescaped).collect();
    assert_eq!(apart, parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>(), "{joined:?}");
}
