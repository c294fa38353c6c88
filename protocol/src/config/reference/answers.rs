//! The fields that say what is kept of a guarded request, for how long and where, and what is done when something goes wrong.

use super::schema::{boolean, duration, integer, list, named, object, size, words};
use super::{Default, Field, Group};
use crate::config::route_fields::{HINTS, JURISDICTIONS};
use crate::limits;
use serde_json::json;

pub(super) const TIME: Group = Group {
    title: "Time",
    fields: &[
        Field {
            name: "ttl",
            about: "How long a key is remembered, from when its outcome was written down.",
            default: Default::Value("\"24h\""),
            examples: &["\"3days\"", "\"1h 30m\""],
            schema: duration,
        },
        Field {
            name: "guard",
            about: "How much longer its record is kept, for an origin that executes late and for clocks that step.",
            default: Default::Value("\"15m\""),
            examples: &["\"1h\""],
            schema: duration,
        },
        Field {
            name: "timeout",
            about: "How long the origin may take for its answer. A claim holds for 10 seconds longer.",
            default: Default::Value("\"25s\""),
            examples: &["\"1m\""],
            schema: duration,
        },
    ],
};

pub(super) const TROUBLE: Group = Group {
    title: "Duplicates, and what is not known",
    fields: &[
        Field {
            name: "on_duplicate",
            about: "What a duplicate gets while the first request is running. `\"conflict\"`: 409 at once; `\"wait\"`: its answer, if it comes within \
                    `wait`.",
            default: Default::Value("\"conflict\""),
            examples: &["\"wait\""],
            schema: || words(&["conflict", "wait"]),
        },
        Field {
            name: "wait",
            about: "How long a duplicate waits, with `on_duplicate = \"wait\"`.",
            default: Default::Value("\"10s\""),
            examples: &["\"500ms\""],
            schema: duration,
        },
        Field {
            name: "on_unknown",
            about: "What a retry gets whose first request has an unknown outcome. `\"hold\"`: 502 or 504, and the origin is not called; `\"retry\"`: it \
                    is sent again, which is right where executing twice does no harm; with a table, the origin is asked there first. `{key}` \
                    and the parameters of the route's path are filled in, and the path must say all of the scope that a GET does not carry.",
            default: Default::Value("\"hold\""),
            examples: &["\"retry\"", "{\"probe\": \"/v1/payments/by-key/{key}\"}"],
            schema: || {
                let probe = json!({ "type": "string", "pattern": "^/[!-~]*\\{key\\}[!-~]*$", "maxLength": 1024 });
                json!({ "anyOf": [words(&["hold", "retry"]), object(&[("probe", probe)], &["probe"])] })
            },
        },
        Field {
            name: "on_ledger_failure",
            about: "What a request gets whose record cannot be reached or read. `\"refuse\"`: 503, and the origin is not called; `\"pass\"`: it is \
                    called, unguarded, and may execute again.",
            default: Default::Value("\"refuse\""),
            examples: &["\"pass\""],
            schema: || words(&["refuse", "pass"]),
        },
    ],
};

