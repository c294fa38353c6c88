//! The fields that say which requests are guarded, and when two of them are the same.

use super::schema::{and, boolean, duration, integer, list, named, object, size, text, words};
use super::{Default, Field, Group};
use crate::limits;
use serde_json::json;

pub(super) const WHICH: Group = Group {
    title: "Which requests",
    fields: &[
        Field {
            name: "name",
            about: "What the route is called in logs, counters and the names of its ledgers. It is part of where its records are: to \
                    change it, see `renamed_from`.",
            default: Default::Required,
            examples: &["\"payments\""],
            schema: || json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_-]{{1,{}}}$", limits::ROUTE_NAME_BYTES) }),
        },
        Field {
            name: "path",
            about: "Which paths it guards. `{id}` stands for a segment, `{*rest}` for all that follows. Requests are matched after decoding \
                    and tidying, so write the path decoded.",
            default: Default::Required,
            examples: &["\"/v1/payments\"", "\"/v1/{merchant}/orders\"", "\"/v1/{*rest}\""],
            schema: || named("Path"),
        },
        Field {
            name: "methods",
            about: "Which methods it guards. Requests with others pass through.",
            default: Default::Value("[\"POST\",\"PATCH\"]"),
            examples: &["[\"POST\", \"PUT\", \"DELETE\"]"],
            schema: || {
                and(
                    list(&json!({ "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Z-]{1,32}$" }), 1, None),
                    "uniqueItems",
                    json!(true),
                )
            },
        },
        Field {
            name: "webhook",
            about: "Whose events it takes (docs/webhooks.md): they are verified before there is a record of them. `key` is then where the sender \
                    puts the event's id, `scope` `\"public\"`, `fingerprint` `\"none\"` and `ttl` `\"7days\"`, unless they say otherwise; and an answer \
                    that is no success frees the key. The sender's secret is in `WEBHOOK_SECRET`, or in another variable that begins so.",
            default: Default::Absent("it takes requests"),
            examples: &[
                "\"standard\"",
                "\"stripe\"",
                "{\"sender\": \"github\", \"secret\": \"WEBHOOK_SECRET_GITHUB\"}",
            ],
            schema: || {
                let sender = words(&["standard", "stripe", "github"]);
                let secret = json!({ "type": "string", "pattern": "^WEBHOOK_SECRET(_.*)?$" });
                json!({ "anyOf": [sender.clone(), object(&[("sender", sender), ("secret", secret)], &["sender"])] })
            },
        },
        Field {
            name: "queue",
            about: "The queue whose messages it takes (docs/webhooks.md), each as a request to `path` with the message's id as its key. `scope` must be \
                    `\"public\"`, and the path without parameters; `ttl` is `\"7days\"` unless it says otherwise, and an answer that is no success frees the key, for all requests of the route.",
            default: Default::Absent("it takes no messages"),
            examples: &["\"orders\""],
            schema: || json!({ "type": "string", "pattern": "^[a-z0-9-]{1,63}$" }),
        },
        Field {
            name: "mode",
            about: "`\"observe\"` lets everything pass and reports what would have happened (docs/roll-out.md); with `\"off\"` it is \
                    as if the route were not there, though its records are still known to operators.",
            default: Default::Value("\"enforce\""),
            examples: &["\"observe\"", "\"off\""],
            schema: || words(&["enforce", "observe", "off"]),
        },
    ],
};

pub(super) const KEY: Group = Group {
    title: "The key",
    fields: &[
        Field {
            name: "key",
            about: "Where the key is: `header:NAME`, `json:/pointer` (into the body), `query:NAME` or `path:param`. Several are combined.",
            default: Default::Value("[\"header:Idempotency-Key\"]"),
            examples: &["[\"json:/order/id\", \"path:merchant\"]", "[\"query:key\"]"],
            schema: || list(&named("KeySource"), 1, Some(limits::KEY_SOURCES)),
        },
        Field {
            name: "key_syntax",
            about: "How a header with a key is written. `\"strict\"`: an RFC 9651 String only, such as `\"k\"`; `\"lenient\"`: bare as well, and \
                    then `k` and `\"k\"` are one key.",
            default: Default::Value("\"lenient\""),
            examples: &["\"strict\""],
            schema: || words(&["lenient", "strict"]),
        },
        Field {
            name: "key_format",
            about: "What the first part of the key must look like. Upper and lower case of a UUID or ULID are the same key.",
            default: Default::Value("\"any\""),
            examples: &["\"uuid\"", "\"ulid\""],
            schema: || words(&["any", "uuid", "ulid"]),
        },
        Field {
            name: "required",
            about: "Whether a request without a key is refused with 400. If not, it passes through unguarded.",
            default: Default::Value("true"),
            examples: &["false"],
            schema: boolean,
        },
    ],
};

