//! The limits that no configuration can lift, in one place.

use core::time::Duration;

/// The longest part of a key, in bytes. Stripe's limit, which clients of this kind of API know.
pub const KEY_BYTES: usize = 255;
/// How many sources one key may be combined of.
pub const KEY_SOURCES: usize = 4;
/// How many sources one scope may be combined of.
pub const SCOPE_SOURCES: usize = 8;
/// How many routes one Worker may have.
pub const ROUTES: usize = 500;
/// The highest number of a variable `ROUTES_1`, `ROUTES_2`, ….
pub const ROUTE_VARIABLES: usize = 99;
/// The longest route name, in bytes. It is part of the names of ledgers.
pub const ROUTE_NAME_BYTES: usize = 64;
/// How many shards a route may have.
pub const SHARDS: u16 = 4096;

/// The largest `max_request`, in bytes: a keyed request is held in memory until its digest is known, and an isolate has
/// 128 MB for all its requests.
pub const MAX_REQUEST_BYTES: u64 = 32 << 20;
/// The largest `max_request` of a route that must read the body as JSON, in bytes. A document takes many times its size
/// in Wasm memory, which never shrinks.
pub const MAX_JSON_BYTES: u64 = 2 << 20;
/// How many values a JSON body may have, all nested ones counted.
pub const JSON_VALUES: usize = 50_000;
/// The largest `max_response`, in bytes.
pub const MAX_RESPONSE_BYTES: u64 = 32 << 20;
/// The largest sum of a guarded request's header names and values, in bytes.
pub const REQUEST_HEADER_BYTES: usize = 64 << 10;
/// How many headers a guarded request may have.
pub const REQUEST_HEADERS: usize = 256;
/// How many of a request's headers are read before it is known whether they are needed.
pub const HEADERS_READ_AHEAD: usize = 16;
/// The largest sum of a stored answer's header names and values, in bytes.
pub const RESPONSE_HEADER_BYTES: usize = 64 << 10;
/// How many headers a stored answer may have.
pub const RESPONSE_HEADERS: usize = 256;
/// The most body bytes in one row; a larger body is stored in pieces of this size. The platform's limit for a row is
/// 2 MB, and a row holds the answer's headers and history as well.
pub const ROW_BODY_BYTES: u32 = 960 << 10;
/// How much of a stored body is in memory at a time while it is replayed, where not all of a row can be.
pub const REPLAY_WINDOW_BYTES: u32 = 128 << 10;
/// How much of stored bodies an isolate reads into memory by whole rows while they are replayed.
pub const REPLAYED_BYTES: u32 = 16 << 20;
/// How much of an encoded body is read at a time to be decoded, in Wasm memory, which never shrinks.
pub const DECODE_WINDOW_BYTES: u32 = 16 << 10;
/// How much of a decoded body is gathered before it is written. What a few hundred bytes decode to may come on top.
pub const DECODE_STEP_BYTES: u32 = 32 << 10;
/// How much of a body is sealed at a time, and is in memory while it is opened. It is part of the stored form: bodies that
/// were sealed with another size do not open.
pub const SEAL_SEGMENT_BYTES: u32 = 64 << 10;

/// The longest `ttl`.
pub const TTL: Duration = Duration::from_secs(400 * 24 * 3600);
/// The longest `guard`.
pub const GUARD: Duration = Duration::from_secs(31 * 24 * 3600);
/// The longest `timeout` of a call to the origin.
pub const ORIGIN_TIMEOUT: Duration = Duration::from_secs(300);
/// The longest `wait` of a concurrent duplicate.
pub const WAIT: Duration = Duration::from_secs(60);
/// How much longer the lease is than the origin's timeout: the time for the Worker to reach the origin after its claim,
/// and to bring the answer to the ledger.
pub const LEASE_SLACK: Duration = Duration::from_secs(10);

/// How many transitions a record remembers: the first of them and the latest others.
pub const HISTORY: usize = 32;
/// The longest name of who changed a record by hand, in bytes.
pub const WHO_BYTES: usize = 100;
/// The longest reason for that, in bytes.
pub const WHY_BYTES: usize = 500;
/// How many duplicates of one key may be parked until the first one is done.
pub const WAITERS_PER_KEY: usize = 100;
/// How often one request may begin: again after it was parked, or counted, or moved.
pub const BEGINS: u32 = 16;
/// How many duplicates may be parked in one ledger.
pub const WAITERS_PER_LEDGER: usize = 1_000;
/// The most `max_records`, and its default: with small answers these fill a third of the platform's 10 GB for an object.
pub const RECORDS_PER_LEDGER: u32 = 10_000_000;
/// The longest `window` of `keys_per_scope`.
pub const QUOTA_WINDOW: Duration = Duration::from_secs(31 * 24 * 3600);
/// How many generations of records one ledger may keep.
pub const GENERATIONS: usize = 64;

/// The longest `replay_cache`: an answer that an operator has had forgotten may be replayed for as long.
pub const REPLAY_CACHE: Duration = Duration::from_secs(300);
/// The largest answer that an isolate remembers, headers and body, in bytes.
pub const REMEMBERED_ANSWER_BYTES: usize = 64 << 10;
/// What an answer, and each of its headers, takes beside its bytes, about: the objects that it is made of.
pub const REMEMBERING_BYTES: usize = 256;
/// How much an isolate remembers, in bytes. It has 128 MB for all that it does.
pub const REMEMBERED_BYTES: usize = 8 << 20;
/// How many answers an isolate remembers. Those that were forgotten or replaced count until they would have gone.
pub const REMEMBERED_ANSWERS: usize = 4096;

