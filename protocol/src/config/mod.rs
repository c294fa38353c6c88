//! The deployment's configuration, parsed once into types that cannot be wrong.
//!
//! All errors are reported, not only the first; each names the field, its value and what is allowed. Nothing is ignored:
//! an unknown field is an error, and so is a known one whose behaviour does not exist yet.

mod error;
mod fields;
mod origin;
mod probe;
pub mod reference;
mod route;
mod route_fields;
mod scope;
mod secret;
mod sources;
mod table;
mod token_issuer;
mod values;
mod webhook_fields;

pub use error::{ConfigError, ConfigErrors};
pub use origin::Origin;
pub use probe::{ProbePath, UnknownPolicy};
pub use route::{FingerprintRule, FirstReply, Layout, Mode, OnDuplicate, OnLedgerFailure, Placement, Route};
pub(crate) use scope::WrittenSource;
pub use scope::{Scope, ScopeSource};
pub use secret::Secret;
pub use sources::{KeyFormat, KeySource, KeySyntax, Pointer};
pub use table::{Found, RouteMatch, RouteTable};
pub use token_issuer::{KeySetAddress, TokenIssuer};
pub(crate) use values::is_token_byte;

use serde_json::Value;

use crate::account::{TIMING_WISH, TRACE_PARENT, is_ever_logged};
use crate::cors::SITE;
use crate::limits;
use crate::operator::AdminToken;
use crate::request::parse_json;
use crate::seal::{SealKey, SealKeys};
use fields::Fields;

/// The variables of a deployment, as its environment gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// `ORIGIN`, if set; as JSON text where it is not a text.
    pub origin: Option<String>,
    /// Every variable that may be meant for routes: name and JSON text.
    pub routes: Vec<(String, String)>,
    /// [`ADMIN_TOKEN`], if set.
    pub admin_token: Option<Secret>,
    /// [`SEAL_KEY`], if set.
    pub seal_key: Option<Secret>,
    /// [`SEAL_KEY_PREVIOUS`], if set.
    pub seal_key_previous: Option<Secret>,
    /// Every variable whose name begins with [`WEBHOOK_SECRET`].
    pub webhook_secrets: Vec<(String, Secret)>,
}

/// The secret that an operator must show.
pub const ADMIN_TOKEN: &str = "ADMIN_TOKEN";
/// The secret that bodies are sealed with.
pub const SEAL_KEY: &str = "SEAL_KEY";
/// Another secret, which only opens bodies: see [`SealKeys`].
pub const SEAL_KEY_PREVIOUS: &str = "SEAL_KEY_PREVIOUS";

/// The secret of those who send events. Others are called like it, with an underscore and more behind it.
pub const WEBHOOK_SECRET: &str = "WEBHOOK_SECRET";

/// Whether a variable of this name is such a secret.
pub fn is_webhook_secret(name: &str) -> bool {
    webhook_fields::is_secret(name)
}

/// A configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where requests go; `None`: to the address that they came for.
    pub origin: Option<Origin>,
    /// What an operator must show; `None`: there is no operator.
    pub admin_token: Option<AdminToken>,
    /// The keyed routes.
    pub routes: RouteTable,
    /// What opens sealed bodies. The key that seals them is also in the routes that want it.
    pub seal_keys: SealKeys,
    /// The headers, in lower case, that a keyed request is likely to be asked for: to read them at once is faster than one by one.
    pub read_ahead: Vec<String>,
}

impl Config {
    /// Parses the variables.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn parse(variables: &Variables) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        let origin = variables.origin.as_deref().and_then(|text| {
            let shown = values::without_user(text);
            Origin::parse(text).map_err(|expected| errors.push(ConfigError::new("ORIGIN", &shown, expected))).ok()
        });
        let seal_keys = SealKeys {
            current: parse_seal_key(SEAL_KEY, variables.seal_key.as_ref(), &mut errors),
            previous: parse_seal_key(SEAL_KEY_PREVIOUS, variables.seal_key_previous.as_ref(), &mut errors),
        };
        let admin_token = variables.admin_token.as_ref().and_then(|token| {
            // No part of a secret belongs into a log, not even of one that is refused.
            let refused = |expected| ConfigError::new(ADMIN_TOKEN, "…", expected);
            AdminToken::parse(token.expose()).map_err(|expected| errors.push(refused(expected))).ok()
        });
        let routes = parse_routes(variables, seal_keys.current.as_ref(), &mut errors);
        let table = RouteTable::build(routes, &mut errors);
        match errors.is_empty() {
            true => Ok(Self { origin, admin_token, read_ahead: read_ahead(&table), routes: table, seal_keys }),
            false => Err(ConfigErrors(errors)),
        }
    }
}

