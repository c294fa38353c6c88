//! One keyed route.

use core::num::NonZeroU16;
use core::time::Duration;

use super::probe::UnknownPolicy;
use super::scope::{Scope, ScopeSource};
use super::sources::{KeyFormat, KeySource, KeySyntax, Pointer};
use crate::account::Share;
use crate::hashing::Parts;
use crate::headers::has_body;
use crate::ids::LayoutId;
use crate::outcome::{Overrides, Status};
use crate::quota::Quota;
use crate::seal::SealKey;
use crate::webhook::Webhook;

/// A keyed route, as configured. `cargo doc` says of each field what the design says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Stable id: part of the names of its ledgers, and of every record's id.
    pub name: String,
    /// The path pattern, as in matchit.
    pub path: String,
    /// The methods it guards.
    pub methods: Vec<String>,
    /// Where the key is; several are combined. Never empty.
    pub key: Vec<KeySource>,
    /// How a header with a key is written.
    pub key_syntax: KeySyntax,
    /// What the first part of the key must look like.
    pub key_format: KeyFormat,
    /// Whether a request without a key is refused, or passes through unguarded.
    pub required: bool,
    /// Who shares keys.
    pub scope: Scope,
    /// What makes two requests the same.
    pub fingerprint: FingerprintRule,
    /// How long a key is remembered.
    pub ttl: Duration,
    /// How much longer it is kept, for origins that execute late and clocks that step.
    pub guard: Duration,
    /// How long a call to the origin may take.
    pub timeout: Duration,
    /// What a duplicate gets while the first is running.
    pub on_duplicate: OnDuplicate,
    /// What a request gets whose key has an unknown outcome.
    pub on_unknown: UnknownPolicy,
    /// What a request gets whose record cannot be reached or read.
    pub on_ledger_failure: OnLedgerFailure,
    /// The statuses to which it gives another class than the default.
    pub outcomes: Overrides,
    /// How long a Worker's isolate remembers an answer; zero where it does not.
    pub replay_cache: Duration,
    /// When the first caller is answered.
    pub reply: FirstReply,
    /// Whether the route is on.
    pub mode: Mode,
    /// Over which ledgers its records are spread.
    pub layout: Layout,
    /// Over which they were spread before, as long as records may live there.
    pub previous: Option<Layout>,
    /// Where its ledgers are.
    pub placement: Placement,
    /// The largest request body, in bytes.
    pub max_request: u64,
    /// The largest answer body that is kept, in bytes.
    pub max_response: u64,
    /// How many records one of its ledgers may have.
    pub max_records: u32,
    /// How many new keys a scope may use, if that is limited.
    pub keys_per_scope: Option<Quota>,
    /// Headers, in lower case, that are kept although they carry credentials.
    pub keep_headers: Vec<String>,
    /// The key that the bodies of its answers are sealed with, if they are to be.
    pub seal: Option<SealKey>,
    /// The queue whose messages it takes, too.
    pub queue: Option<String>,
    /// The sites whose scripts may read its answers.
    pub cors: Vec<String>,
    /// Whose events it takes, if it takes events.
    pub webhook: Option<Webhook>,
    /// Of which of its requests there is a line in the log.
    pub log: Share,
}

/// What makes two requests the same, beside method, path and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FingerprintRule {
    /// The same bytes.
    Raw,
    /// The same JSON value (RFC 8785), of which some parts may not count.
    Json {
        /// Only these count, if any are named.
        include: Vec<Pointer>,
        /// These do not count.
        exclude: Vec<Pointer>,
    },
    /// Any body.
    None,
}

/// What a duplicate gets while the first request is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDuplicate {
    /// 409 at once.
    Conflict,
    /// The first one's answer, if it comes within this time; else 409.
    Wait(Duration),
}

/// What a request gets whose record cannot be reached or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLedgerFailure {
    /// 503, and the origin is not called.
    Refuse,
    /// It is sent to the origin unguarded. The operator knows that it may execute twice.
    Pass,
}

/// When the first caller is answered whose answer is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstReply {
    /// When the answer is durable.
    Stored,
    /// As the answer comes, while it is being stored. The operator knows that it may reach the client and yet be lost.
    Early,
}

impl FirstReply {
    /// Whether an answer with this status goes to the client as it comes. What has no body is no sooner there for it.
    pub const fn streams(self, status: Status) -> bool {
        matches!(self, Self::Early) && !status.forbids_body()
    }
}

