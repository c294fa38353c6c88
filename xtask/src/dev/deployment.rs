//! The Worker that `dev` runs: the one that `wrangler.toml` describes, as a deployment would run it.

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::variables::Variables;

/// The Worker as `wrangler.toml` describes it.
#[derive(Debug, PartialEq)]
pub(crate) struct Deployment {
    pub(crate) name: String,
    pub(crate) compatibility_date: String,
    pub(crate) compatibility_flags: Vec<String>,
    pub(crate) ledgers: Vec<DurableObject>,
    pub(crate) variables: Variables,
}

/// A class of Durable Objects and the name the Worker knows it by.
#[derive(Debug, PartialEq)]
pub(crate) struct DurableObject {
    pub(crate) binding: String,
    pub(crate) class: String,
}

impl Deployment {
    /// What the document that `wrangler.toml` holds says.
    pub(crate) fn of(document: &Json) -> Result<Self> {
        let bindings = document.pointer("/durable_objects/bindings").and_then(Json::as_array);
        Ok(Self {
            name: text_of(document, "name")?,
            compatibility_date: text_of(document, "compatibility_date")?,
            compatibility_flags: texts(document.get("compatibility_flags")),
            ledgers: bindings.into_iter().flatten().map(durable_object).collect::<Result<_>>()?,
            variables: Variables::of(document.get("vars")),
        })
    }

    /// Sets a variable, whatever it was.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if self.ledgers.iter().any(|ledger| ledger.binding == name) {
            bail!("--var {name}: the Worker's Durable Objects have this name");
        }
        self.variables.set(name, value.into());
        Ok(())
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::wrangler;

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
        Deployment::of(&wrangler::parse(EXAMPLE).unwrap()).unwrap()
    }

    fn variables(deployment: &Deployment) -> Json {
        deployment.variables.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    #[test]
    fn a_deployment_is_read() {
        let deployment = example();
        assert_eq!(deployment.compatibility_date, "2026-11-17");
        assert_eq!(deployment.ledgers, [DurableObject { binding: "LEDGER".into(), class: "Ledger".into() }]);
        let expected = serde_json::json!({ "ORIGIN": "https://api.example.com", "ROUTES_1": [{ "name": "x" }] });
        assert_eq!(variables(&deployment), expected);
    }

    #[test]
    fn a_variable_cannot_hide_the_ledger() {
        assert!(example().set("LEDGER", "x").is_err());
        let mut deployment = example();
        deployment.set("ORIGIN", "http://127.0.0.1:1").unwrap();
        assert_eq!(variables(&deployment)["ORIGIN"], "http://127.0.0.1:1");
    }
}
