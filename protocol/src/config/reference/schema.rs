//! The JSON Schema (draft 7, which editors know best) of routes and variables.
//!
//! What the parser takes, it takes. It refuses less than the parser: how fields depend on each other, and how long a duration is, it
//! cannot tell.

use serde_json::{Map, Value, json};

use super::{Default, VARIABLES, fields};
use crate::limits;

/// A part of the schema that has a name, and in TypeScript a type of this name.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The type in TypeScript.
    pub typescript: &'static str,
    schema: fn() -> Value,
}

/// All of them but `Route` and `Vars`.
pub const DEFINITIONS: [Definition; 7] = [
    Definition {
        name: "Duration",
        about: "A duration in whole milliseconds, such as \"24h\", \"1m 30s\" or \"250ms\".",
        typescript: "string",
        schema: || json!({ "type": "string", "pattern": "^\\s*(0|([0-9][0-9.]*\\s*[A-Za-zµ]+\\s*)+)$" }),
    },
    Definition {
        name: "Size",
        about: "A number of bytes, or a text such as \"1MiB\" or \"500KB\".",
        typescript: "string | number",
        schema: || json!({ "type": ["string", "integer"], "pattern": "[0-9]", "minimum": 1 }),
    },
    Definition {
        name: "Path",
        about: "A path, in which {param} stands for a segment and {*rest} for all that follows.",
        typescript: "`/${string}`",
        schema: || {
            let segment = "([^%?#\\\\;/:*{}][^%?#\\\\;/{}]*|\\{[^%?#\\\\;/{}]+\\})";
            json!({
                "type": "string",
                "pattern": format!("^/({segment}(/{segment})*)?$"),
                "maxLength": 1024,
                "not": { "pattern": "^/_oncegate(/|$)" },
            })
        },
    },
    Definition {
        name: "HeaderName",
        about: "The name of a header.",
        typescript: "string",
        schema: || json!({ "type": "string", "pattern": format!("^{TOKEN}$") }),
    },
    Definition {
        name: "Pointer",
        about: "A JSON pointer (RFC 6901) into a body.",
        typescript: "`/${string}`",
        schema: || json!({ "type": "string", "pattern": "^/([^~]|~[01])*$", "maxLength": 1024 }),
    },
    Definition {
        name: "KeySource",
        about: "Where a part of the key is.",
        typescript: "`header:${string}` | `json:/${string}` | `query:${string}` | `path:${string}`",
        schema: || {
            let pattern = format!("^(header:{TOKEN}|json:/([^~]|~[01])*|(query|path):[\\s\\S]+)$");
            json!({ "type": "string", "pattern": pattern })
        },
    },
    Definition {
        name: "ScopeSource",
        about: "What must be the same in requests that share keys.",
        typescript: "`header:${string}` | `cookie:${string}` | `path:${string}` | `jwt:${string}` | 'client-certificate' | 'host'",
        schema: || {
            let pattern = format!("^((header|cookie):{TOKEN}|(path|jwt):[\\s\\S]+|client-certificate|host)$");
            json!({ "type": "string", "pattern": pattern })
        },
    },
];

/// A token (RFC 9110, section 5.6.2), as long as a name may be.
const TOKEN: &str = "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}";

/// All parts that have a name: for `definitions` in a schema.
pub fn definitions() -> Map<String, Value> {
    let plain = DEFINITIONS.iter().map(|definition| {
        (definition.name.to_owned(), and((definition.schema)(), "description", json!(definition.about)))
    });
    plain.chain([("Route".to_owned(), route_schema()), ("Vars".to_owned(), variables_schema())]).collect()
}

/// The schema of a route. It speaks of [`definitions`].
pub fn route_schema() -> Value {
    let property = |field: &super::Field| {
        let schema = described((field.schema)(), field.about);
        let schema = match field.default {
            Default::Value(text) => and(schema, "default", serde_json::from_str(text).unwrap_or_default()),
            Default::Required | Default::Absent(_) => schema,
        };
        (field.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = fields().map(property).collect();
    let required: Vec<&str> =
        fields().filter(|field| field.default == Default::Required).map(|field| field.name).collect();
    json!({
        "description": "Which requests are guarded, where their key is, and who shares keys.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "not": { "required": ["location_hint", "jurisdiction"] },
    })
}

/// The schema of the variables. It speaks of [`definitions`].
pub fn variables_schema() -> Value {
    let property =
        |variable: &super::Variable| (variable.name.to_owned(), described((variable.schema)(), variable.about));
    let properties: Map<String, Value> = VARIABLES.iter().map(property).collect();
    let routes = properties.get("ROUTES").cloned().unwrap_or_default();
    // What was meant for routes and has another name is refused.
    let numbered = format!("^ROUTES_{}$", numbers());
    let meant = "^[Rr][Oo][Uu][Tt][Ee](_.*|[Ss].*)?$";
    json!({
        "description": "The variables of a gate.",
        "type": "object",
        "properties": properties,
        "patternProperties": { numbered.as_str(): routes },
        "propertyNames": { "anyOf": [{ "enum": ["ROUTES"] }, { "pattern": numbered }, { "not": { "pattern": meant } }] },
    })
}

/// The numbers from 1 to [`limits::ROUTE_VARIABLES`], which are those of one or two digits.
fn numbers() -> &'static str {
    const { assert!(limits::ROUTE_VARIABLES == 99, "the pattern is of two digits") };
    "[1-9][0-9]?"
}

/// In draft 7, what stands beside a reference is not read.
fn described(schema: Value, about: &str) -> Value {
    let schema = if schema.get("$ref").is_some() { json!({ "allOf": [schema] }) } else { schema };
    and(schema, "description", json!(about))
}

/// A schema with one word more.
pub(super) fn and(mut schema: Value, word: &str, value: Value) -> Value {
    if let Some(words) = schema.as_object_mut() {
        words.insert(word.to_owned(), value);
    }
    schema
}

pub(super) fn named(definition: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{definition}") })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(super) fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn duration() -> Value {
    named("Duration")
}

pub(super) fn size(most: u64) -> Value {
    json!({ "allOf": [named("Size"), { "maximum": most }] })
}

pub(super) fn integer(least: u64, most: u64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

pub(super) fn text(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most })
}

pub(super) fn list(items: &Value, least: usize, most: Option<usize>) -> Value {
    let schema = json!({ "type": "array", "items": items, "minItems": least });
    match most {
        Some(most) => and(schema, "maxItems", json!(most)),
        None => schema,
    }
}

/// A table with these fields and no others.
pub(super) fn object(fields: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