/// Whether a route is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It guards.
    Enforce,
    /// Its requests go to the origin, and what it would have done is reported ([`crate::observe`]).
    Observe,
    /// Its requests pass through as if it were not there.
    Off,
}

/// Where a route's ledgers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Near who first asks for them.
    Anywhere,
    /// Near a region, if possible.
    Hint(&'static str),
    /// Inside a jurisdiction, always.
    Jurisdiction(&'static str),
}

impl Route {
    /// Whether the body must be read as JSON.
    pub fn needs_json(&self) -> bool {
        matches!(self.fingerprint, FingerprintRule::Json { .. })
            || self.key.iter().any(|source| matches!(source, KeySource::Json(_)))
    }

    /// The headers, in lower case, by which its requests are keyed and scoped.
    pub fn headers(&self) -> Vec<&str> {
        let in_key = self.key.iter().filter_map(|source| match source {
            KeySource::Header(name) => Some(name.as_str()),
            _ => None,
        });
        let in_scope = self.scope.sources().iter().filter_map(|source| match source {
            ScopeSource::Header(name) => Some(name.as_str()),
            _ => None,
        });
        in_key.chain(in_scope).collect()
    }

    /// Its layouts in the order in which they are asked for a key: the previous one, if any, comes first.
    pub fn layouts(&self) -> impl Iterator<Item = &Layout> {
        self.previous.iter().chain(core::iter::once(&self.layout))
    }

    /// The names of all its ledgers, in the order of its layouts and their shards.
    pub fn ledgers(&self) -> impl Iterator<Item = String> {
        self.layouts().flat_map(|layout| (0..layout.shards.get()).map(|shard| layout.ledger_of_shard(shard)))
    }

    /// How many ledgers that are.
    pub fn ledger_count(&self) -> usize {
        self.layouts().fold(0, |sum, layout| sum.saturating_add(usize::from(layout.shards.get())))
    }

    /// Whether this parameter of its path tells whose request it is, or which.
    pub(super) fn tells_by(&self, parameter: &str) -> bool {
        let in_probe = match &self.on_unknown {
            UnknownPolicy::Probe(path) => path.parameters().any(|name| name == parameter),
            UnknownPolicy::Hold | UnknownPolicy::Retry => false,
        };
        in_probe
            || self.key.iter().any(|source| matches!(source, KeySource::Path(name) if name == parameter))
            || self.scope.sources().iter().any(|source| matches!(source, ScopeSource::Path(name) if name == parameter))
    }

    /// How long a settled record is kept.
    pub fn retention(&self) -> Duration {
        self.ttl.saturating_add(self.guard)
    }

    /// How long a claim holds.
    pub fn lease(&self) -> Duration {
        crate::deadline::lease(self.timeout)
    }

    /// The key that the body of an answer to this method with this status is sealed with; `None` where the route does not
    /// seal, or where there is no body.
    pub fn seal_for(&self, method: &str, status: Status) -> Option<&SealKey> {
        self.seal.as_ref().filter(|_| has_body(method) && !status.forbids_body())
    }

    /// How long a duplicate waits for the first request. Nothing waits that is only observed.
    pub fn wait(&self) -> Duration {
        match (self.mode, self.on_duplicate) {
            (Mode::Observe, _) | (_, OnDuplicate::Conflict) => Duration::ZERO,
            (_, OnDuplicate::Wait(wait)) => wait,
        }
    }
}

/// Over which ledgers a route's records are spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The route's name, which is part of every record's id.
    pub name: String,
    /// How many shards there are.
    pub shards: NonZeroU16,
}

impl Layout {
    /// What tells it from others.
    pub fn id(&self) -> LayoutId {
        let shards = self.shards.get().to_be_bytes();
        let [a, b, c, d, e, f, g, h, ..] =
            Parts::new("oncegate layout 1").part(self.name.as_bytes()).part(&shards).finish();
        LayoutId::from_bytes([a, b, c, d, e, f, g, h])
    }

    /// The name of the ledger that keeps a record. The number of shards is part of it: with another number, a record
    /// would be looked for in another place.
    pub fn ledger(&self, id: &crate::ids::RecordId) -> String {
        self.ledger_of_shard(id.shard(self.shards))
    }

    fn ledger_of_shard(&self, shard: u16) -> String {
        // For every request: what formats texts would take longer than what is hashed for it.
        [self.name.as_str(), "/", &self.shards.to_string(), "/", &shard.to_string()].concat()
    }
}
