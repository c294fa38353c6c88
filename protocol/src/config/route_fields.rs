//! Reading of a route's table into a [`Route`]: each field's default, and what is allowed.

use core::num::{NonZeroU16, NonZeroU32};
use core::time::Duration;

use serde_json::Value;

use super::fields::{Expected, Fields};
use super::probe::UnknownPolicy;
use super::route::{FingerprintRule, FirstReply, Layout, Mode, OnDuplicate, OnLedgerFailure, Placement, Route};
use super::scope::{Scope, ScopeSource};
use super::secret::Secret;
use super::sources::{KeyFormat, KeySource, KeySyntax, Pointer};
use super::{values, webhook_fields};
use crate::account::Share;
use crate::cors::is_site;
use crate::headers;
use crate::limits;
use crate::outcome::{Asked, Overrides, Status};
use crate::queue::METHOD;
use crate::quota::Quota;
use crate::request::{NormalPath, OWN_PATHS};
use crate::seal::SealKey;
use crate::webhook::Webhook;

/// The platform's location hints and jurisdictions (Cloudflare, Durable Objects, "Data location").
pub(super) const HINTS: [&str; 9] = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"];
pub(super) const JURISDICTIONS: [&str; 2] = ["eu", "fedramp"];

const MIB: u64 = 1 << 20;
const ONE_MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Route {
    /// Reads a table. `None` where it has no path to compare with those of other routes; the errors say what is wrong.
    pub(super) fn parse(
        fields: &mut Fields<'_>,
        seal_key: Option<&SealKey>,
        webhook_secrets: &[(String, Secret)],
    ) -> Option<Self> {
        let name = fields.required("name", NAME, parse_name);
        let path = fields.required("path", PATH, parse_path);
        let methods = fields.or("methods", vec!["POST".to_owned(), "PATCH".to_owned()], parse_methods);
        let webhook = fields.optional("webhook", webhook_fields::Written::parse);
        let sender = webhook.as_ref().map(|webhook| webhook.sender);
        let webhook = webhook.and_then(|webhook| webhook.with_secret(webhook_secrets, fields));
        let key = fields.or("key", webhook_fields::default_key(sender), parse_key);
        let scope = Scope::parse(fields, sender.map(|_| Scope::Public));
        let shards =
            fields.or("shards", Shards { count: NonZeroU16::MIN.saturating_add(7), previous: None }, parse_shards);
        let renamed_from = fields.optional("renamed_from", parse_name);
        let previous = (renamed_from.is_some() || shards.previous.is_some()).then(|| Layout {
            name: renamed_from.or_else(|| name.clone()).unwrap_or_default(),
            shards: shards.previous.unwrap_or(shards.count),
        });
        let queue = fields.optional("queue", parse_queue);
        let asked = if sender.is_some() || queue.is_some() { Asked::Event } else { Asked::Request };
        // Longer than those go on who send an event, or a message, again.
        let default_ttl = if asked == Asked::Event { limits::EVENT_TTL } else { limits::DEFAULT_TTL };
        let route = Self {
            name: name.clone().unwrap_or_default(),
            path: path.clone().unwrap_or_default(),
            methods,
            key,
            key_syntax: fields.or("key_syntax", KeySyntax::Lenient, |value| {
                values::word(value, &[("lenient", KeySyntax::Lenient), ("strict", KeySyntax::Strict)])
            }),
            key_format: fields.or("key_format", KeyFormat::Any, |value| {
                values::word(value, &[("any", KeyFormat::Any), ("uuid", KeyFormat::Uuid), ("ulid", KeyFormat::Ulid)])
            }),
            required: fields.or("required", true, values::boolean),
            scope: scope.unwrap_or(Scope::Public),
            fingerprint: fields.or("fingerprint", webhook_fields::default_fingerprint(sender), parse_fingerprint),
            ttl: fields.or("ttl", default_ttl, |value| values::duration(value, ONE_MS, limits::TTL)),
            guard: fields
                .or("guard", MINUTE.saturating_mul(15), |value| values::duration(value, Duration::ZERO, limits::GUARD)),
            timeout: fields.or("timeout", Duration::from_secs(25), |value| {
                values::duration(value, ONE_MS, limits::ORIGIN_TIMEOUT)
            }),
            on_duplicate: parse_on_duplicate(fields),
            on_unknown: fields.or("on_unknown", UnknownPolicy::Hold, UnknownPolicy::parse),
            on_ledger_failure: fields.or("on_ledger_failure", OnLedgerFailure::Refuse, |value| {
                values::word(value, &[("refuse", OnLedgerFailure::Refuse), ("pass", OnLedgerFailure::Pass)])
            }),
            outcomes: parse_outcomes(fields, asked),
            replay_cache: fields.or("replay_cache", Duration::ZERO, |value| {
                values::duration(value, Duration::ZERO, limits::REPLAY_CACHE)
            }),
            reply: fields.or("reply", FirstReply::Stored, |value| {
                values::word(value, &[("stored", FirstReply::Stored), ("early", FirstReply::Early)])
            }),
            mode: fields.or("mode", Mode::Enforce, parse_mode),
            layout: Layout { name: name.unwrap_or_default(), shards: shards.count },
            previous,
            placement: parse_placement(fields),
            max_request: fields.or("max_request", MIB, |value| values::size(value, limits::MAX_REQUEST_BYTES)),
            max_response: fields
                .or("max_response", MIB.saturating_mul(4), |value| values::size(value, limits::MAX_RESPONSE_BYTES)),
            max_records: fields.or("max_records", limits::RECORDS_PER_LEDGER, parse_max_records),
            keys_per_scope: fields.optional("keys_per_scope", parse_keys_per_scope),
            keep_headers: fields.or("keep_headers", Vec::new(), parse_keep_headers),
            seal: fields.or("seal", None, |value| parse_seal(value, seal_key)),
            queue,
            cors: fields.or("cors", Vec::new(), parse_cors),
            webhook,
            log: fields.or("log", Share::ALL, parse_log),
        };
        route.check(fields);
        path.is_some().then_some(route)
    }

    /// What a route must be that takes a queue's messages.
    fn check_queue(&self, fields: &mut Fields<'_>) {
        let Some(queue) = &self.queue else { return };
        let is_by_id =
            self.key == [KeySource::Header("idempotency-key".to_owned())] && self.key_format == KeyFormat::Any;
        let is_addressed = !self.path.contains('{') && self.methods.iter().any(|method| method == METHOD);
        if !is_by_id || !is_addressed || self.scope != Scope::Public || self.webhook.is_some() {
            let expected = "a queue only on a route that a message can be sent to: with scope = \"public\", the method POST, a path without \
                            parameters, the key in header:Idempotency-Key in any format, and no webhook";
            fields.wrong("queue", &format!("\"{queue}\""), expected);
        }
    }

    /// What a route must be that takes events: nothing that their sender has not signed may tell one from another, or let one through.
    fn check_webhook(&self, fields: &mut Fields<'_>) {
        let Some(sender) = self.webhook.as_ref().map(Webhook::sender) else { return };
        for source in self.key.iter().filter(|source| !webhook_fields::is_signed(sender, source)) {
            let expected = "sources that the sender signs: json:, or the header with its ids";
            fields.wrong("key", &format!("\"{source}\""), expected);
        }
        let may_scope = |source: &ScopeSource| matches!(source, ScopeSource::Path(_) | ScopeSource::Host);
        if !self.scope.sources().iter().all(may_scope) || matches!(self.scope, Scope::Token { .. }) {
            fields.wrong(
                "scope",
                &self.scope.written().join(", "),
                "\"public\", path: or \"host\" where webhook is set",
            );
        }
        if !self.required {
            fields.wrong("required", "false", "true where webhook is set: what has no id has no signature of it");
        }
        if self.max_request > limits::MAX_JSON_BYTES {
            let expected = format!(
                "at most {} bytes where webhook is set: anybody can have that much hashed",
                limits::MAX_JSON_BYTES
            );
            fields.wrong("max_request", &self.max_request.to_string(), expected);
        }
    }

    /// What no single field can tell.
    fn check(&self, fields: &mut Fields<'_>) {
        self.check_queue(fields);
        self.check_webhook(fields);
        if let Some(previous) = self.previous.as_ref().filter(|previous| **previous == self.layout) {
            let now = format!("\"{}\" with {} shards", previous.name, previous.shards);
            fields.wrong("renamed_from or shards.previous", &now, "a name or a number of shards other than now");
        }
        let in_key = self.key.iter().filter_map(|source| match source {
            KeySource::Path(name) => Some(("key", name.as_str(), format!("path:{name}"))),
            _ => None,
        });
        let in_scope = self.scope.sources().iter().filter_map(|source| match source {
            ScopeSource::Path(name) => Some(("scope", name.as_str(), format!("path:{name}"))),
            _ => None,
        });
        let in_probe = match &self.on_unknown {
            UnknownPolicy::Probe(path) => {
                path.parameters().map(|name| ("on_unknown", name, format!("{{{name}}}"))).collect()
            }
            UnknownPolicy::Hold | UnknownPolicy::Retry => Vec::new(),
        };
        for (field, name, shown) in in_key.chain(in_scope).chain(in_probe) {
            if !self.path.contains(&format!("{{{name}}}")) && !self.path.contains(&format!("{{*{name}}}")) {
                let expected = format!("a path parameter that the path {} has", self.path);
                fields.wrong(field, &format!("\"{shown}\""), expected);
            }
        }
        self.check_probe(fields);
        if let Some(quota) = self.keys_per_scope.filter(|quota| quota.window > self.retention()) {
            let window = humantime::format_duration(quota.window).to_string();
            fields.wrong("keys_per_scope", &window, "a window no longer than ttl and guard together");
        }
        if self.seal.is_some() && !self.replay_cache.is_zero() {
            let cache = humantime::format_duration(self.replay_cache).to_string();
            fields.wrong(
                "replay_cache",
                &cache,
                "\"0s\" where seal is true: what is sealed is not kept open in memory",
            );
        }
        if self.needs_json() && self.max_request > limits::MAX_JSON_BYTES {
            let expected = format!("at most {} bytes where the body is read as JSON", limits::MAX_JSON_BYTES);
            fields.wrong("max_request", &self.max_request.to_string(), expected);
        }
    }

    /// A probe says all of the scope: an origin that is not told whose request it is asked about would tell of another's. A
    /// claim travels in its token.
    fn check_probe(&self, fields: &mut Fields<'_>) {
        let UnknownPolicy::Probe(path) = &self.on_unknown else { return };
        for source in self.scope.sources() {
            let expected = match source {
                ScopeSource::Path(name) if path.parameters().any(|parameter| parameter == name) => continue,
                ScopeSource::Header(name) if headers::is_in_probe(name) => continue,
                ScopeSource::Cookie(_) => continue,
                ScopeSource::Path(name) => format!("a path with {{{name}}} in it, since the scope has path:{name}"),
                ScopeSource::Header(_) | ScopeSource::Host | ScopeSource::ClientCertificate => {
                    format!("a probe only where it says all of the scope: it does not carry {source}")
                }
            };
            fields.wrong("on_unknown", &format!("\"{path}\""), expected);
        }
    }
}

