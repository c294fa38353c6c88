//! What `wrangler.toml` says of the Worker.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use oncegate_protocol::config::Route;
use serde_json::Value as Json;

use crate::check_config::Environment;
use crate::project::Project;

/// Reads `wrangler.toml`; `None` where there is none.
pub(crate) fn read(project: &Project) -> Result<Option<Json>> {
    let file = project.path("wrangler.toml");
    let named = || format!("the file {}", file.display());
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(parse(&text).with_context(named)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(named),
    }
}

/// The routes of the Worker and of each of its environments, each with the table that its variables are in. None where the
/// variables are refused.
pub(crate) fn routes(document: &Json) -> Vec<(String, Route)> {
    let of = |worker: Environment<'_>| {
        let config = worker.variables_with_secrets().config().ok()?;
        let table = worker.table("vars");
        Some(config.routes.all().map(|route| (table.clone(), route.clone())).collect::<Vec<_>>())
    };
    Environment::all(document).into_iter().filter_map(of).flatten().collect()
}

/// The value of TOML as JSON.
pub(crate) fn parse(text: &str) -> Result<Json> {
    let table: toml::Table = text.parse()?;
    Ok(json(toml::Value::Table(table)))
}

/// The same value as JSON; a date becomes its text, and a number that JSON does not know becomes null.
fn json(value: toml::Value) -> Json {
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
