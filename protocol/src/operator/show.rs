//! Records and the configuration, as an operator is shown them.

use core::time::Duration;

use crate::webhook::Sender;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::standing::Standing;
use crate::config::{
    Config, FingerprintRule, FirstReply, KeyFormat, KeySyntax, Mode, OnDuplicate, OnLedgerFailure, Placement, Pointer,
    Route, Scope, UnknownPolicy,
};
use crate::outcome::Doubt;
use crate::record::{Answer, Event, KeptBody, Record, State, Transition, View};
use crate::seal::Unopenable;
use crate::time::Timestamp;
use crate::wire::{Entry, ShownBody};

/// One record, with all that is known of it.
pub fn record(route: &Route, standing: &Standing) -> Value {
    let Standing { place, now, record, body, unopenable } = standing;
    let mut shown = summary(&place.ledger, &place.id.to_string(), record, *now);
    shown.insert("route".to_owned(), route.name.as_str().into());
    shown.insert("record_bytes".to_owned(), record.encode().len().into());
    if let View::Completed(answer) = record.view(*now) {
        shown.insert("response".to_owned(), response(answer, body, *unopenable));
    }
    let history: Vec<Value> = record.history.transitions().iter().map(transition).collect();
    shown.insert("history".to_owned(), history.into());
    Value::Object(shown)
}

/// One record of a list.
pub fn entry(ledger: &str, entry: &Entry) -> Value {
    Value::Object(summary(ledger, &entry.id.to_string(), &entry.record, entry.now))
}

fn summary(ledger: &str, id: &str, record: &Record, now: Timestamp) -> Map<String, Value> {
    let view = record.view(now);
    let mut shown = Map::new();
    let mut add = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    add("id", id.into());
    add("ledger", ledger.into());
    add("state", state(view).into());
    match view {
        View::InProgress { lease_until } => add("lease_until", time(lease_until).into()),
        View::Unknown(reason) => add("doubt", doubt(reason).into()),
        View::Probing { until, doubt: reason, .. } => {
            add("probed_until", time(until).into());
            add("doubt", doubt(reason).into())
        }
        View::Moved { next } => add("next_layout", next.to_string().into()),
        View::Absent | View::Completed(_) | View::Released => None,
    };
    add("since", since(record, now).map_or(Value::Null, |since| time(since).into()));
    add("attempt", record.number.into());
    add("fence", record.attempt.to_string().into());
    add("expires_at", time(record.expires_at).into());
    add("as_of", time(now).into());
    shown
}

/// Since when it stands so.
fn since(record: &Record, now: Timestamp) -> Option<Timestamp> {
    match (&record.state, record.view(now)) {
        (_, View::Absent) => Some(record.expires_at),
        (State::InProgress { lease_until }, View::Unknown(_)) => Some(*lease_until),
        // Asking does not change how it stands.
        _ => record.history.transitions().iter().rfind(|last| last.event != Event::Probed).map(|last| last.at),
    }
}

