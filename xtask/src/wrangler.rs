//! What `wrangler.toml` says of the Worker.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use oncegate_protocol::config::Route;
use serde_json::Value as Json;

use crate::project::Project;
use crate::variables::{Variables, is_routes};

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

/// Fails if `wrangler.toml` would deploy a Worker that refuses its variables, with all that is wrong with them.
pub(crate) fn check(project: &Project) -> Result<()> {
    let Some(document) = read(project)? else {
        eprintln!("there is no wrangler.toml, so the Worker's variables are not checked");
        return Ok(());
    };
    let mistakes = mistakes(&document);
    if !mistakes.is_empty() {
        bail!("the Worker would answer 500 to everything, because of wrangler.toml:\n{}", mistakes.join("\n"));
    }
    Ok(())
}

/// The routes of the Worker and of each of its environments, each with the table that its variables are in. None where the
/// variables are refused.
pub(crate) fn routes(document: &Json) -> Vec<(String, Route)> {
    let environments = document.get("env").and_then(Json::as_object).into_iter().flatten();
    let environments = environments.map(|(name, environment)| (format!("env.{name}.vars"), environment.get("vars")));
    let tables = core::iter::once(("vars".to_owned(), document.get("vars"))).chain(environments);
    let routes = tables.filter_map(|(table, variables)| Some((table, Variables::of(variables).config().ok()?)));
    routes
        .flat_map(|(table, config)| {
            let routes: Vec<Route> = config.routes.all().cloned().collect();
            routes.into_iter().map(move |route| (table.clone(), route))
        })
        .collect()
}

/// The value of TOML as JSON.
pub(crate) fn parse(text: &str) -> Result<Json> {
    let table: toml::Table = text.parse()?;
    Ok(json(toml::Value::Table(table)))
}

/// What is said of a document whose variables have no routes.
pub(crate) fn missing_routes(document: &Json) -> String {
    let misplaced = document.as_object().into_iter().flatten().find(|(name, _)| is_routes(name));
    let hint = misplaced.map(|(name, _)| format!("; its [[{name}]] must be [[vars.{name}]]")).unwrap_or_default();
    format!("wrangler.toml has no [[vars.ROUTES]]{hint}")
}

/// What is wrong with the variables of the Worker and of each of its environments: a line each.
fn mistakes(document: &Json) -> Vec<String> {
    let worker = Variables::of(document.get("vars"));
    let environments = document.get("env").and_then(Json::as_object).into_iter().flatten();
    let environments: Vec<(&String, Variables)> = environments
        .filter(|(_, environment)| environment.get("vars").is_some())
        .map(|(name, environment)| (name, Variables::of(environment.get("vars"))))
        .collect();
    // The routes may be among the variables that are set elsewhere and kept.
    let others_are_kept = document.get("keep_vars").and_then(Json::as_bool) == Some(true);
    let is_deployed_as_environment = environments.iter().any(|(_, variables)| variables.have_routes());

    let mut mistakes = Vec::new();
    if worker.have_routes() {
        mistakes.extend(labelled("vars", &worker));
    } else if !others_are_kept && !is_deployed_as_environment {
        mistakes.push(missing_routes(document));
    }
    for (name, variables) in environments {
        if variables.have_routes() {
            mistakes.extend(labelled(&format!("env.{name}.vars"), &variables));
        } else if !others_are_kept {
            mistakes.push(format!(
                "[env.{name}.vars] has no routes, and environments do not inherit [vars]: write [[env.{name}.vars.ROUTES]]"
            ));
        }
    }
    mistakes
}

fn labelled(table: &str, variables: &Variables) -> Vec<String> {
    let refused = variables.config().err().unwrap_or_default();
    refused.lines().map(|line| format!("[{table}] {line}")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "name = \"a\"\npath = \"/a\"\nscope = \"public\"\n";

    fn found(text: &str) -> Vec<String> {
        mistakes(&parse(text).unwrap())
    }

    #[test]
    fn good_variables_pass() {
        assert!(found(&format!("[[vars.ROUTES]]\n{ROUTE}")).is_empty());
        assert!(found(&format!("[env.x]\nname = \"b\"\n[[env.y.vars.ROUTES]]\n{ROUTE}")).is_empty());
        assert!(found("keep_vars = true\n[env.x.vars]").is_empty());
        let own = std::fs::read_to_string(Project::here().path("wrangler.toml")).unwrap();
        assert!(found(&own).is_empty());
    }

    #[test]
    fn mistakes_are_named_with_their_table() {
        let worker = format!("[vars]\nORIGIN = \"x\"\n[[vars.ROUTES]]\n{ROUTE}ttll = 1\n");
        let environment = format!("[[env.staging.vars.ROUTES_1]]\n{ROUTE}mode = \"dry\"\n[env.bare.vars]\nA = 1");
        let found = found(&format!("{worker}{environment}"));
        let begin = [
            "[vars] ORIGIN = x",
            "[vars] ROUTES[0].ttll",
            "[env.bare.vars] has no",
            "[env.staging.vars] ROUTES_1[0].mode",
        ];
        assert_eq!(found.len(), begin.len(), "{found:#?}");
        for (mistake, begin) in found.iter().zip(begin) {
            assert!(mistake.starts_with(begin), "{mistake}");
        }
    }

    #[test]
    fn missing_routes_are_said() {
        assert_eq!(found("[vars]\nORIGIN = \"https://a\""), ["wrangler.toml has no [[vars.ROUTES]]"]);
        let misplaced = "wrangler.toml has no [[vars.ROUTES]]; its [[ROUTES]] must be [[vars.ROUTES]]";
        assert_eq!(found(&format!("[[ROUTES]]\n{ROUTE}")), [misplaced]);
    }
}
