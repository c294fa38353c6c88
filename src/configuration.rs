//! The deployment's configuration, read from its bindings once per isolate: they cannot change while it lives.

use std::cell::OnceCell;

use js_sys::{JSON, Object};
pub use oncegate_protocol::config::Config;
use oncegate_protocol::config::{
    ADMIN_TOKEN, ConfigErrors, SEAL_KEY, SEAL_KEY_PREVIOUS, Secret, Variables, is_meant_as_routes, is_webhook_secret,
};
use wasm_bindgen::{JsCast, JsValue};

use crate::platform::{Bindings, property};

thread_local! {
    static CONFIGURATION: OnceCell<Result<&'static Config, String>> = const { OnceCell::new() };
}

/// The configuration, or all that is wrong with it.
///
/// # Errors
/// As those of [`read`].
pub fn configuration(bindings: &Bindings) -> Result<&'static Config, String> {
    CONFIGURATION.with(|cell| cell.get_or_init(|| read(bindings)).clone())
}

/// Reads the configuration. It is leaked, so that it can be lent to requests that outlive their handler: read it once per isolate.
///
/// # Errors
/// All that is wrong with it. A text for the log; never for a client.
pub fn read(bindings: &Bindings) -> Result<&'static Config, String> {
    leak(bindings, Config::parse(&variables(bindings)))
}

/// Likewise, for a program that brings its own routes: an array of tables as JSON, as the variable `ROUTES` has them.
///
/// # Errors
/// As those of [`read`], and where the variables have routes too.
pub fn read_with_routes(bindings: &Bindings, routes: &str) -> Result<&'static Config, String> {
    let mut variables = variables(bindings);
    if let Some((name, _)) = variables.routes.first() {
        return Err(format!("{name} is set, but the program brings its own routes: take one of them out"));
    }
    variables.routes.push(("ROUTES".to_owned(), routes.to_owned()));
    leak(bindings, Config::parse(&variables))
}

fn leak(bindings: &Bindings, parsed: Result<Config, ConfigErrors>) -> Result<&'static Config, String> {
    let config = parsed.map_err(|errors| errors.to_string())?;
    if bindings.ledger().is_none() {
        return Err("LEDGER is missing: it must be a binding to the Durable Object class Ledger".to_owned());
    }
    Ok(Box::leak(Box::new(config)))
}

fn variables(bindings: &Bindings) -> Variables {
    let all = Object::keys(bindings.unchecked_ref::<Object>());
    let names = || all.iter().filter_map(|name| name.as_string());
    let mut routes: Vec<(String, String)> = Vec::new();
    for name in names().filter(|name| is_meant_as_routes(name)) {
        if let Some(text) = json(&property(bindings, &name)) {
            // In the order of their numbers, however the platform lists them. They are few; to sort them would be more code.
            let place = routes.partition_point(|(other, _)| (other.len(), other) < (name.len(), &name));
            routes.insert(place, (name, text));
        }
    }
    let secret = |name: &str| text(bindings, name).map(Secret::new);
    Variables {
        origin: text(bindings, "ORIGIN"),
        routes,
        admin_token: secret(ADMIN_TOKEN),
        seal_key: secret(SEAL_KEY),
        seal_key_previous: secret(SEAL_KEY_PREVIOUS),
        webhook_secrets: names()
            .filter(|name| is_webhook_secret(name))
            .filter_map(|name| secret(&name).map(|secret| (name, secret)))
            .collect(),
    }
}

/// A variable that should be a text, as JSON where it is not one; `None` where it is not set.
fn text(bindings: &Bindings, name: &str) -> Option<String> {
    let value = property(bindings, name);
    value.as_string().or_else(|| json(&value))
}

/// A variable as JSON text; `None` where it is not set.
fn json(value: &JsValue) -> Option<String> {
    JSON::stringify(value).ok().and_then(|text| text.as_string())
}
