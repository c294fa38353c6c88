//! From a request to its identity, in two steps: what can be told from its head, and then from its body.
//!
//! The head comes first so that a request which is not guarded, or refused, never has its body read.

use serde_json::Value;

use super::fingerprint::Target;
use super::jwt::ByToken;
use super::key::{self, KeyPart};
use super::reading::Reading;
use super::scope::{self, HeadScope, ScopePart, WholeScope};
use super::{NormalPath, RequestUrl, json};
use crate::config::{
    Config, FingerprintRule, Found, KeySource, Layout, Mode, Origin, Route, RouteMatch, UnknownPolicy,
};
use crate::hashing::{BodyDigest, Parts};
use crate::ids::{Fingerprint, RecordId};
use crate::observe::Observed;
use crate::operator::{AdminToken, ConsoleFile};
use crate::problem::{DOCUMENTATION_PATH, Problem};
use crate::record::OnUnknown;
use crate::replay_cache::Asked;

/// What is below this path is the gate's own, and never reaches the origin.
pub const OWN_PATHS: &str = "/_oncegate/";

const TWO_ROUTES: &str = "The path can be read in two ways, which are different requests: send it without an encoded slash and \
    without a semicolon.";
const CLIMBS: &str = "The path goes above its root.";

/// A request without its body.
pub struct RequestHead<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The address.
    pub url: RequestUrl<'a>,
    /// A header's value by its name in lower case; the values of one that was sent several times are joined by `, `.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The SHA-256 fingerprint of the client's certificate, if it has one that the edge has verified.
    pub certificate: &'a dyn Fn() -> Option<String>,
}

/// What is to be done with a request, as far as its head tells.
pub enum Admission<'c> {
    /// It is not guarded: it goes to the origin untouched.
    PassThrough,
    /// It asks for the gate's own page, [`crate::problem::documentation`].
    Documentation,
    /// It asks for a file of the operator's console.
    Console(ConsoleFile),
    /// It is for the operator, [`crate::operator`].
    Operator(&'c AdminToken),
    /// It asks for another address of the gate's own, where there is nothing.
    Nothing,
    /// It is refused, by this route if by one.
    Refuse(Option<&'c Route>, Problem),
    /// It is guarded.
    Guarded(Guarded<'c>),
    /// It is guarded, and whose it is says a token, which must be verified first.
    ByToken(ByToken<'c>),
    /// It goes to the origin untouched, and what this route would have made of it is reported.
    Observed(&'c Route, Observed<'c>),
}

impl<'c> Admission<'c> {
    /// That of a route in its mode.
    fn of(self, route: &'c Route) -> Self {
        if route.mode != Mode::Observe {
            return self;
        }
        match self {
            Self::Refuse(_, problem) => Self::Observed(route, Observed::Refused(problem)),
            Self::Guarded(guarded) => Self::Observed(route, Observed::Guarded(guarded)),
            Self::ByToken(by_token) => Self::Observed(route, Observed::ByToken(by_token)),
            other => other,
        }
    }
}

/// A guarded request of which all is known but its body.
pub enum Guarded<'c> {
    /// Its body is compared by its bytes.
    ByBytes(ByBytes<'c>),
    /// Its body must be read as JSON.
    ByJson(ByJson<'c>),
}

/// A guarded request whose body is compared by its bytes, if at all.
pub struct ByBytes<'c>(Keyed<'c>);

/// A guarded request whose body must be read as JSON.
pub struct ByJson<'c>(Keyed<'c>);

/// What a guarded request is.
#[derive(Clone, Debug)]
pub struct Identity<'c> {
    /// Its route.
    pub route: &'c Route,
    /// Where its record is.
    pub place: Place,
    /// Where its record was before, as long as it may still be there.
    pub previous: Option<Place>,
    /// Where the new keys of its scope are counted, if they are.
    pub counted_at: Option<Place>,
    /// What it asks for.
    pub fingerprint: Fingerprint,
    /// The key for the origin, fit for a header.
    pub key: String,
    /// Where at the origin to ask what became of an earlier attempt: path and query. `None` where the route does not ask, or
    /// the key cannot stand in an address.
    pub probe: Option<String>,
}

impl Identity<'_> {
    /// Whose answer it may have from a Worker's memory.
    pub fn asked(&self) -> Asked {
        Asked { id: self.place.id, fingerprint: self.fingerprint }
    }

    /// What its claim says of an unknown outcome. What cannot be asked about is held, and nobody is asked where all is only observed.
    pub fn on_unknown(&self) -> OnUnknown {
        match (&self.route.on_unknown, &self.probe) {
            (UnknownPolicy::Retry, _) => OnUnknown::Retry,
            (UnknownPolicy::Probe(_), Some(_)) if self.route.mode != Mode::Observe => OnUnknown::Probe,
            (UnknownPolicy::Hold | UnknownPolicy::Probe(_), _) => OnUnknown::Hold,
        }
    }
}

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the ledger.
    pub ledger: String,
    /// The record in it.
    pub id: RecordId,
}