const NAME: &str = "a name of 1 to 64 letters, digits, \"-\" and \"_\"";
const PATH: &str = "a path such as \"/v1/payments\", \"/v1/orders/{id}\" or \"/v1/{*rest}\": \
     decoded, with no empty or dotted segment and no slash at its end, each parameter a whole segment";

fn parse_name(value: &Value) -> Result<String, Expected> {
    let name = values::text(value, NAME)?;
    let valid = (1..=limits::ROUTE_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    valid.then_some(name).ok_or_else(|| NAME.to_owned())
}

/// Only a path in its normal form can match: requests are brought to it first. A parameter fills its segment: the router
/// overlooks routes where it does not.
fn parse_path(value: &Value) -> Result<String, Expected> {
    let path = values::text(value, PATH)?;
    let plain = path.starts_with('/') && !path.contains(['%', '?', '#', '\\', ';']) && path.len() <= 1024;
    let normal = NormalPath::parse(&path);
    let whole = |segment: &str| {
        let inner = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(segment);
        !inner.contains(['{', '}'])
    };
    if path.split('/').any(|segment| segment.starts_with([':', '*'])) {
        return Err(format!("{PATH}; \":id\" is written {{id}}, and \"*\" is written {{*rest}}"));
    }
    if path.starts_with(OWN_PATHS) || path == OWN_PATHS.trim_end_matches('/') {
        return Err(format!("{PATH}; what is below {OWN_PATHS} is the gate's own"));
    }
    let valid = plain && normal.exact() == path && path.split('/').all(whole);
    valid.then_some(path).ok_or_else(|| PATH.to_owned())
}

fn parse_methods(value: &Value) -> Result<Vec<String>, Expected> {
    let expected = "a list of methods in upper case, such as [\"POST\", \"PATCH\"]";
    let methods = values::list(value, expected, |method| {
        let valid = !method.is_empty()
            && method.len() <= 32
            && method.bytes().all(|byte| values::is_token_byte(byte) && !byte.is_ascii_lowercase());
        valid.then(|| method.to_owned()).ok_or_else(|| expected.to_owned())
    })?;
    let is_repeated = |(index, method): (usize, &String)| methods.iter().take(index).any(|other| other == method);
    if methods.is_empty() || methods.iter().enumerate().any(is_repeated) {
        return Err(format!("{expected}, none of them twice"));
    }
    Ok(methods)
}

fn parse_key(value: &Value) -> Result<Vec<KeySource>, Expected> {
    let expected = format!("a list of 1 to {} sources such as [\"header:Idempotency-Key\"]", limits::KEY_SOURCES);
    let sources = values::list(value, &expected, KeySource::parse)?;
    if (1..=limits::KEY_SOURCES).contains(&sources.len()) { Ok(sources) } else { Err(expected) }
}

fn parse_fingerprint(value: &Value) -> Result<FingerprintRule, Expected> {
    let expected =
        "\"raw\", \"json\", \"none\" or a table such as { include = [\"/amount\"], exclude = [\"/sent_at\"] }";
    let pointers = |name: &str, map: &serde_json::Map<String, Value>| match map.get(name) {
        None => Ok(Vec::new()),
        Some(value) => values::list(value, expected, |text| Pointer::parse(text).ok_or_else(|| expected.to_owned())),
    };
    match value {
        Value::String(word) => match word.as_str() {
            "raw" => Ok(FingerprintRule::Raw),
            "json" => Ok(FingerprintRule::Json { include: Vec::new(), exclude: Vec::new() }),
            "none" => Ok(FingerprintRule::None),
            _ => Err(expected.to_owned()),
        },
        Value::Object(map) if map.keys().all(|name| matches!(name.as_str(), "include" | "exclude")) => {
            let (include, exclude) = (pointers("include", map)?, pointers("exclude", map)?);
            if include.is_empty() && exclude.is_empty() {
                return Err(expected.to_owned());
            }
            Ok(FingerprintRule::Json { include, exclude })
        }
        _ => Err(expected.to_owned()),
    }
}

fn parse_on_duplicate(fields: &mut Fields<'_>) -> OnDuplicate {
    let waits = fields.or("on_duplicate", false, |value| values::word(value, &[("conflict", false), ("wait", true)]));
    let wait = fields.or("wait", Duration::from_secs(10), |value| values::duration(value, ONE_MS, limits::WAIT));
    if waits { OnDuplicate::Wait(wait) } else { OnDuplicate::Conflict }
}

fn parse_outcomes(fields: &mut Fields<'_>, asked: Asked) -> Overrides {
    let overrides = Overrides {
        asked,
        store: fields.or("store", Vec::new(), parse_statuses),
        release: fields.or("release", Vec::new(), parse_statuses),
        unknown: fields.or("unknown", Vec::new(), parse_statuses),
    };
    let lists = [("release", &overrides.release, &overrides.store), ("unknown", &overrides.unknown, &overrides.store)];
    let last = ("unknown", &overrides.unknown, &overrides.release);
    for (field, list, other) in lists.into_iter().chain([last]) {
        if let Some(status) = list.iter().find(|status| other.contains(status)) {
            fields.wrong(field, &status.to_string(), "a status that is in one of store, release and unknown only");
        }
    }
    overrides
}

fn parse_statuses(value: &Value) -> Result<Vec<u16>, Expected> {
    let expected = || "a list of statuses from 200 to 599, such as [409, 423]".to_owned();
    let status = |value: &Value| {
        let number = value.as_u64().and_then(|number| u16::try_from(number).ok()).and_then(Status::new);
        number.map(Status::as_u16).ok_or_else(expected)
    };
    value.as_array().ok_or_else(expected)?.iter().map(status).collect()
}

fn parse_mode(value: &Value) -> Result<Mode, Expected> {
    values::word(value, &[("enforce", Mode::Enforce), ("observe", Mode::Observe), ("off", Mode::Off)])
}

fn parse_queue(value: &Value) -> Result<String, Expected> {
    let expected = "the name of a queue: 1 to 63 small letters, digits and \"-\"";
    let name = values::text(value, expected)?;
    let is_valid = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_valid.then_some(name).ok_or_else(|| expected.to_owned())
}

fn parse_cors(value: &Value) -> Result<Vec<String>, Expected> {
    let expected =
        format!("a list of up to {} sites as browsers name them, such as [\"https://shop.example\"]", limits::SITES);
    let site = |text: &str| if is_site(text) { Ok(text.to_owned()) } else { Err(expected.clone()) };
    let sites = values::list(value, &expected, site)?;
    if sites.len() <= limits::SITES { Ok(sites) } else { Err(expected) }
}

fn parse_log(value: &Value) -> Result<Share, Expected> {
    let share = value.as_f64().and_then(Share::new);
    share.ok_or_else(|| "a number from 0 to 1, the share of keys whose requests have a line in the log".to_owned())
}

struct Shards {
    count: NonZeroU16,
    previous: Option<NonZeroU16>,
}

fn parse_shards(value: &Value) -> Result<Shards, Expected> {
    let expected =
        || format!("a number from 1 to {}, or a table such as {{ count = 16, previous = 8 }}", limits::SHARDS);
    let number = |value: &Value| {
        let count = value.as_u64().and_then(|count| u16::try_from(count).ok()).filter(|count| *count <= limits::SHARDS);
        count.and_then(NonZeroU16::new).ok_or_else(expected)
    };
    match value {
        Value::Object(map) if map.keys().all(|name| matches!(name.as_str(), "count" | "previous")) => {
            let field = |name| map.get(name).ok_or_else(expected).and_then(number);
            Ok(Shards { count: field("count")?, previous: Some(field("previous")?) })
        }
        other => Ok(Shards { count: number(other)?, previous: None }),
    }
}

fn parse_placement(fields: &mut Fields<'_>) -> Placement {
    let hint = fields.optional("location_hint", |value| one_of(value, &HINTS));
    let jurisdiction = fields.optional("jurisdiction", |value| one_of(value, &JURISDICTIONS));
    match (hint, jurisdiction) {
        (Some(hint), Some(_)) => {
            fields.wrong("location_hint", &format!("\"{hint}\""), "either location_hint or jurisdiction, not both");
            Placement::Anywhere
        }
        (Some(hint), None) => Placement::Hint(hint),
        (None, Some(jurisdiction)) => Placement::Jurisdiction(jurisdiction),
        (None, None) => Placement::Anywhere,
    }
}

fn one_of(value: &Value, words: &[&'static str]) -> Result<&'static str, Expected> {
    let words: Vec<(&str, &'static str)> = words.iter().map(|word| (*word, *word)).collect();
    values::word(value, &words)
}

fn parse_max_records(value: &Value) -> Result<u32, Expected> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number
        .filter(|number| (1..=limits::RECORDS_PER_LEDGER).contains(number))
        .ok_or_else(|| format!("a number from 1 to {}", limits::RECORDS_PER_LEDGER))
}

fn parse_keys_per_scope(value: &Value) -> Result<Quota, Expected> {
    let expected = "a table such as { keys = 100, window = \"1m\" }";
    let map = value.as_object().filter(|map| map.len() == 2).ok_or(expected)?;
    let keys = map.get("keys").and_then(Value::as_u64).and_then(|keys| u32::try_from(keys).ok());
    let window = map.get("window").ok_or(expected)?;
    Ok(Quota {
        keys: keys.and_then(NonZeroU32::new).ok_or(expected)?,
        window: values::duration(window, ONE_MS, limits::QUOTA_WINDOW)
            .map_err(|window| format!("{expected}, its window {window}"))?,
    })
}

fn parse_keep_headers(value: &Value) -> Result<Vec<String>, Expected> {
    let expected = "a list of header names such as [\"set-cookie\"], none of which the gate sets itself";
    values::list(value, expected, |name| {
        values::header_name(name).filter(|name| !crate::headers::is_reserved(name)).ok_or_else(|| expected.to_owned())
    })
}

fn parse_seal(value: &Value, key: Option<&SealKey>) -> Result<Option<SealKey>, Expected> {
    match (values::boolean(value)?, key) {
        (false, _) => Ok(None),
        (true, Some(key)) => Ok(Some(key.clone())),
        (true, None) => Err(format!("false, or true where the secret SEAL_KEY is set: {}", SealKey::EXPECTED)),
    }
}
