//! What `wrangler.toml` says about the Worker, so that `dev` runs what a deployment would.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use oncegate_protocol::config::{Config, Variables};
use serde_json::Value as Json;

use crate::dev::routes_file;
use crate::project::Project;

/// The Worker as `wrangler.toml` describes it.
#[derive(Debug, PartialEq)]
pub(crate) struct Deployment {
    pub(crate) name: String,
    pub(crate) compatibility_date: String,
    pub(crate) compatibility_flags: Vec<String>,
    pub(crate) ledgers: Vec<DurableObject>,
    /// The variables of the Worker, by name.
    pub(crate) variables: BTreeMap<String, Json>,
}

/// A class of Durable Objects and the name the Worker knows it by.
#[derive(Debug, PartialEq)]
pub(crate) struct DurableObject {
    pub(crate) binding: String,
    pub(crate) class: String,
}

/// The route that is served where `wrangler.toml` has none.
const DEFAULT_ROUTES: &str = "\
[[ROUTES]]
name = \"payments\"
path = \"/v1/payments\"
scope = [\"header:Authorization\"]
";

/// Reads `wrangler.toml`.
pub(crate) fn read(project: &Project) -> Result<Deployment> {
    let file = project.path("wrangler.toml");
    let named = || format!("the file {}", file.display());
    let text = fs::read_to_string(&file).with_context(named)?;
    parse(&text).with_context(named)
}

fn parse(text: &str) -> Result<Deployment> {
    let table: toml::Table = text.parse()?;
    let document = routes_file::json(toml::Value::Table(table));
    let bindings = document.pointer("/durable_objects/bindings").and_then(Json::as_array);
    let mut deployment = Deployment {
        name: text_of(&document, "name")?,
        compatibility_date: text_of(&document, "compatibility_date")?,
        compatibility_flags: texts(document.get("compatibility_flags")),
        ledgers: bindings.into_iter().flatten().map(durable_object).collect::<Result<_>>()?,
        variables: document.get("vars").and_then(Json::as_object).into_iter().flatten().map(owned).collect(),
    };
    if !deployment.variables.keys().any(|name| is_routes(name)) {
        deployment.set_routes(routes_file::parse(DEFAULT_ROUTES)?);
    }
    Ok(deployment)
}

impl Deployment {
    /// Fails if the Worker would refuse this configuration, with all that is wrong with it.
    pub(crate) fn check(&self) -> Result<()> {
        let origin = self.variables.get("ORIGIN").and_then(Json::as_str).map(str::to_owned);
        let routes = self.variables.iter().filter(|(name, _)| is_routes(name));
        let routes = routes.map(|(name, value)| (name.clone(), value.to_string())).collect();
        Config::parse(&Variables { origin, routes })?;
        Ok(())
    }

    /// Replaces all routes.
    pub(crate) fn set_routes(&mut self, routes: Json) {
        self.variables.retain(|name, _| !is_routes(name));
        self.variables.insert("ROUTES".to_owned(), routes);
    }

    /// Sets a variable, whatever it was.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if self.ledgers.iter().any(|ledger| ledger.binding == name) {
            bail!("--var {name}: the Worker's Durable Objects have this name");
        }
        self.variables.insert(name.to_owned(), value.into());
        Ok(())
    }
}

/// Routes are in ROUTES, and where that does not hold them all also in `ROUTES_1`, `ROUTES_2`, ...
fn is_routes(name: &str) -> bool {
    name == "ROUTES" || name.starts_with("ROUTES_")
}

fn durable_object(binding: &Json) -> Result<DurableObject> {
    Ok(DurableObject { binding: text_of(binding, "name")?, class: text_of(binding, "class_name")? })
}

fn text_of(object: &Json, name: &str) -> Result<String> {
    let text = object.get(name).and_then(Json::as_str);
    Ok(text.with_context(|| format!("it has no text {name}"))?.to_owned())
}

fn texts(array: Option<&Json>) -> Vec<String> {
    let values = array.and_then(Json::as_array).into_iter().flatten();
    values.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn owned((name, value): (&String, &Json)) -> (String, Json) {
    (name.clone(), value.clone())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const EXAMPLE: &str = "\
name = \"gate\"
compatibility_date = \"2026-11-17\"
[vars]
ORIGIN = \"https://api.example.com\"
[[vars.ROUTES_1]]
name = \"x\"
[[durable_objects.bindings]]
name = \"LEDGER\"
class_name = \"Ledger\"
";

    pub(crate) fn example() -> Deployment {
        parse(EXAMPLE).unwrap()
    }

    #[test]
    fn a_deployment_is_read() {
        let deployment = example();
        assert_eq!(deployment.compatibility_date, "2026-11-17");
        assert_eq!(deployment.ledgers, [DurableObject { binding: "LEDGER".into(), class: "Ledger".into() }]);
        assert_eq!(deployment.variables["ORIGIN"], "https://api.example.com");
        assert_eq!(deployment.variables["ROUTES_1"][0]["name"], "x");
    }

    #[test]
    fn what_the_worker_would_refuse_is_refused() {
        let refused = example().check().unwrap_err().to_string();
        assert!(refused.contains("ROUTES_1[0].path is missing"), "{refused}");
        let mut deployment = example();
        deployment.set_routes(routes_file::parse(DEFAULT_ROUTES).unwrap());
        deployment.check().unwrap();
    }

    #[test]
    fn other_routes_replace_all_of_them() {
        let mut deployment = example();
        deployment.set_routes(serde_json::json!([{ "name": "y" }]));
        assert_eq!(deployment.variables.keys().collect::<Vec<_>>(), ["ORIGIN", "ROUTES"]);
    }

    #[test]
    fn a_variable_cannot_hide_the_ledger() {
        assert!(example().set("LEDGER", "x").is_err());
        let mut deployment = example();
        deployment.set("ORIGIN", "http://127.0.0.1:1").unwrap();
        assert_eq!(deployment.variables["ORIGIN"], "http://127.0.0.1:1");
    }

    #[test]
    fn without_routes_there_is_a_default() {
        let deployment = parse("name = \"a\"\ncompatibility_date = \"2026-11-17\"").unwrap();
        assert_eq!(deployment.variables["ROUTES"][0]["name"], "payments");
    }
}
