//! What the Worker would do with a request, and why: by the code that it runs.

use std::time::{SystemTime, UNIX_EPOCH};

use oncegate_protocol::config::{Config, FingerprintRule, Found};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::headers;
use oncegate_protocol::observe::Observed;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::request::{
    Admission, ByToken, Guarded, Identity, NormalPath, Place, Reading, RequestHead, RequestUrl, Unidentified, admit,
};
use oncegate_protocol::time::Timestamp;
use serde_json::Value as Json;

use super::asked::Asked;

/// A line for each thing that there is to say.
pub(crate) fn explain(config: &Config, asked: &Asked) -> Vec<String> {
    let mut lines = vec![format!("{} {}", asked.method, asked.url)];
    let header = |name: &str| asked.header(name);
    let url = RequestUrl::parse(&asked.url);
    let head = RequestHead { method: &asked.method, url, header: &header, certificate: &|| None };
    lines.extend(match admit(config, &head) {
        Admission::PassThrough => passes(config, asked, url.path),
        Admission::Documentation => vec!["answered by the gate: its page of problems".to_owned()],
        Admission::Console(_) | Admission::Operator(_) | Admission::Nothing => {
            vec![
                "the gate's own: the operators' API and console where ADMIN_TOKEN is set, or else 404; the origin is not called"
                    .to_owned(),
            ]
        }
        Admission::Refuse(_, problem) => refused(&problem),
        Admission::Guarded(guarded) => of_guarded(guarded, asked),
        Admission::ByToken(by_token) => of_token(by_token),
        Admission::Observed(route, observed) => {
            let told = match observed {
                Observed::Refused(problem) => refused(&problem),
                Observed::Guarded(guarded) => of_guarded(guarded, asked),
                Observed::ByToken(by_token) => of_token(by_token),
            };
            let observed = format!("passes through, observed by the route {}; if it enforced:", route.name);
            core::iter::once(observed).chain(told).collect()
        }
    });
    lines
}

/// Why a request passes through whose head says so.
fn passes(config: &Config, asked: &Asked, path: &str) -> Vec<String> {
    let method = &asked.method;
    let why = match config.routes.find(method, &NormalPath::parse(path)) {
        _ if !config.routes.guards_method(method) => format!("no route that is on is for {method}"),
        Found::One(found) => without_key(&found.route.name),
        Found::None | Found::Two { .. } => format!("no route that is on is for {method} {path}"),
    };
    vec![format!("passes through, unguarded: {why}")]
}

fn without_key(route: &str) -> String {
    format!("it has no key, and the route {route} does not require one")
}

/// What the client is told.
fn refused(problem: &Problem) -> Vec<String> {
    let body: Json = serde_json::from_str(&problem.body()).unwrap_or_default();
    let text = |field: &str| body.get(field).and_then(Json::as_str).unwrap_or_default().to_owned();
    vec![format!("refused with {}: {}. {}", problem.status(), text("title"), text("detail"))]
}

fn of_token(by_token: ByToken<'_>) -> Vec<String> {
    match by_token.read(now()) {
        Err(problem) => refused(&problem),
        Ok(unverified) => {
            let keys = unverified.key_set().shown();
            vec![
                "guarded, by a token whose claims are as the route wants them".to_owned(),
                format!(
                    "its signature is not verified here, as the Worker does with the keys at {keys}: so whose it is and its record are not told"
                ),
            ]
        }
    }
}

fn of_guarded(guarded: Guarded<'_>, asked: &Asked) -> Vec<String> {
    match headers::check_request(&asked.headers) {
        Ok(()) => identified(guarded, &asked.body),
        Err(problem) => refused(&problem),
    }
}

fn identified(guarded: Guarded<'_>, body: &[u8]) -> Vec<String> {
    let (reading, identity) = match guarded {
        Guarded::ByBytes(guard) => (Ok(guard.reading()), Ok(guard.identify(BodyDigest::of(body)))),
        Guarded::ByJson(guard) => (guard.reading(body), guard.identify(body)),
    };
    match (reading, identity) {
        (Ok(reading), Ok(identity)) => told(&reading, &identity),
        (Err(Unidentified::Refuse(problem)), _) | (_, Err(Unidentified::Refuse(problem))) => refused(&problem),
        (Err(Unidentified::PassThrough), _) | (_, Err(Unidentified::PassThrough)) => {
            vec!["passes through, unguarded: it has no key, and its route does not require one".to_owned()]
        }
    }
}

fn told(reading: &Reading, identity: &Identity<'_>) -> Vec<String> {
    let route = identity.route;
    let mut lines = vec![format!("guarded by the route {} ({} {})", route.name, route.methods.join(", "), route.path)];
    lines.extend(reading.key.iter().map(|(source, part)| format!("key          {source} gave {part:?}")));
    if reading.scope.is_empty() {
        lines.push("scope        public: everybody shares keys".to_owned());
    }
    lines.extend(reading.scope.iter().map(|(source, value)| format!("scope        {source} gave {value:?}")));
    lines.push(format!("for origin   Idempotency-Key: {}", identity.key));
    let of = match &route.fingerprint {
        FingerprintRule::Raw => "method, path, query and the bytes of the body",
        FingerprintRule::Json { .. } => "method, path, query and the JSON of the body, as far as it counts",
        FingerprintRule::None => "method, path and query",
    };
    lines.push(format!("fingerprint  {}, of {of}", identity.fingerprint));
    lines.extend(placed("", &identity.place));
    if let Some(previous) = &identity.previous {
        lines.extend(placed(", asked first as the previous layout", previous));
    }
    if let Some(counted) = &identity.counted_at {
        lines.push(format!("counted at   {} as {}, by keys_per_scope", counted.ledger, counted.id));
    }
    if let Some(probe) = &identity.probe {
        lines.push(format!("probe        GET {probe}, if its outcome is unknown"));
    }
    lines
}

fn placed(which: &str, place: &Place) -> [String; 2] {
    [format!("record       {}{which}", place.id), format!("ledger       {}", place.ledger)]
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
