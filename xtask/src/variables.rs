//! The variables of a Worker.

use std::collections::BTreeMap;

use oncegate_protocol::config::{self, Config, ConfigErrors, is_meant_as_routes};
use serde_json::Value as Json;

/// The variables of a Worker, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Variables(BTreeMap<String, Json>);

impl Variables {
    /// From the table `vars` of `wrangler.toml`, or of one of its environments.
    pub(crate) fn of(table: Option<&Json>) -> Self {
        let entries = table.and_then(Json::as_object).into_iter().flatten();
        Self(entries.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.0.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a variable, whatever it was.
    pub(crate) fn set(&mut self, name: &str, value: Json) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn have_routes(&self) -> bool {
        self.0.keys().any(|name| is_meant_as_routes(name))
    }

    /// Replaces all routes by those of `others`.
    pub(crate) fn set_routes(&mut self, others: Self) {
        self.0.retain(|name, _| !is_meant_as_routes(name));
        self.0.extend(others.0.into_iter().filter(|(name, _)| is_meant_as_routes(name)));
    }

    /// Sets a sealing secret to a good one: no file has secrets, and routes need them to be there.
    pub(crate) fn stand_in_for(&mut self, secret: &str) {
        // 32 zeros in base64.
        self.set(secret, format!("{}=", "A".repeat(43)).into());
    }

    /// Puts a good secret in place of each that a route needs for its events and that is set elsewhere, and gives their names.
    pub(crate) fn stand_in_for_webhooks(&mut self) -> Vec<String> {
        let tables = self.0.iter().filter(|(name, _)| is_meant_as_routes(name));
        let routes = tables.filter_map(|(_, routes)| routes.as_array()).flatten();
        let named = routes
            .filter_map(|route| route.get("webhook"))
            .map(|webhook| webhook.get("secret").and_then(Json::as_str).unwrap_or(config::WEBHOOK_SECRET).to_owned());
        let missing: Vec<String> = named.filter(|name| config::is_webhook_secret(name) && !self.has(name)).collect();
        for name in &missing {
            self.stand_in_for(name);
        }
        missing
    }

    /// What the Worker reads in them, or, a line each, all that it would refuse.
    pub(crate) fn config(&self) -> Result<Config, String> {
        self.parse().map_err(|errors| errors.to_string())
    }

    /// What the Worker reads in them, or all that it would refuse.
    pub(crate) fn parse(&self) -> Result<Config, ConfigErrors> {
        let mut variables = self.as_the_worker_sees_them();
        Config::parse(&variables).map_err(|errors| {
            if errors.errors().iter().all(|error| error.field() != "ORIGIN") {
                return errors;
            }
            // It may be refused for a password, which no error should repeat.
            variables.origin = variables.origin.as_deref().map(without_user);
            Config::parse(&variables).err().unwrap_or(errors)
        })
    }

    /// Takes the jurisdictions out of all routes, and gives back the names of those that had one.
    pub(crate) fn drop_jurisdictions(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for value in self.0.iter_mut().filter(|(name, _)| is_meant_as_routes(name)).map(|(_, value)| value) {
            match value {
                // As --var sets them.
                Json::String(text) => {
                    if let Ok(mut routes) = serde_json::from_str(text) {
                        names.extend(drop_jurisdictions(&mut routes));
                        *text = routes.to_string();
                    }
                }
                routes => names.extend(drop_jurisdictions(routes)),
            }
        }
        names
    }

    fn as_the_worker_sees_them(&self) -> config::Variables {
        let text =
            |name: &str| self.0.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let routes = self.0.iter().filter(|(name, _)| is_meant_as_routes(name));
        let mut routes: Vec<_> = routes.map(|(name, value)| (name.clone(), value.to_string())).collect();
        // In the order of their numbers.
        routes.sort_by_key(|(name, _)| (name.len(), name.clone()));
        config::Variables {
            origin: text("ORIGIN"),
            routes,
            admin_token: text(config::ADMIN_TOKEN).map(config::Secret::new),
            seal_key: text(config::SEAL_KEY).map(config::Secret::new),
            seal_key_previous: text(config::SEAL_KEY_PREVIOUS).map(config::Secret::new),
            webhook_secrets: self
                .0
                .keys()
                .filter(|name| config::is_webhook_secret(name))
                .filter_map(|name| Some((name.clone(), config::Secret::new(text(name)?))))
                .collect(),
        }
    }
}

fn drop_jurisdictions(routes: &mut Json) -> Vec<String> {
    let routes = routes.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut);
    let had = routes.filter_map(|route| {
        route.remove("jurisdiction")?;
        Some(route.get("name").and_then(Json::as_str).unwrap_or_default().to_owned())
    });
    had.collect()
}

/// Whether what a file says beside its variables was meant for one with routes. Wrangler has a `routes` of its own.
pub(crate) fn is_routes(name: &str) -> bool {
    name.starts_with("ROUTES")
}

/// A URL, or what should be one, with `…` for the user and the password in it. They end at the last `@`, because a password
/// that is not escaped may hold any character.
pub(crate) fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("://").map(|(scheme, _)| format!("{scheme}://")).unwrap_or_default();
            format!("{scheme}…@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn variables(table: Json) -> Variables {
        Variables::of(Some(&table))
    }

    pub(crate) fn payments() -> Json {
        json!({ "name": "payments", "path": "/v1/payments", "scope": ["header:Authorization"] })
    }

    #[test]
    fn what_the_worker_would_refuse_is_refused() {
        let refused = variables(json!({ "ORIGIN": 3, "ROUTES_1": [{ "name": "x" }] })).config().unwrap_err();
        assert!(refused.contains("ROUTES_1[0].path is missing"), "{refused}");
        assert!(refused.contains("ORIGIN = 3"), "{refused}");
        let config = variables(json!({ "ROUTES": [payments()] })).config().unwrap();
        assert_eq!(config.routes.routes()[0].path, "/v1/payments");
    }

    #[test]
    fn a_refused_origin_keeps_its_password() {
        let of = |origin| variables(json!({ "ORIGIN": origin, "ROUTES": [payments()] })).config();
        for origin in ["http://user:pass@host", "http://user:pa/ss@host", "user:p@ss@host"] {
            let refused = of(origin).unwrap_err();
            assert!(!refused.contains("ss@") && refused.contains("…@host"), "{refused}");
        }
        of("http://host/path@x").unwrap();
    }

    #[test]
    fn jurisdictions_are_dropped_wherever_routes_are() {
        let eu = r#"[{"name":"b","jurisdiction":"eu"}]"#;
        let mut routes =
            variables(json!({ "ROUTES": [{ "name": "a", "jurisdiction": "eu" }, { "name": "c" }], "ROUTES_1": eu }));
        assert_eq!(routes.drop_jurisdictions(), ["a", "b"]);
        let expected = json!({ "ROUTES": [{ "name": "a" }, { "name": "c" }], "ROUTES_1": r#"[{"name":"b"}]"# });
        assert_eq!(routes, variables(expected));
    }

    #[test]
    fn other_routes_replace_all_of_them() {
        let mut both = variables(json!({ "ORIGIN": "o", "ROUTES": [1], "ROUTES_2": [2] }));
        both.set_routes(variables(json!({ "ORIGIN": "other", "ROUTES_1": [3] })));
        assert_eq!(both, variables(json!({ "ORIGIN": "o", "ROUTES_1": [3] })));
    }
}
