//! The routes file of `dev --routes`: TOML with the routes as `[[ROUTES]]`, or as `[[vars.ROUTES]]` like `wrangler.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::variables::{Variables, is_routes};
use crate::wrangler;

/// Reads the variables with routes in `file`.
pub(crate) fn read(file: &Path) -> Result<Variables> {
    let named = || format!("the routes file {}", file.display());
    let text = fs::read_to_string(file).with_context(named)?;
    parse(&text).with_context(named)
}

fn parse(text: &str) -> Result<Variables> {
    let document = wrangler::parse(text)?;
    let outer = routes_in(Some(&document), "")?;
    let inner = routes_in(document.get("vars"), "vars.")?;
    match (outer.is_empty(), inner.is_empty()) {
        (true, true) => {
            bail!("it has no routes: each begins with [[ROUTES]], or as in wrangler.toml with [[vars.ROUTES]]")
        }
        (false, false) => {
            bail!("it has both [[ROUTES]] and [[vars.ROUTES]]: write all of its routes in one of these ways")
        }
        // As in wrangler.toml, where much else may be.
        (true, false) => Ok(inner),
        (false, true) => match document.as_object().into_iter().flatten().find(|(name, _)| !is_routes(name)) {
            Some((name, _)) => bail!("it has {name:?} beside ROUTES, where only [[ROUTES]] may be"),
            None => Ok(outer),
        },
    }
}

/// The variables with routes in `table`, whose name with a point is `prefix`.
fn routes_in(table: Option<&Json>, prefix: &str) -> Result<Variables> {
    let mut found = Variables::default();
    for (name, value) in table.and_then(Json::as_object).into_iter().flatten().filter(|(name, _)| is_routes(name)) {
        if !value.as_array().is_some_and(|routes| routes.iter().all(Json::is_object)) {
            bail!("{prefix}{name} must be an array of tables: each route begins with [[{prefix}{name}]]");
        }
        found.set(name, value.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::variables::tests::variables;

    fn refused(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn routes_become_json() {
        let text =
            "[[ROUTES]]\nname = \"a\"\nshards = 8\nfingerprint = { include = [\"/x\"] }\n[[ROUTES]]\nrequired = true";
        let expected = json!({ "ROUTES": [
            { "name": "a", "shards": 8, "fingerprint": { "include": ["/x"] } },
            { "required": true },
        ] });
        assert_eq!(parse(text).unwrap(), variables(expected));
    }

    #[test]
    fn routes_may_be_written_as_in_wrangler_toml() {
        let text =
            "name = \"gate\"\n[vars]\nORIGIN = \"x\"\n[[vars.ROUTES]]\nname = \"a\"\n[[vars.ROUTES_1]]\nname = \"b\"";
        let expected = variables(json!({ "ROUTES": [{ "name": "a" }], "ROUTES_1": [{ "name": "b" }] }));
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse("[[ROUTES]]\nname = \"a\"\n[[ROUTES_1]]\nname = \"b\"").unwrap(), expected);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused("[[ROUTES]]\nname = ").contains("line 2, column 8"), "{}", refused("[[ROUTES]]\nname = "));
        for none in ["", "[[ROUTE]]", "[vars]", "[[routes]]"] {
            assert!(refused(none).contains("begins with [[ROUTES]], or"), "{none}");
        }
        for wrong in ["ROUTES = \"x\"", "[ROUTES]", "[vars.ROUTES_2]", "ROUTES = [1]"] {
            assert!(refused(wrong).contains("array of tables"), "{wrong}");
        }
        assert!(refused("[[ROUTES]]\n[[ROUTE]]").contains("\"ROUTE\""));
        assert!(refused("[[ROUTES]]\n[[vars.ROUTES]]").contains("both"));
        let missing = read(Path::new("/nowhere/routes.toml")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/routes.toml"));
    }
}