/// How a record stands, in a word.
pub fn state(view: View<'_>) -> &'static str {
    match view {
        View::Absent => "expired",
        View::InProgress { .. } | View::Probing { .. } => "in-progress",
        View::Completed(_) => "completed",
        View::Released => "released",
        View::Unknown(_) => "unknown",
        View::Moved { .. } => "moved",
    }
}

fn doubt(doubt: Doubt) -> String {
    match doubt {
        Doubt::LeaseExpired => "lease-expired".to_owned(),
        Doubt::OriginTimeout => "origin-timeout".to_owned(),
        Doubt::ConnectionLost => "connection-lost".to_owned(),
        Doubt::BodyCut => "body-cut".to_owned(),
        Doubt::NotRecorded => "not-recorded".to_owned(),
        Doubt::Status(status) => format!("status-{status}"),
    }
}

fn response(answer: &Answer, body: &ShownBody, unopenable: Option<Unopenable>) -> Value {
    let header_bytes = answer.headers.iter().map(|(name, value)| name.len().saturating_add(value.len()));
    let mut shown = json!({
        "status": answer.status.as_u16(),
        "headers": answer.headers,
        "header_bytes": header_bytes.fold(0_usize, usize::saturating_add),
        "body_kept": answer.body != KeptBody::TooLarge,
        "body_bytes": answer.body.length(),
        "sealed_by": answer.sealed_by.map(|key| key.to_string()),
    });
    let Some(members) = shown.as_object_mut() else { return shown };
    if let Some(reason) = unopenable {
        members.insert("body_not_shown".to_owned(), format!("It cannot be opened: {reason}.").into());
    }
    match body {
        ShownBody::None => {}
        ShownBody::Bytes(bytes) => {
            members.insert("body_base64".to_owned(), STANDARD.encode(bytes).into());
            if let Ok(text) = core::str::from_utf8(bytes) {
                members.insert("body".to_owned(), text.into());
            }
        }
        ShownBody::TooLarge => {
            let limit = crate::limits::OPERATOR_BODY_BYTES;
            members.insert("body_not_shown".to_owned(), format!("It has more than {limit} bytes.").into());
        }
        ShownBody::Lost => {
            members.insert("body_not_shown".to_owned(), "It is not, or no longer, all there.".into());
        }
    }
    shown
}

fn transition(transition: &Transition) -> Value {
    let mut shown = json!({ "at": time(transition.at), "attempt": transition.attempt_number });
    let Some(members) = shown.as_object_mut() else { return shown };
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match &transition.event {
        Event::Claimed => add("event", "claimed".into()),
        Event::Completed(status) => {
            add("event", "completed".into());
            add("status", status.as_u16().into())
        }
        Event::Released => add("event", "released".into()),
        Event::Doubted(reason) => {
            add("event", "doubted".into());
            add("doubt", doubt(*reason).into())
        }
        Event::Moved => add("event", "moved".into()),
        Event::Probed => add("event", "probed".into()),
        Event::Resolved { status, note } => {
            add("event", "resolved".into());
            match status {
                Some(status) => {
                    add("as", "completed".into());
                    add("status", status.as_u16().into());
                }
                None => {
                    add("as", "released".into());
                }
            }
            add("who", note.who().into());
            add("why", note.why().into())
        }
        Event::Forgotten(note) => {
            add("event", "forgotten".into());
            add("who", note.who().into());
            add("why", note.why().into())
        }
    };
    shown
}

/// A point in time as RFC 3339 has it, in UTC.
pub fn time(at: Timestamp) -> String {
    /// The last millisecond of the year 9999, beyond which there is no such form.
    const LAST: u64 = 253_402_300_799_999;
    let since_1970 = Duration::from_millis(at.as_millis().min(LAST));
    let at = std::time::UNIX_EPOCH.checked_add(since_1970).unwrap_or(std::time::UNIX_EPOCH);
    humantime::format_rfc3339_millis(at).to_string()
}

/// The effective configuration, without secrets, in the form of the variables, defaults included.
pub fn configuration(config: &Config) -> Value {
    json!({
        "origin": config.origin.as_ref().map(crate::config::Origin::base),
        "routes": config.routes.all().map(route).collect::<Vec<_>>(),
    })
}

fn route(route: &Route) -> Value {
    let pointers =
        |pointers: &[Pointer]| pointers.iter().map(|pointer| pointer.as_str().into()).collect::<Vec<Value>>();
    let (location_hint, jurisdiction) = match route.placement {
        Placement::Anywhere => (None, None),
        Placement::Hint(hint) => (Some(hint), None),
        Placement::Jurisdiction(name) => (None, Some(name)),
    };
    json!({
        "name": route.name,
        "path": route.path,
        "methods": route.methods,
        "key": route.key.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "key_syntax": match route.key_syntax { KeySyntax::Strict => "strict", KeySyntax::Lenient => "lenient" },
        "key_format": match route.key_format {
            KeyFormat::Any => "any",
            KeyFormat::Uuid => "uuid",
            KeyFormat::Ulid => "ulid",
        },
        "required": route.required,
        "scope": match &route.scope {
            Scope::Public => json!("public"),
            scope @ (Scope::Sources(_) | Scope::Token { .. }) => json!(scope.written()),
        },
        "jwt": match &route.scope {
            Scope::Public | Scope::Sources(_) => Value::Null,
            Scope::Token { issuer, .. } => {
                json!({ "jwks": issuer.jwks.shown(), "issuer": issuer.issuer, "audience": issuer.audience })
            }
        },
        "fingerprint": match &route.fingerprint {
            FingerprintRule::Raw => json!("raw"),
            FingerprintRule::None => json!("none"),
            FingerprintRule::Json { include, exclude } if include.is_empty() && exclude.is_empty() => json!("json"),
            FingerprintRule::Json { include, exclude } => {
                json!({ "include": pointers(include), "exclude": pointers(exclude) })
            }
        },
        "ttl": span(route.ttl),
        "guard": span(route.guard),
        "timeout": span(route.timeout),
        "lease": span(route.lease()),
        "on_duplicate": match route.on_duplicate { OnDuplicate::Conflict => "conflict", OnDuplicate::Wait(_) => "wait" },
        "wait": match route.on_duplicate { OnDuplicate::Conflict => None, OnDuplicate::Wait(wait) => Some(span(wait)) },
        "on_unknown": match &route.on_unknown {
            UnknownPolicy::Hold => json!("hold"),
            UnknownPolicy::Retry => json!("retry"),
            UnknownPolicy::Probe(path) => json!({ "probe": path.to_string() }),
        },
        "on_ledger_failure": match route.on_ledger_failure {
            OnLedgerFailure::Refuse => "refuse",
            OnLedgerFailure::Pass => "pass",
        },
        "store": route.outcomes.store,
        "release": route.outcomes.release,
        "unknown": route.outcomes.unknown,
        "replay_cache": span(route.replay_cache),
        "reply": match route.reply { FirstReply::Stored => "stored", FirstReply::Early => "early" },
        "mode": match route.mode { Mode::Enforce => "enforce", Mode::Observe => "observe", Mode::Off => "off" },
        "shards": match &route.previous {
            Some(previous) if previous.shards != route.layout.shards => {
                json!({ "count": route.layout.shards, "previous": previous.shards })
            }
            _ => json!(route.layout.shards),
        },
        "renamed_from": route.previous.as_ref().map(|previous| &previous.name).filter(|name| **name != route.name),
        "location_hint": location_hint,
        "jurisdiction": jurisdiction,
        "max_request": size(route.max_request),
        "max_response": size(route.max_response),
        "max_records": route.max_records,
        "keys_per_scope": route.keys_per_scope.map(|quota| json!({ "keys": quota.keys, "window": span(quota.window) })),
        "keep_headers": route.keep_headers,
        "seal": route.seal.is_some(),
        "queue": route.queue,
        "cors": route.cors,
        "webhook": route.webhook.as_ref().map(|webhook| match webhook.sender() {
            Sender::Standard => "standard",
            Sender::Stripe => "stripe",
            Sender::Github => "github",
        }),
        "log": (route.log.as_f64() * 1e6).round() / 1e6,
    })
}

fn span(span: Duration) -> String {
    humantime::format_duration(span).to_string()
}

/// In the largest unit of which it is a whole number. No size is 0.
fn size(bytes: u64) -> String {
    let in_units = |unit: u64| bytes.checked_div(unit).filter(|_| bytes.checked_rem(unit) == Some(0));
    match (in_units(1 << 20), in_units(1 << 10)) {
        (Some(count), _) => format!("{count}MiB"),
        (None, Some(count)) => format!("{count}KiB"),
        (None, None) => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_spans_and_sizes_are_written_as_people_read_them() {
        assert_eq!(time(Timestamp::from_millis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(Timestamp::from_millis(u64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(span(Duration::from_secs(24 * 3600)), "1day");
        assert_eq!(span(Duration::from_millis(1500)), "1s 500ms");
        let sizes = [1, 1023, 1024, 1536, 1 << 20, 3 << 20].map(size);
        assert_eq!(sizes, ["1B", "1023B", "1KiB", "1536B", "1MiB", "3MiB"]);
    }
}