/// Why a guarded request got no identity from its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unidentified {
    /// It has no key, and needs none: it goes to the origin unguarded.
    PassThrough,
    /// It is refused.
    Refuse(Problem),
}

/// What the head told.
struct Keyed<'c> {
    unscoped: Unscoped<'c>,
    scope: WholeScope,
}

/// What the head told, but for the scope.
pub(super) struct Unscoped<'c> {
    route: &'c Route,
    target: Target,
    /// In the order of the route's sources; `None` for those in the body.
    key: Vec<Option<KeyPart>>,
    /// The header with the key as it was sent, where that is all of the key.
    key_as_sent: Option<String>,
    /// What the path says of the route's parameters.
    parameters: Vec<(String, String)>,
}

/// A path that may be more than it seems, read.
fn odd_path(path: &str) -> Option<NormalPath> {
    let own = OWN_PATHS.trim_matches('/').as_bytes();
    let is_own = || path.as_bytes().windows(own.len()).any(|window| window.eq_ignore_ascii_case(own));
    (path.contains(['%', '\\']) || path.contains("/.") || is_own()).then(|| NormalPath::parse(path))
}

/// Decides from a request's head.
pub fn admit<'c>(config: &'c Config, head: &RequestHead<'_>) -> Admission<'c> {
    if head.url.path.starts_with(OWN_PATHS) {
        if head.url.path == DOCUMENTATION_PATH && matches!(head.method, "GET" | "HEAD") {
            return Admission::Documentation;
        }
        let Some(token) = &config.admin_token else { return Admission::Nothing };
        return ConsoleFile::asked_by(head).map_or(Admission::Operator(token), Admission::Console);
    }
    let odd = odd_path(head.url.path);
    if let Some(path) = &odd {
        // Not even an odd spelling of the gate's own addresses reaches the origin: it may come with the operator's token.
        if path.is_below(OWN_PATHS.trim_matches('/')) {
            return Admission::Nothing;
        }
        if path.climbs() && config.origin.as_ref().is_some_and(Origin::has_path) {
            return Admission::Refuse(None, Problem::malformed(CLIMBS));
        }
    }
    if !config.routes.guards_method(head.method) {
        return Admission::PassThrough;
    }
    let path = odd.unwrap_or_else(|| NormalPath::parse(head.url.path));
    let found = match config.routes.find(head.method, &path) {
        Found::None => return Admission::PassThrough,
        Found::One(found) => found,
        Found::Two { observed_by } => {
            let refused = Admission::Refuse(None, Problem::malformed(TWO_ROUTES));
            return match observed_by {
                Some(route) => refused.of(route),
                None => refused,
            };
        }
    };
    let route = found.route;
    admit_keyed(found, &path, head).of(route)
}

/// Decides where a route has been found.
fn admit_keyed<'c>(found: RouteMatch<'c>, path: &NormalPath, head: &RequestHead<'_>) -> Admission<'c> {
    let key = match read_key(&found, head) {
        Ok(key) => key,
        Err(KeyFault::Missing(_)) if !found.route.required => return Admission::PassThrough,
        Err(fault) => return Admission::Refuse(Some(found.route), fault.into_problem()),
    };
    let scope = match scope::read(&found.route.scope, &head.url, &found.parameters, head.header, head.certificate) {
        Ok(scope) => scope,
        Err(detail) => return Admission::Refuse(Some(found.route), Problem::unscoped(detail)),
    };
    let route = found.route;
    let announced = (head.header)("content-length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > route.max_request) {
        return Admission::Refuse(Some(route), Problem::too_large(route.max_request));
    }
    let key_as_sent = match route.key.as_slice() {
        [KeySource::Header(name)] => (head.header)(name),
        _ => None,
    };
    let target = Target::new(head.method, path, head.url.query);
    let unscoped = Unscoped { route, target, key, key_as_sent, parameters: found.parameters };
    match scope {
        HeadScope::Whole(scope) => Admission::Guarded(unscoped.scoped(scope)),
        HeadScope::Open(scope) => Admission::ByToken(ByToken::new(unscoped, scope)),
    }
}