pub(super) const SCOPE: Group = Group {
    title: "Who shares keys",
    fields: &[
        Field {
            name: "scope",
            about: "Two requests share a key only if they send the same values here: `header:NAME`, `cookie:NAME`, `path:param`, `jwt:CLAIM` (see \
                    `jwt`), `client-certificate` or `host`. `\"public\"` says that everybody shares keys. Choose what stays the same over a \
                    client's retries.",
            default: Default::Required,
            examples: &["[\"header:Authorization\"]", "[\"path:merchant\", \"host\"]", "[\"jwt:sub\"]", "\"public\""],
            schema: || json!({ "anyOf": [words(&["public"]), list(&named("ScopeSource"), 1, Some(limits::SCOPE_SOURCES))] }),
        },
        Field {
            name: "jwt",
            about: "Whose tokens a scope by claims takes: where the issuer's keys are (`jwks`), what the claims `iss` (`issuer`) and `aud` \
                    (`audience`) must be. Without `audience`, a token that has one is refused. It is given if, and only if, the scope has a \
                    source `jwt:CLAIM`.",
            default: Default::Absent("the scope has no claims"),
            examples: &[
                "{\"jwks\": \"https://issuer.example/.well-known/jwks.json\", \"issuer\": \"https://issuer.example\", \"audience\": \"payments\"}",
            ],
            schema: || {
                let jwks = json!({ "type": "string", "pattern": "^https?://", "maxLength": 1024 });
                object(&[("jwks", jwks), ("issuer", text(1024)), ("audience", text(1024))], &["jwks", "issuer"])
            },
        },
        Field {
            name: "keys_per_scope",
            about: "How many new keys each caller may use in a window, which is no longer than `ttl` and `guard` together. With more, a new key \
                    gets 429; retries are answered. A new key then costs two calls and a written row more.",
            default: Default::Absent("no limit"),
            examples: &["{\"keys\": 100, \"window\": \"1m\"}"],
            schema: || {
                object(&[("keys", integer(1, u64::from(u32::MAX))), ("window", duration())], &["keys", "window"])
            },
        },
    ],
};

pub(super) const PAYLOAD: Group = Group {
    title: "The same request",
    fields: &[
        Field {
            name: "fingerprint",
            about: "What makes two requests with one key the same, beside method, path and query. `\"raw\"`: the bytes of the body; `\"json\"`: what \
                    it says, whatever the order and the white space; with `include` only what these pointers point to, with `exclude` all \
                    but that; `\"none\"`: any body. Another request under the same key gets 422.",
            default: Default::Value("\"raw\""),
            examples: &["\"json\"", "{\"exclude\": [\"/sent_at\"]}"],
            schema: || {
                let pointers = || list(&named("Pointer"), 0, None);
                let table = object(&[("include", pointers()), ("exclude", pointers())], &[]);
                let some = |name: &str| json!({ "required": [name], "properties": { name: { "minItems": 1 } } });
                let table = and(table, "anyOf", json!([some("include"), some("exclude")]));
                json!({ "anyOf": [words(&["raw", "json", "none"]), table] })
            },
        },
        Field {
            name: "max_request",
            about: "The largest body of a guarded request; a larger one gets 413. Where the body is read as JSON, for the key or the \
                    fingerprint, at most 2 MiB.",
            default: Default::Value("\"1MiB\""),
            examples: &["\"500KB\"", "65536"],
            schema: || size(limits::MAX_REQUEST_BYTES),
        },
    ],
};