fn read_ahead(routes: &RouteTable) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let site = |route: &Route| (!route.cors.is_empty()).then_some(SITE);
    let trace = |route: &Route| is_ever_logged(route).then_some(TRACE_PARENT);
    let of_routes =
        routes.routes().iter().flat_map(|route| route.headers().into_iter().chain(site(route)).chain(trace(route)));
    for name in ["content-length", TIMING_WISH].into_iter().chain(of_routes) {
        if names.len() < limits::HEADERS_READ_AHEAD && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn parse_seal_key(name: &str, secret: Option<&Secret>, errors: &mut Vec<ConfigError>) -> Option<SealKey> {
    // The error says what it is instead, and never shows it.
    let refused = |what: String| ConfigError::new(name, &format!("… ({what})"), SealKey::EXPECTED);
    SealKey::parse(secret?.expose()).map_err(|what| errors.push(refused(what))).ok()
}

fn parse_routes(variables: &Variables, seal_key: Option<&SealKey>, errors: &mut Vec<ConfigError>) -> Vec<Route> {
    let mut routes = Vec::new();
    for (variable, text) in &variables.routes {
        if !is_routes_variable(variable) {
            let expected = format!("ROUTES, or ROUTES_1 to ROUTES_{}", limits::ROUTE_VARIABLES);
            errors.push(ConfigError::new(format!("the name {variable}"), text, expected));
        }
        for (index, value) in entries(variable, text, errors).into_iter().enumerate() {
            let field = format!("{variable}[{index}]");
            match value {
                Value::Object(map) => {
                    let mut fields = Fields::new(field, map, errors);
                    let route = Route::parse(&mut fields, seal_key, &variables.webhook_secrets);
                    fields.finish();
                    routes.extend(route);
                }
                other => errors.push(ConfigError::new(field, &other.to_string(), "a table, one per route")),
            }
        }
    }
    if variables.routes.is_empty() || (routes.is_empty() && errors.is_empty()) {
        errors.push(ConfigError::missing("ROUTES", "at least one route: a gate without routes guards nothing"));
    }
    if routes.len() > limits::ROUTES {
        let expected = format!("at most {} routes", limits::ROUTES);
        errors.push(ConfigError::new("ROUTES", &format!("{} routes", routes.len()), expected));
    }
    routes
}

/// Whether a variable of this name is for routes: `ROUTES` and `ROUTES_1`, and what is likely to be a slip of the pen for them, which
/// [`Config::parse`] refuses.
pub fn is_meant_as_routes(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    upper == "ROUTE" || upper.starts_with("ROUTE_") || upper.starts_with("ROUTES")
}

/// `ROUTES`, or `ROUTES_` and a number.
fn is_routes_variable(name: &str) -> bool {
    name == "ROUTES"
        || name.strip_prefix("ROUTES_").is_some_and(|number| {
            !number.starts_with(['0', '+'])
                && number.parse::<usize>().is_ok_and(|number| number <= limits::ROUTE_VARIABLES)
        })
}

/// The routes in one variable: an array, or a text that holds one, as a variable set on the command line does.
fn entries(variable: &str, text: &str, errors: &mut Vec<ConfigError>) -> Vec<Value> {
    let parsed = match parse_json(text.as_bytes()) {
        Ok(Value::String(inner)) => parse_json(inner.as_bytes()),
        other => other,
    };
    match parsed {
        Ok(Value::Array(entries)) => entries,
        Ok(other) => {
            errors.push(ConfigError::new(variable, &other.to_string(), "an array of tables"));
            Vec::new()
        }
        Err(error) => {
            errors.push(ConfigError::new(variable, text, format!("an array of tables as JSON ({error})")));
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