impl<'c> Unscoped<'c> {
    /// The route.
    pub(super) fn route(&self) -> &'c Route {
        self.route
    }

    /// Says whose it is.
    pub(super) fn scoped(self, scope: WholeScope) -> Guarded<'c> {
        let needs_json = self.route.needs_json();
        let keyed = Keyed { unscoped: self, scope };
        if needs_json { Guarded::ByJson(ByJson(keyed)) } else { Guarded::ByBytes(ByBytes(keyed)) }
    }
}

impl<'c> Guarded<'c> {
    /// The route.
    pub fn route(&self) -> &'c Route {
        match self {
            Self::ByBytes(guarded) => guarded.route(),
            Self::ByJson(guarded) => guarded.route(),
        }
    }
}

impl<'c> ByBytes<'c> {
    /// The route.
    pub fn route(&self) -> &'c Route {
        self.0.unscoped.route
    }

    /// Which source gave what, for a person.
    pub fn reading(&self) -> Reading {
        let Keyed { unscoped, scope } = &self.0;
        let key: Vec<KeyPart> = unscoped.key.iter().flatten().cloned().collect();
        Reading::of(unscoped.route, &key, scope)
    }

    /// Identifies the request, given the digest of its body.
    pub fn identify(self, body: BodyDigest) -> Identity<'c> {
        let Keyed { unscoped: Unscoped { route, target, key, key_as_sent, parameters }, scope } = self.0;
        let fingerprint = match route.fingerprint {
            FingerprintRule::None => target.without_body(),
            _ => target.with_bytes(body),
        };
        let key: Vec<KeyPart> = key.into_iter().flatten().collect();
        identity(route, &scope, &key, key_as_sent, &parameters, fingerprint)
    }
}

impl<'c> ByJson<'c> {
    /// The route.
    pub fn route(&self) -> &'c Route {
        self.0.unscoped.route
    }

    /// Which source gave what, for a person.
    ///
    /// # Errors
    /// Those of [`Self::identify`].
    pub fn reading(&self, body: &[u8]) -> Result<Reading, Unidentified> {
        let Keyed { unscoped, scope } = &self.0;
        let (key, _) = read_body(unscoped.route, unscoped.key.clone(), body)?;
        Ok(Reading::of(unscoped.route, &key, scope))
    }

    /// Identifies the request, given its body.
    ///
    /// # Errors
    /// Where the body is not JSON, or has not the key that it must have.
    pub fn identify(self, body: &[u8]) -> Result<Identity<'c>, Unidentified> {
        let Keyed { unscoped: Unscoped { route, target, key, key_as_sent, parameters }, scope } = self.0;
        let (key, document) = read_body(route, key, body)?;
        let fingerprint = match &route.fingerprint {
            FingerprintRule::Json { include, exclude } => target.with_json(document, include, exclude),
            FingerprintRule::Raw => target.with_bytes(BodyDigest::of(body)),
            FingerprintRule::None => target.without_body(),
        };
        Ok(identity(route, &scope, &key, key_as_sent, &parameters, fingerprint))
    }
}

/// The whole key, and the document that the body is.
fn read_body(route: &Route, key: Vec<Option<KeyPart>>, body: &[u8]) -> Result<(Vec<KeyPart>, Value), Unidentified> {
    if body.is_empty() && !route.required && key.contains(&None) {
        // Without a body there is no key in it.
        return Err(Unidentified::PassThrough);
    }
    let document = json::parse(body).map_err(not_json)?;
    Ok((complete_key(route, key, &document)?, document))
}

fn not_json(error: String) -> Unidentified {
    Unidentified::Refuse(Problem::malformed(format!(
        "The body must be JSON here, and not compressed. Reading it: {error}."
    )))
}

fn identity<'c>(
    route: &'c Route,
    scope: &WholeScope,
    key: &[KeyPart],
    key_as_sent: Option<String>,
    parameters: &[(String, String)],
    fingerprint: Fingerprint,
) -> Identity<'c> {
    let scope = scope.parts();
    let place = |layout: &Layout| place(layout, scope, key);
    let probe = match &route.on_unknown {
        UnknownPolicy::Probe(path) => path.fill(&key::as_compared(key), parameters),
        UnknownPolicy::Hold | UnknownPolicy::Retry => None,
    };
    Identity {
        route,
        place: place(&route.layout),
        previous: route.previous.as_ref().map(place),
        counted_at: route.keys_per_scope.map(|_| {
            let id = RecordId::from_bytes(scoped(&route.layout, scope, "oncegate scope 1").finish());
            Place { ledger: route.layout.ledger(&id), id }
        }),
        fingerprint,
        key: key_as_sent.unwrap_or_else(|| key::for_origin(key)),
        probe,
    }
}