pub(super) const ANSWERS: Group = Group {
    title: "Answers",
    fields: &[
        Field {
            name: "store",
            about: "Statuses whose answers are kept and replayed, although they would not be by default. A status is in one of `store`, \
                    `release` and `unknown` only.",
            default: Default::Value("[]"),
            examples: &["[503]"],
            schema: statuses,
        },
        Field {
            name: "release",
            about: "Statuses that free the key, because the origin did not execute.",
            default: Default::Value("[]"),
            examples: &["[409, 423]"],
            schema: statuses,
        },
        Field {
            name: "unknown",
            about: "Statuses that leave open whether the origin has executed.",
            default: Default::Value("[]"),
            examples: &["[500]"],
            schema: statuses,
        },
        Field {
            name: "reply",
            about: "When the first caller is answered. `\"stored\"`: when the answer is on record; `\"early\"`: as it comes, while it is being \
                    stored.",
            default: Default::Value("\"stored\""),
            examples: &["\"early\""],
            schema: || words(&["stored", "early"]),
        },
        Field {
            name: "replay_cache",
            about: "How long a Worker's isolate may replay an answer without asking the ledger. An answer that an operator has deleted may be \
                    replayed for so long, too. Not together with `seal`.",
            default: Default::Value("\"0s\""),
            examples: &["\"30s\""],
            schema: duration,
        },
        Field {
            name: "max_response",
            about: "The largest body that is kept. A larger one goes to the first caller, and retries are told so (409).",
            default: Default::Value("\"4MiB\""),
            examples: &["\"64KiB\""],
            schema: || size(limits::MAX_RESPONSE_BYTES),
        },
        Field {
            name: "keep_headers",
            about: "Headers that are replayed although they carry credentials.",
            default: Default::Value("[]"),
            examples: &["[\"set-cookie\"]"],
            schema: || list(&named("HeaderName"), 0, None),
        },
        Field {
            name: "seal",
            about: "Whether the bodies of answers are encrypted before they are stored, with the secret `SEAL_KEY`, which must be set.",
            default: Default::Value("false"),
            examples: &["true"],
            schema: boolean,
        },
        Field {
            name: "cors",
            about: "The sites whose scripts may read this route's answers, as browsers name them in `Origin`. Preflights pass through to the \
                    API, which must allow the site, too.",
            default: Default::Value("[]"),
            examples: &["[\"https://shop.example\"]"],
            schema: || {
                list(
                    &json!({ "type": "string", "pattern": "^https?://[a-z0-9.-]+(:[1-9][0-9]{0,4})?$" }),
                    0,
                    Some(limits::SITES),
                )
            },
        },
        Field {
            name: "log",
            about: "The share of keys whose requests have a line in the log, all of a key's or none; with `mode = \"observe\"`, a line of what \
                    would have been otherwise. What goes wrong is there always.",
            default: Default::Value("1"),
            examples: &["0.01", "0"],
            schema: || json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        },
    ],
};

pub(super) const RECORDS: Group = Group {
    title: "Where records are",
    fields: &[
        Field {
            name: "shards",
            about: "Over how many ledgers the route's records are spread. It is part of where they are: to change it, say what it was, until \
                    `ttl` + `guard` has passed.",
            default: Default::Value("8"),
            examples: &["16", "{\"count\": 16, \"previous\": 8}"],
            schema: || {
                let count = || integer(1, u64::from(limits::SHARDS));
                json!({ "anyOf": [count(), object(&[("count", count()), ("previous", count())], &["count", "previous"])] })
            },
        },
        Field {
            name: "renamed_from",
            about: "What the route was called before, until `ttl` + `guard` has passed.",
            default: Default::Absent("it was not renamed"),
            examples: &["\"charges\""],
            schema: || json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", limits::ROUTE_NAME_BYTES) }),
        },
        Field {
            name: "location_hint",
            about: "Near which region its ledgers are made, if possible. Not together with `jurisdiction`.",
            default: Default::Absent("near who first asks for them"),
            examples: &["\"weur\""],
            schema: || words(&HINTS),
        },
        Field {
            name: "jurisdiction",
            about: "Inside which jurisdiction its ledgers are. It must not be changed while records live. workerd on your machine has none.",
            default: Default::Absent("anywhere"),
            examples: &["\"eu\""],
            schema: || words(&JURISDICTIONS),
        },
        Field {
            name: "max_records",
            about: "How many records one ledger may have. With more, a new key gets 503.",
            default: Default::Value("10000000"),
            examples: &["100000"],
            schema: || integer(1, u64::from(limits::RECORDS_PER_LEDGER)),
        },
    ],
};

fn statuses() -> serde_json::Value {
    list(&integer(200, 599), 0, None)
}
