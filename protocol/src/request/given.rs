//! The record of a scope and a key that a person names, read as those of a request are.

use serde_json::{Map, Value};

use super::admission::{in_format, place};
use super::key::KeyPart;
use super::scope::{self, ScopePart};
use super::{Place, jwt};
use crate::config::{KeySource, Route, Scope, ScopeSource, WrittenSource};

/// Where the record is, in the order in which its ledgers are asked: a previous layout comes first.
///
/// `scope` has a value for each source of the route's scope, named as in the configuration; `key` the parts of the key in the
/// order of the route's `key`. Paths and queries are given decoded.
///
/// # Errors
/// What is missing, or is no key; without any of the values, some of which are credentials.
pub fn given(route: &Route, scope: &Map<String, Value>, key: &[Value]) -> Result<Vec<Place>, String> {
    let (scope, key) = (read_scope(&route.scope, scope)?, read_key(route, key)?);
    Ok(route.layouts().map(|layout| place(layout, &scope, &key)).collect())
}

fn read_scope(scope: &Scope, given: &Map<String, Value>) -> Result<Vec<ScopePart>, String> {
    let (mut named, mut claims) = (Vec::new(), Map::new());
    for (name, value) in given {
        match WrittenSource::parse(name) {
            Ok(WrittenSource::Claim(claim)) if scope.written().contains(name) => {
                claims.insert(claim, value.clone());
            }
            Ok(WrittenSource::Other(source)) if scope.sources().contains(&source) => named.push((source, value)),
            _ => return Err(not_of(scope, name)),
        }
    }
    let value = |wanted: &ScopeSource| {
        let mut values = named.iter().filter(|(source, _)| source == wanted);
        let (source, value) = values.next()?;
        // Named twice, in two spellings.
        if values.next().is_some() { None } else { value.as_str().map(|text| as_in_a_request(source, text)) }
    };
    let mut parts = scope::parts(scope.sources(), value)
        .map_err(|source| format!("\"scope\" must have \"{source}\" once, as a text that is not empty"))?;
    if let Scope::Token { issuer, claims: wanted, .. } = scope {
        let absent = || format!("\"scope\" must have {}, as a text or a whole number", quoted(&scope.written()));
        parts.extend(jwt::scope_parts(issuer, wanted, &claims).map_err(|_| absent())?);
    }
    Ok(parts)
}

/// The form in which the platform gives such a value: header values come without the white space around them (RFC 9110,
/// section 5.5), hosts in lower case (RFC 3986, section 3.2.2).
fn as_in_a_request(source: &ScopeSource, text: &str) -> String {
    match source {
        ScopeSource::Header(_) | ScopeSource::Cookie(_) => text.trim_matches([' ', '\t']).to_owned(),
        ScopeSource::Host => scope::host(text),
        ScopeSource::Path(_) | ScopeSource::ClientCertificate => text.to_owned(),
    }
}

fn not_of(scope: &Scope, name: &str) -> String {
    match scope {
        Scope::Public => format!("\"scope\" has {name:?}, but the route's scope is \"public\": it must be empty"),
        Scope::Sources(_) | Scope::Token { .. } => {
            format!("\"scope\" has {name:?}; the route's scope is {}", quoted(&scope.written()))
        }
    }
}

fn quoted(sources: &[String]) -> String {
    sources.iter().map(|source| format!("\"{source}\"")).collect::<Vec<_>>().join(", ")
}

fn read_key(route: &Route, given: &[Value]) -> Result<Vec<KeyPart>, String> {
    if given.len() != route.key.len() {
        let sources: Vec<String> = route.key.iter().map(ToString::to_string).collect();
        let (found, expected) = (given.len(), sources.len());
        return Err(format!("\"key\" has {found} parts, and the route's key has {expected}: {}", quoted(&sources)));
    }
    let part = |(index, (source, value)): (usize, (&KeySource, &Value))| {
        let part = match (source, value) {
            (KeySource::Json(_), value) => KeyPart::from_json(value),
            (KeySource::Header(_), Value::String(text)) => KeyPart::from_header(text, route.key_syntax),
            (KeySource::Query(_) | KeySource::Path(_), Value::String(text)) => KeyPart::new(text.clone()),
            _ => Err("it must be a text".to_owned()),
        };
        in_format(route, index, part).map_err(|reason| format!("\"key\"[{index}] ({source}) is not a key: {reason}"))
    };
    route.key.iter().zip(given).enumerate().map(part).collect()
}