/// Where a layout keeps the record of this scope and key.
pub(super) fn place(layout: &Layout, scope: &[ScopePart], key: &[KeyPart]) -> Place {
    let parts = scoped(layout, scope, "oncegate record 1");
    let parts = key.iter().fold(parts.count(key.len()), |parts, part| parts.part(part.as_str().as_bytes()));
    let id = RecordId::from_bytes(parts.finish());
    Place { ledger: layout.ledger(&id), id }
}

fn scoped(layout: &Layout, scope: &[ScopePart], domain: &str) -> Parts {
    let parts = Parts::new(domain).part(layout.name.as_bytes()).count(scope.len());
    scope.iter().fold(parts, |parts, (source, value)| parts.part(source.as_bytes()).part(value))
}

/// What is wrong with a key.
enum KeyFault {
    Missing(String),
    Malformed(String),
}

impl KeyFault {
    fn missing(source: &KeySource) -> Self {
        Self::Missing(format!("The request must have {}.", source.describe()))
    }

    fn malformed(source: &KeySource, reason: &str) -> Self {
        let described = source.describe();
        let mut letters = described.chars();
        let capital: String =
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
        Self::Malformed(format!("{capital} is not a key: {reason}."))
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Missing(detail) => Problem::missing(detail),
            Self::Malformed(detail) => Problem::malformed(detail),
        }
    }
}

/// Reads the parts that are in the head. A malformed part counts before a missing one.
fn read_key(found: &RouteMatch<'_>, head: &RequestHead<'_>) -> Result<Vec<Option<KeyPart>>, KeyFault> {
    let mut parts = Vec::with_capacity(found.route.key.len());
    let mut missing = None;
    for (index, source) in found.route.key.iter().enumerate() {
        match read_part(found, source, head).map(|part| in_format(found.route, index, part)) {
            None if matches!(source, KeySource::Json(_)) => parts.push(None),
            None => missing = missing.or_else(|| Some(KeyFault::missing(source))),
            Some(Ok(part)) => parts.push(Some(part)),
            Some(Err(reason)) => return Err(KeyFault::malformed(source, &reason)),
        }
    }
    missing.map_or(Ok(parts), Err)
}

fn read_part(found: &RouteMatch<'_>, source: &KeySource, head: &RequestHead<'_>) -> Option<Result<KeyPart, String>> {
    match source {
        KeySource::Json(_) => None,
        KeySource::Header(name) => {
            (head.header)(name).map(|value| KeyPart::from_header(&value, found.route.key_syntax))
        }
        KeySource::Path(wanted) => {
            let (_, value) = found.parameters.iter().find(|(name, _)| name == wanted)?;
            Some(KeyPart::new(value.clone()))
        }
        KeySource::Query(name) => {
            let mut values = head.url.parameter(name);
            let value = values.next()?;
            if values.next().is_some() {
                return Some(Err("it is sent twice".to_owned()));
            }
            Some(value.ok_or_else(|| "it is not UTF-8".to_owned()).and_then(KeyPart::new))
        }
    }
}

/// Adds the parts that are in the body.
fn complete_key(
    route: &Route,
    from_head: Vec<Option<KeyPart>>,
    document: &Value,
) -> Result<Vec<KeyPart>, Unidentified> {
    let mut parts = Vec::with_capacity(from_head.len());
    for (index, (source, part)) in route.key.iter().zip(from_head).enumerate() {
        let read = match (part, source) {
            (Some(part), _) => Ok(part),
            (None, KeySource::Json(pointer)) => match document.pointer(pointer.as_str()) {
                None | Some(Value::Null) => Err(KeyFault::missing(source)),
                Some(value) => in_format(route, index, KeyPart::from_json(value))
                    .map_err(|reason| KeyFault::malformed(source, &reason)),
            },
            (None, _) => Err(KeyFault::missing(source)),
        };
        match read {
            Ok(part) => parts.push(part),
            Err(KeyFault::Missing(_)) if !route.required => return Err(Unidentified::PassThrough),
            Err(fault) => return Err(Unidentified::Refuse(fault.into_problem())),
        }
    }
    Ok(parts)
}

/// `key_format` holds for the first source, which is the key proper; further ones narrow it.
pub(super) fn in_format(route: &Route, index: usize, part: Result<KeyPart, String>) -> Result<KeyPart, String> {
    if index == 0 { part?.in_format(route.key_format) } else { part }
}
