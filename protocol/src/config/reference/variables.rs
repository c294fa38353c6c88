//! The variables and secrets of a deployment.

use serde_json::{Value, json};

use super::schema::named;
use crate::config::{ADMIN_TOKEN, SEAL_KEY, SEAL_KEY_PREVIOUS, WEBHOOK_SECRET};
use crate::limits;

/// A variable, or a secret.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is, in sentences, in Markdown.
    pub about: &'static str,
    /// Whether it is set by `wrangler secret put`, and never stands in a file.
    pub is_secret: bool,
    /// What it may be, as far as JSON Schema can tell.
    pub schema: fn() -> Value,
}

/// All of them.
pub const VARIABLES: [Variable; 6] = [
    Variable {
        name: "ORIGIN",
        about: "Where the API is, such as `https://backend.example.com`; a path in it is put in front of each request's own. Without it, \
                requests go on to the address that they came for, or to the Worker of the service binding `ORIGIN_SERVICE`.",
        is_secret: false,
        schema: || json!({ "type": "string", "pattern": "^https?://[^@?#]+$" }),
    },
    Variable {
        name: "ROUTES",
        about: "The routes, a table each. What does not fit into one variable (5 KB) goes into `ROUTES_1`, `ROUTES_2` and so on, up to `ROUTES_99`. \
                There must be one route at least.",
        is_secret: false,
        // A variable that is set on the command line is a text with JSON in it.
        schema: || json!({ "type": ["array", "string"], "items": named("Route"), "maxItems": limits::ROUTES }),
    },
    Variable {
        name: ADMIN_TOKEN,
        about: "Turns the operators' API on (docs/operations.md); who shows it as a bearer token is an operator.",
        is_secret: true,
        schema: || json!({ "type": "string", "minLength": limits::ADMIN_TOKEN_LEAST, "maxLength": limits::ADMIN_TOKEN_MOST }),
    },
    Variable {
        name: WEBHOOK_SECRET,
        about: "The secret of those who send events to routes with `webhook`; two with a space between them while it is being changed. There may be \
                more such variables, each with a name that begins with `WEBHOOK_SECRET_`.",
        is_secret: true,
        schema: || json!({ "type": "string", "minLength": 16 }),
    },
    Variable {
        name: SEAL_KEY,
        about: "What the bodies of routes with `seal = true` are encrypted with: 32 random bytes in base64, as `openssl rand -base64 32` prints.",
        is_secret: true,
        schema: || json!({ "type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$" }),
    },
    Variable {
        name: SEAL_KEY_PREVIOUS,
        about: "Another such secret, which only opens what it has sealed, while the secret is being changed.",
        is_secret: true,
        schema: || json!({ "type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$" }),
    },
];