/// The longest token that is read, in bytes.
pub const TOKEN_BYTES: usize = 16 << 10;
/// The longest claim that can be a scope, in bytes. OpenID Connect Core, section 2, allows as much for `sub`.
pub const CLAIM_BYTES: usize = 255;
/// The largest key set that is read, in bytes.
pub const KEY_SET_BYTES: u64 = 64 << 10;
/// How many keys a key set may have.
pub const KEY_SET_KEYS: usize = 100;
/// The longest modulus of an RSA key, in bytes: what a verification costs grows with it.
pub const RSA_MODULUS_BYTES: usize = 1024;
/// By how much an issuer's clock may differ from the gate's (RFC 7519, section 4.1.4).
pub const TOKEN_CLOCK_LEEWAY: Duration = Duration::from_secs(60);
/// How long a key set serves before it is fetched again.
pub const KEY_SET_FRESH: Duration = Duration::from_secs(600);
/// How long a key set serves while it cannot be fetched again. A key that its issuer has taken back may be trusted for so long.
pub const KEY_SET_STALE: Duration = Duration::from_secs(3600);
/// How long nobody asks again for a key set that has just been fetched, or that could not be: a token is made up in no time.
pub const KEY_SET_PAUSE: Duration = Duration::from_secs(5);
/// How long fetching a key set may take.
pub const KEY_SET_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits before it looks whether a key set has come that another request is fetching.
pub const KEY_SET_LOOK: Duration = Duration::from_millis(25);

/// The shortest token of an operator, in characters.
pub const ADMIN_TOKEN_LEAST: usize = 16;
/// The longest one.
pub const ADMIN_TOKEN_MOST: usize = 1024;
/// The largest body of an operator's request, in bytes.
pub const OPERATOR_REQUEST_BYTES: u64 = 2 << 20;
/// The largest stored body that an operator is shown, in bytes.
pub const OPERATOR_BODY_BYTES: u32 = 1 << 20;
/// How many records an operator gets on a page, if not told otherwise.
pub const PAGE_RECORDS: usize = 50;
/// How many records an operator may ask for on a page.
pub const PAGE_RECORDS_MOST: usize = 200;
/// How many rows a ledger looks at for one page.
pub const PAGE_ROWS: u32 = 2_000;
/// How many ledgers are asked for one page. Each may be far away, and they are asked one after the other.
pub const PAGE_LEDGERS: usize = 16;
/// How many ledgers are asked for their counters by one request: the platform limits how many calls a request may make.
pub const COUNTED_LEDGERS: usize = 128;
/// How many ledgers are asked for their counters at a time (Cloudflare, "Limits": six connections wait at once).
pub const COUNTED_AT_A_TIME: usize = 4;
/// How long a route remembers keys, unless it says otherwise.
pub const DEFAULT_TTL: Duration = Duration::from_secs(24 * 3600);
/// How many sites a route may name whose scripts may read its answers.
pub const SITES: usize = 32;
/// How many messages of a batch are requests at a time (Cloudflare, "Limits": six connections wait at once).
pub const MESSAGES_AT_A_TIME: usize = 4;
/// How far from now an event may have been signed (Standard Webhooks and Stripe: five minutes).
pub const EVENT_AGE: Duration = Duration::from_secs(5 * 60);
/// How long a route remembers events and messages, unless it says otherwise: Standard Webhooks, Stripe and GitHub send an event again for
/// some three days, and a queue keeps a message for four by default.
pub const EVENT_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an answer of the origin is waited for, at most, to be looked at, on a route that only observes. It goes to the client whenever
/// it comes.
pub const OBSERVED_ANSWER: Duration = Duration::from_secs(600);
/// How long what is under way in an isolate may wait for one thing before it is given up. The platform lets nothing wait so long for a
/// client that has gone, and all that the gate waits for has shorter limits.
pub const AT_REST: Duration = Duration::from_secs(3600);
/// How much begins between two looks for what is to be given up.
pub const BEGUN_PER_LOOK: u32 = 256;
/// How many requests may be read at a time that end with their clients, each of some kilobytes (`src/gateway/hold.rs`).
pub const READ_UNHELD: usize = 256;
/// How many claims an object has in memory until they are settled, each of some hundred bytes.
pub const CLAIMS_IN_MEMORY: usize = 1024;
/// How long an answer of the origin is held back, at most, for what is to be said about it in a header, on a route that only observes.
pub const OBSERVED_PATIENCE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_at_a_time_is_neither_a_few_bytes_nor_too_much() {
        let at_a_time = [REPLAY_WINDOW_BYTES, DECODE_WINDOW_BYTES, DECODE_STEP_BYTES, SEAL_SEGMENT_BYTES];
        for bytes in at_a_time {
            assert!((16 * 1024..=128 * 1024).contains(&bytes), "{bytes}");
        }
        // docs/operations.md, on what an operator sends and is shown.
        assert_eq!((OPERATOR_REQUEST_BYTES, OPERATOR_BODY_BYTES), (2 * 1024 * 1024, 1024 * 1024));
        // The platform's limit for a row is 2 MB (Cloudflare, "Durable Objects", "Limits").
        assert!((512 * 1024..2_000_000).contains(&(ROW_BODY_BYTES as usize + RESPONSE_HEADER_BYTES)));
        // Some rows at a time.
        assert!((4..=32).contains(&(REPLAYED_BYTES / ROW_BODY_BYTES)));
    }
}
