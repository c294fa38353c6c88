//! The types of the settings for TypeScript, made of their JSON Schema.

use anyhow::{Context, Result, bail};
use oncegate_protocol::config::reference::{DEFINITIONS, Default, Definition, Field, GROUPS, VARIABLES, Variable};
use serde_json::Value as Json;

use super::wrapped;

const HEAD: &str = "\
// Made by `cargo xtask reference` of the table in protocol/src/config/reference.
//
// For configuration that a program writes, and for a Worker of your own that has these variables.
";

/// The file.
pub(crate) fn declarations() -> Result<String> {
    let mut text = HEAD.to_owned();
    for Definition { name, about, typescript, .. } in &DEFINITIONS {
        text.push_str(&format!("\n/** {about} */\nexport type {name} = {typescript};\n"));
    }
    text.push_str("\n/** A keyed route: which requests are guarded, where their key is, and who shares keys. */\n");
    text.push_str("export interface Route {\n");
    for field in GROUPS.iter().flat_map(|group| group.fields) {
        text.push_str(&member(field).with_context(|| format!("the field {}", field.name))?);
    }
    text.push_str("}\n\n/** The variables and secrets of a gate. */\nexport interface Vars {\n");
    for variable in &VARIABLES {
        text.push_str(&of_variable(variable)?);
    }
    text.push_str("}\n");
    Ok(text)
}

fn member(field: &Field) -> Result<String> {
    let (optional, default) = match field.default {
        Default::Required => ("", String::new()),
        Default::Value(json) => ("?", format!(" Default: `{json}`.")),
        Default::Absent(meaning) => ("?", format!(" Without it: {meaning}.")),
    };
    let typescript = of(&(field.schema)())?;
    let comment = comment(&format!("{}{default}", field.about));
    Ok(format!("{comment}  {}{optional}: {typescript};\n", field.name))
}

fn of_variable(variable: &Variable) -> Result<String> {
    let Variable { name, about, .. } = variable;
    let typescript = of(&(variable.schema)()).with_context(|| format!("the variable {name}"))?;
    // The only one of which there may be several.
    let more =
        if *name == "ROUTES" { format!("  [more: `ROUTES_${{number}}`]: {typescript};\n") } else { String::new() };
    Ok(format!("{}  {name}?: {typescript};\n{more}", comment(about)))
}

/// The comment of a member.
fn comment(text: &str) -> String {
    format!("  /**\n   * {}   */\n", wrapped(text, "   * "))
}

/// The type of what a schema takes.
fn of(schema: &Json) -> Result<String> {
    let list = |name: &str| schema.get(name).and_then(Json::as_array);
    let all = |schemas: &[Json]| schemas.iter().map(of).collect::<Result<Vec<_>>>();
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        return Ok(name.trim_start_matches("#/definitions/").to_owned());
    }
    if let Some(words) = list("enum") {
        let quoted: Vec<String> = words.iter().filter_map(Json::as_str).map(|word| format!("'{word}'")).collect();
        return Ok(quoted.join(" | "));
    }
    if let (Some(schemas), None) = (list("anyOf"), schema.get("type")) {
        return Ok(all(schemas)?.join(" | "));
    }
    // What narrows a type down, such as a bound, is none of its own.
    if let Some(first) = list("allOf").and_then(|schemas| schemas.first()) {
        return of(first);
    }
    let types: Vec<&str> = match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => bail!("its schema has no type: {schema}"),
    };
    Ok(types.into_iter().map(|name| of_type(name, schema)).collect::<Result<Vec<_>>>()?.join(" | "))
}

fn of_type(name: &str, schema: &Json) -> Result<String> {
    Ok(match name {
        "string" | "boolean" => name.to_owned(),
        "integer" | "number" => "number".to_owned(),
        "array" => {
            let items = of(schema.get("items").context("a list without items")?)?;
            if items.contains(' ') { format!("({items})[]") } else { format!("{items}[]") }
        }
        "object" => {
            let properties = schema.get("properties").and_then(Json::as_object).context("a table without fields")?;
            let required = schema.get("required").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
            let property = |(name, schema): (&String, &Json)| {
                let optional = if required.iter().any(|one| one == name) { "" } else { "?" };
                of(schema).map(|typescript| format!("{name}{optional}: {typescript}"))
            };
            format!("{{ {} }}", properties.iter().map(property).collect::<Result<Vec<_>>>()?.join("; "))
        }
        other => bail!("nothing is known of the type {other}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_becomes_a_type() {
        for (schema, expected) in [
            (json!({ "type": "string", "pattern": "x" }), "string"),
            (json!({ "type": ["array", "string"], "items": { "type": "integer" } }), "number[] | string"),
            (json!({ "enum": ["a", "b"] }), "'a' | 'b'"),
            (json!({ "type": "array", "items": { "enum": ["a", "b"] } }), "('a' | 'b')[]"),
            (json!({ "allOf": [{ "$ref": "#/definitions/Size" }, { "maximum": 3 }] }), "Size"),
            (json!({ "anyOf": [{ "enum": ["a"] }, { "type": "boolean" }] }), "'a' | boolean"),
            (
                json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "integer" } }, "required": ["b"], "anyOf": [] }),
                "{ a?: string; b: number }",
            ),
        ] {
            assert_eq!(of(&schema).unwrap(), expected);
        }
        assert!(of(&json!({ "type": "null" })).is_err() && of(&json!({})).is_err());
    }
}
