//! The field `webhook` of a route that takes events, and what it makes of the defaults of others.

use serde_json::Value;

use super::fields::{Expected, Fields};
use super::route::FingerprintRule;
use super::secret::Secret;
use super::sources::{KeySource, Pointer};
use super::{WEBHOOK_SECRET, values};
use crate::webhook::{SECRET, Sender, Webhook};

const EXPECTED: &str = "\"standard\", \"stripe\" or \"github\", or a table such as { sender = \"stripe\", secret = \"WEBHOOK_SECRET_STRIPE\" }";

/// As the configuration has it: whose events, and in which variable their secret is.
pub(super) struct Written {
    pub(super) sender: Sender,
    secret: String,
}

impl Written {
    pub(super) fn parse(value: &Value) -> Result<Self, Expected> {
        let (sender, secret) = match value {
            Value::Object(map) if map.keys().all(|name| matches!(name.as_str(), "sender" | "secret")) => {
                let secret =
                    map.get("secret").map_or(Some(WEBHOOK_SECRET), Value::as_str).filter(|name| is_secret(name));
                (map.get("sender").ok_or(EXPECTED)?, secret.ok_or_else(secret_name)?)
            }
            word => (word, WEBHOOK_SECRET),
        };
        let senders = [("standard", Sender::Standard), ("stripe", Sender::Stripe), ("github", Sender::Github)];
        let sender = values::word(sender, &senders).map_err(|_| EXPECTED.to_owned())?;
        Ok(Self { sender, secret: secret.to_owned() })
    }

    /// With its secret. `None` where that is missing or wrong, which is reported; never what it is.
    pub(super) fn with_secret(self, secrets: &[(String, Secret)], fields: &mut Fields<'_>) -> Option<Webhook> {
        let secret = secrets.iter().find(|(name, _)| *name == self.secret).map(|(_, secret)| secret);
        let webhook = secret.and_then(|secret| Webhook::new(self.sender, secret.expose()));
        if webhook.is_none() {
            let found = if secret.is_some() { "the secret … in" } else { "no secret in" };
            fields.wrong("webhook", &format!("{found} {}", self.secret), SECRET);
        }
        webhook
    }
}

/// Whether a variable of this name is the secret of a sender.
pub(super) fn is_secret(name: &str) -> bool {
    name.strip_prefix(WEBHOOK_SECRET).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn secret_name() -> String {
    format!("{EXPECTED}; secret is {WEBHOOK_SECRET}, or a name that begins with {WEBHOOK_SECRET}_")
}

/// Where a sender puts an event's id.
pub(super) fn default_key(sender: Option<Sender>) -> Vec<KeySource> {
    let in_header = |name: &str| KeySource::Header(name.to_owned());
    let source = match sender {
        None => Some(in_header("idempotency-key")),
        Some(sender) => sender.id_header().map(in_header).or_else(|| Pointer::parse("/id").map(KeySource::Json)),
    };
    source.into_iter().collect()
}

/// An event is the same by its id: senders may change what else is in it from one delivery to the next.
pub(super) fn default_fingerprint(sender: Option<Sender>) -> FingerprintRule {
    if sender.is_some() { FingerprintRule::None } else { FingerprintRule::Raw }
}

/// Whether the sender has signed this part of a key, or puts the id there at least: others could else use up its ids.
pub(super) fn is_signed(sender: Sender, source: &KeySource) -> bool {
    match source {
        KeySource::Json(_) => true,
        KeySource::Header(name) => sender.id_header() == Some(name),
        KeySource::Query(_) | KeySource::Path(_) => false,
    }
}
