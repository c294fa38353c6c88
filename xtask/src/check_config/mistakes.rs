//! What is wrong with the variables of a Worker, and where it stands in the file.

use oncegate_protocol::config::reference::VARIABLES;
use oncegate_protocol::config::{Config, ConfigError, is_meant_as_routes};
use serde_json::Value as Json;

use super::document::member;
use super::environment::Environment;

/// The most that one variable may hold (Cloudflare, "Workers", "Limits", "Environment variables": 5 KB), in bytes.
const VARIABLE_BYTES: usize = 5 * 1024;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The pointer to what is wrong, or to what would be there.
    pub(crate) pointer: String,
    pub(crate) text: String,
}

impl Mistake {
    pub(crate) fn new(pointer: String, text: impl Into<String>) -> Self {
        Self { pointer, text: text.into() }
    }
}

/// What the Worker makes of its variables, or all that is wrong with them.
pub(crate) fn check(worker: &Environment<'_>) -> Result<Config, Vec<Mistake>> {
    let table = worker.table("vars");
    let mut mistakes = of_all_variables(worker);
    match worker.variables_with_secrets().parse() {
        Ok(config) if mistakes.is_empty() => return Ok(config),
        Ok(_) => {}
        Err(errors) => mistakes.extend(
            errors.errors().iter().map(|error| Mistake::new(place(error, worker), format!("[{table}] {error}"))),
        ),
    }
    Err(mistakes)
}

/// What is wrong with variables whatever is in them.
fn of_all_variables(worker: &Environment<'_>) -> Vec<Mistake> {
    let (table, variables) = (worker.table("vars"), worker.variables());
    let pointer = |name: &str| member(&worker.pointer("vars"), name);
    let mut mistakes = Vec::new();
    for (name, value) in variables.iter() {
        let bytes = value.as_str().map_or_else(|| value.to_string().len(), str::len);
        if bytes > VARIABLE_BYTES {
            let advice =
                if is_meant_as_routes(name) { ": put some of its routes into another, such as ROUTES_1" } else { "" };
            let text = format!("[{table}] {name} has {bytes} bytes: allowed is at most {VARIABLE_BYTES}{advice}");
            mistakes.push(Mistake::new(pointer(name), text));
        }
        if !is_meant_as_routes(name) && has_routes(value) {
            let text = format!(
                "[{table}] {name} has routes, but nobody reads them there: allowed is ROUTES, or ROUTES_1 to ROUTES_99"
            );
            mistakes.push(Mistake::new(pointer(name), text));
        }
    }
    mistakes
}

/// Whether a value looks like a list of routes.
fn has_routes(value: &Json) -> bool {
    let is_route =
        |entry: &Json| entry.get("path").is_some() && (entry.get("name").is_some() || entry.get("scope").is_some());
    value.as_array().is_some_and(|entries| entries.iter().any(is_route))
}

/// What a person should know of variables that are not wrong.
pub(crate) fn warnings(worker: &Environment<'_>) -> Vec<Mistake> {
    let (table, variables) = (worker.table("vars"), worker.variables());
    let mut warnings = Vec::new();
    let others = variables.iter().filter(|(name, value)| !is_meant_as_routes(name) && !has_routes(value));
    for (name, _) in others {
        let text = match VARIABLES.iter().find(|known| known.name == name) {
            Some(known) if known.is_secret => {
                "a secret, which should not stand in a file: set it by `npx wrangler secret put`"
            }
            Some(_) => continue,
            None => "not a variable that Oncegate reads",
        };
        warnings.push(Mistake::new(member(&worker.pointer("vars"), name), format!("[{table}] {name} is {text}")));
    }
    warnings
}

/// The pointer to what an error speaks of.
fn place(error: &ConfigError, worker: &Environment<'_>) -> String {
    let variables = worker.pointer("vars");
    let field = error.field();
    if let Some(name) = field.strip_prefix("the name ") {
        return member(&variables, name);
    }
    // Errors that concern several routes name one, instead of saying where it stands.
    let named = |field: &str, name: &str| named_route(worker, name).map(|route| member(&route, field));
    if let Some((name, field)) = field.strip_prefix("ROUTES (").and_then(|rest| rest.split_once(").")) {
        return named(field, name).unwrap_or(variables);
    }
    if let (Some(("ROUTES", field)), Some(value)) = (field.split_once('.'), error.value()) {
        let value = value.trim_matches('"');
        let route = if field == "name" {
            named(field, value)
        } else {
            route_with(worker, field, value).map(|route| member(&route, field))
        };
        return route.unwrap_or(variables);
    }
    // "ROUTES[0].jwt.issuer", or "ROUTES[0].renamed_from or shards.previous".
    let first = field.split_once(" or ").map_or(field, |(first, _)| first);
    let steps = first.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps.fold(variables, |pointer, step| member(&pointer, step))
}

/// The pointer to the last route of this name: it is the one that is in the way of another.
fn named_route(worker: &Environment<'_>, name: &str) -> Option<String> {
    route_with(worker, "name", name)
}

/// The pointer to the last route with this text in a field.
fn route_with(worker: &Environment<'_>, field: &str, value: &str) -> Option<String> {
    let variables = worker.variables();
    let mut found = None;
    for (name, routes) in variables.iter().filter(|(name, _)| is_meant_as_routes(name)) {
        for (index, route) in routes.as_array().into_iter().flatten().enumerate() {
            if route.get(field).and_then(Json::as_str) == Some(value) {
                found = Some(member(&member(&worker.pointer("vars"), name), &index.to_string()));
            }
        }
    }
    found
}
