//! The Workers that a configuration file of wrangler describes: that of its top level, and one for each environment.

use oncegate_protocol::config::SEAL_KEY;
use serde_json::Value as Json;

use super::document::member;
use crate::variables::Variables;

/// One of these Workers.
#[derive(Clone, Debug)]
pub(crate) struct Environment<'d> {
    document: &'d Json,
    /// `None` for the top level.
    name: Option<&'d str>,
}

impl<'d> Environment<'d> {
    /// All of them, the top level first.
    pub(crate) fn all(document: &'d Json) -> Vec<Self> {
        let names = document.get("env").and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.as_str());
        core::iter::once(None).chain(names.map(Some)).map(|name| Self { document, name }).collect()
    }

    pub(crate) fn name(&self) -> Option<&'d str> {
        self.name
    }

    /// As a person calls it.
    pub(crate) fn title(&self) -> String {
        self.name.map_or_else(|| "the top level".to_owned(), |name| format!("the environment {name}"))
    }

    /// The name of one of its tables, such as `env.staging.vars`.
    pub(crate) fn table(&self, field: &str) -> String {
        self.name.map_or_else(|| field.to_owned(), |name| format!("env.{name}.{field}"))
    }

    /// The pointer to one of its fields.
    pub(crate) fn pointer(&self, field: &str) -> String {
        let holder = self.name.map(|name| member("/env", name)).unwrap_or_default();
        member(&holder, field)
    }

    /// A field that environments do not inherit: wrangler has it so for variables and bindings.
    pub(crate) fn own(&self, field: &str) -> Option<&'d Json> {
        self.document.pointer(&self.pointer(field))
    }

    /// A field that environments inherit, such as migrations.
    pub(crate) fn inherited(&self, field: &str) -> Option<&'d Json> {
        self.own(field).or_else(|| self.document.get(field))
    }

    /// The pointer to where such a field stands, or would stand.
    pub(crate) fn inherited_pointer(&self, field: &str) -> String {
        let is_inherited = self.own(field).is_none() && self.document.get(field).is_some();
        if is_inherited { member("", field) } else { self.pointer(field) }
    }

    /// Its variables, as far as the file has them.
    pub(crate) fn variables(&self) -> Variables {
        Variables::of(self.own("vars"))
    }

    /// Its variables, with a good secret in place of the one that is set elsewhere, which routes may need.
    pub(crate) fn variables_with_secrets(&self) -> Variables {
        let mut variables = self.variables();
        if !variables.has(SEAL_KEY) {
            variables.stand_in_for(SEAL_KEY);
        }
        variables.stand_in_for_webhooks();
        variables
    }

    /// Whether variables that are set elsewhere, and not in the file, are kept when it is deployed.
    pub(crate) fn keeps_other_variables(&self) -> bool {
        self.document.get("keep_vars").and_then(Json::as_bool) == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_not_inherited_and_migrations_are() {
        let document = json!({
            "vars": { "ORIGIN": "https://a" },
            "migrations": [1],
            "env": { "bare": {}, "own": { "vars": { "B": "b" }, "migrations": [2] } },
        });
        let environments = Environment::all(&document);
        let names: Vec<Option<&str>> = environments.iter().map(Environment::name).collect();
        assert_eq!(names, [None, Some("bare"), Some("own")]);
        let has = |name: &str| environments.iter().map(|one| one.variables().has(name)).collect::<Vec<_>>();
        assert_eq!((has("ORIGIN"), has("B")), (vec![true, false, false], vec![false, false, true]));
        let migrations: Vec<_> = environments.iter().map(|one| one.inherited("migrations").cloned()).collect();
        let pointers: Vec<_> = environments.iter().map(|one| one.inherited_pointer("migrations")).collect();
        assert_eq!(pointers, ["/migrations", "/migrations", "/env/own/migrations"]);
        assert_eq!(migrations, [Some(json!([1])), Some(json!([1])), Some(json!([2]))]);
        let own = &environments[2];
        assert_eq!((own.table("vars"), own.pointer("vars")), ("env.own.vars".to_owned(), "/env/own/vars".to_owned()));
    }
}
