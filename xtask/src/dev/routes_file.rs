//! The routes file of `dev --routes`: TOML with an array of tables ROUTES.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

/// Reads the routes in `file`, as the value of the Worker's binding ROUTES.
pub(crate) fn read(file: &Path) -> Result<Json> {
    let named = || format!("the routes file {}", file.display());
    let text = fs::read_to_string(file).with_context(named)?;
    parse(&text).with_context(named)
}

pub(crate) fn parse(text: &str) -> Result<Json> {
    let mut table: toml::Table = text.parse().map_err(anyhow::Error::new)?;
    let routes = match table.remove("ROUTES") {
        Some(toml::Value::Array(routes)) if routes.iter().all(toml::Value::is_table) => {
            json(toml::Value::Array(routes))
        }
        Some(_) => bail!("ROUTES must be an array of tables: [[ROUTES]]"),
        None => bail!("it has no array of tables ROUTES: each route begins with [[ROUTES]]"),
    };
    if let Some(name) = table.keys().next() {
        bail!("it has {name:?} beside ROUTES, where only [[ROUTES]] may be");
    }
    Ok(routes)
}

/// The same value as JSON; a date becomes its text, and a number that JSON does not know becomes null.
pub(crate) fn json(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(name, value)| (name, json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn routes_become_json() {
        let text =
            "[[ROUTES]]\nname = \"a\"\nshards = 8\nfingerprint = { include = [\"/x\"] }\n[[ROUTES]]\nrequired = true";
        let expected = serde_json::json!([
            { "name": "a", "shards": 8, "fingerprint": { "include": ["/x"] } },
            { "required": true },
        ]);
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused("[[ROUTES]]\nname = ").contains("line 2, column 8"), "{}", refused("[[ROUTES]]\nname = "));
        assert!(refused("").contains("no array of tables ROUTES"));
        assert!(refused("ROUTES = \"x\"").contains("array of tables"));
        assert!(refused("[ROUTES]").contains("array of tables"));
        assert!(refused("[[ROUTES]]\n[[ROUTE]]").contains("\"ROUTE\""));
        let missing = read(Path::new("/nowhere/routes.toml")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/routes.toml"));
    }
}
