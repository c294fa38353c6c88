// Made by `cargo xtask reference` of the table in protocol/src/config/reference.
//
// For configuration that a program writes, and for a Worker of your own that has these variables.

/** A duration in whole milliseconds, such as "24h", "1m 30s" or "250ms". */
export type Duration = string;

/** A number of bytes, or a text such as "1MiB" or "500KB". */
export type Size = string | number;

/** A path, in which {param} stands for a segment and {*rest} for all that follows. */
export type Path = `/${string}`;

/** The name of a header. */
export type HeaderName = string;

/** A JSON pointer (RFC 6901) into a body. */
export type Pointer = `/${string}`;

/** Where a part of the key is. */
export type KeySource = `header:${string}` | `json:/${string}` | `query:${string}` | `path:${string}`;

/** What must be the same in requests that share keys. */
export type ScopeSource = `header:${string}` | `cookie:${string}` | `path:${string}` | `jwt:${string}` | 'client-certificate' | 'host';

/** A keyed route: which requests are guarded, where their key is, and who shares keys. */
export interface Route {
  /**
   * What the route is called in logs, counters and the names of its ledgers. It is part of where its records are: to change
   * it, see `renamed_from`.
   */
  name: string;
  /**
   * Which paths it guards. `{id}` stands for a segment, `{*rest}` for all that follows. Requests are matched after decoding
   * and tidying, so write the path decoded.
   */
  path: Path;
  /**
   * Which methods it guards. Requests with others pass through. Default: `["POST","PATCH"]`.
   */
  methods?: string[];
  /**
   * Whose events it takes (docs/webhooks.md): they are verified before there is a record of them. `key` is then where the
   * sender puts the event's id, `scope` `"public"`, `fingerprint` `"none"` and `ttl` `"7days"`, unless they say
   * otherwise; and an answer that is no success frees the key. The sender's secret is in `WEBHOOK_SECRET`, or in
   * another variable that begins so. Without it: it takes requests.
   */
  webhook?: 'standard' | 'stripe' | 'github' | { secret?: string; sender: 'standard' | 'stripe' | 'github' };
  /**
   * The queue whose messages it takes (docs/webhooks.md), each as a request to `path` with the message's id as its key.
   * `scope` must be `"public"`, and the path without parameters; `ttl` is `"7days"` unless it says otherwise, and an
   * answer that is no success frees the key, for all requests of the route. Without it: it takes no messages.
   */
  queue?: string;
  /**
   * `"observe"` lets everything pass and reports what would have happened (docs/roll-out.md); with `"off"` it is as if the
   * route were not there, though its records are still known to operators. Default: `"enforce"`.
   */
  mode?: 'enforce' | 'observe' | 'off';
  /**
   * Where the key is: `header:NAME`, `json:/pointer` (into the body), `query:NAME` or `path:param`. Several are combined.
   * Default: `["header:Idempotency-Key"]`.
   */
  key?: KeySource[];
  /**
   * How a header with a key is written. `"strict"`: an RFC 9651 String only, such as `"k"`; `"lenient"`: bare as well, and
   * then `k` and `"k"` are one key. Default: `"lenient"`.
   */
  key_syntax?: 'lenient' | 'strict';
  /**
   * What the first part of the key must look like. Upper and lower case of a UUID or ULID are the same key. Default:
   * `"any"`.
   */
  key_format?: 'any' | 'uuid' | 'ulid';
  /**
   * Whether a request without a key is refused with 400. If not, it passes through unguarded. Default: `true`.
   */
  required?: boolean;
  /**
   * Two requests share a key only if they send the same values here: `header:NAME`, `cookie:NAME`, `path:param`, `jwt:CLAIM`
   * (see `jwt`), `client-certificate` or `host`. `"public"` says that everybody shares keys. Choose what stays the same
   * over a client's retries.
   */
  scope: 'public' | ScopeSource[];
  /**
   * Whose tokens a scope by claims takes: where the issuer's keys are (`jwks`), what the claims `iss` (`issuer`) and `aud`
   * (`audience`) must be. Without `audience`, a token that has one is refused. It is given if, and only if, the scope
   * has a source `jwt:CLAIM`. Without it: the scope has no claims.
   */
  jwt?: { audience?: string; issuer: string; jwks: string };
  /**
   * How many new keys each caller may use in a window, which is no longer than `ttl` and `guard` together. With more, a new
   * key gets 429; retries are answered. A new key then costs two calls and a written row more. Without it: no limit.
   */
  keys_per_scope?: { keys: number; window: Duration };
  /**
   * What makes two requests with one key the same, beside method, path and query. `"raw"`: the bytes of the body; `"json"`:
   * what it says, whatever the order and the white space; with `include` only what these pointers point to, with
   * `exclude` all but that; `"none"`: any body. Another request under the same key gets 422. Default: `"raw"`.
   */
  fingerprint?: 'raw' | 'json' | 'none' | { exclude?: Pointer[]; include?: Pointer[] };
  /**
   * The largest body of a guarded request; a larger one gets 413. Where the body is read as JSON, for the key or the
   * fingerprint, at most 2 MiB. Default: `"1MiB"`.
   */
  max_request?: Size;
  /**
   * How long a key is remembered, from when its outcome was written down. Default: `"24h"`.
   */
  ttl?: Duration;
  /**
   * How much longer its record is kept, for an origin that executes late and for clocks that step. Default: `"15m"`.
   */
  guard?: Duration;
  /**
   * How long the origin may take for its answer. A claim holds for 10 seconds longer. Default: `"25s"`.
   */
  timeout?: Duration;
  /**
   * What a duplicate gets while the first request is running. `"conflict"`: 409 at once; `"wait"`: its answer, if it comes
   * within `wait`. Default: `"conflict"`.
   */
  on_duplicate?: 'conflict' | 'wait';
  /**
   * How long a duplicate waits, with `on_duplicate = "wait"`. Default: `"10s"`.
   */
  wait?: Duration;
  /**
   * What a retry gets whose first request has an unknown outcome. `"hold"`: 502 or 504, and the origin is not called;
   * `"retry"`: it is sent again, which is right where executing twice does no harm; with a table, the origin is asked
   * there first. `{key}` and the parameters of the route's path are filled in, and the path must say all of the scope
   * that a GET does not carry. Default: `"hold"`.
   */
  on_unknown?: 'hold' | 'retry' | { probe: string };
  /**
   * What a request gets whose record cannot be reached or read. `"refuse"`: 503, and the origin is not called; `"pass"`: it
   * is called, unguarded, and may execute again. Default: `"refuse"`.
   */
  on_ledger_failure?: 'refuse' | 'pass';
  /**
   * Statuses whose answers are kept and replayed, although they would not be by default. A status is in one of `store`,
   * `release` and `unknown` only. Default: `[]`.
   */
  store?: number[];
  /**
   * Statuses that free the key, because the origin did not execute. Default: `[]`.
   */
  release?: number[];
  /**
   * Statuses that leave open whether the origin has executed. Default: `[]`.
   */
  unknown?: number[];
  /**
   * When the first caller is answered. `"stored"`: when the answer is on record; `"early"`: as it comes, while it is being
   * stored. Default: `"stored"`.
   */
  reply?: 'stored' | 'early';
  /**
   * How long a Worker's isolate may replay an answer without asking the ledger. An answer that an operator has deleted may
   * be replayed for so long, too. Not together with `seal`. Default: `"0s"`.
   */
  replay_cache?: Duration;
  /**
   * The largest body that is kept. A larger one goes to the first caller, and retries are told so (409). Default: `"4MiB"`.
   */
  max_response?: Size;
  /**
   * Headers that are replayed although they carry credentials. Default: `[]`.
   */
  keep_headers?: HeaderName[];
  /**
   * Whether the bodies of answers are encrypted before they are stored, with the secret `SEAL_KEY`, which must be set.
   * Default: `false`.
   */
  seal?: boolean;
  /**
   * The sites whose scripts may read this route's answers, as browsers name them in `Origin`. Preflights pass through to the
   * API, which must allow the site, too. Default: `[]`.
   */
  cors?: string[];
  /**
   * The share of keys whose requests have a line in the log, all of a key's or none; with `mode = "observe"`, a line of what
   * would have been otherwise. What goes wrong is there always. Default: `1`.
   */
  log?: number;
  /**
   * Over how many ledgers the route's records are spread. It is part of where they are: to change it, say what it was, until
   * `ttl` + `guard` has passed. Default: `8`.
   */
  shards?: number | { count: number; previous: number };
  /**
   * What the route was called before, until `ttl` + `guard` has passed. Without it: it was not renamed.
   */
  renamed_from?: string;
  /**
   * Near which region its ledgers are made, if possible. Not together with `jurisdiction`. Without it: near who first asks
   * for them.
   */
  location_hint?: 'wnam' | 'enam' | 'sam' | 'weur' | 'eeur' | 'apac' | 'oc' | 'afr' | 'me';
  /**
   * Inside which jurisdiction its ledgers are. It must not be changed while records live. workerd on your machine has none.
   * Without it: anywhere.
   */
  jurisdiction?: 'eu' | 'fedramp';
  /**
   * How many records one ledger may have. With more, a new key gets 503. Default: `10000000`.
   */
  max_records?: number;
}

/** The variables and secrets of a gate. */
export interface Vars {
  /**
   * Where the API is, such as `https://backend.example.com`; a path in it is put in front of each request's own. Without it,
   * requests go on to the address that they came for, or to the Worker of the service binding `ORIGIN_SERVICE`.
   */
  ORIGIN?: string;
  /**
   * The routes, a table each. What does not fit into one variable (5 KB) goes into `ROUTES_1`, `ROUTES_2` and so on, up to
   * `ROUTES_99`. There must be one route at least.
   */
  ROUTES?: Route[] | string;
  [more: `ROUTES_${number}`]: Route[] | string;
  /**
   * Turns the operators' API on (docs/operations.md); who shows it as a bearer token is an operator.
   */
  ADMIN_TOKEN?: string;
  /**
   * The secret of those who send events to routes with `webhook`; two with a space between them while it is being changed.
   * There may be more such variables, each with a name that begins with `WEBHOOK_SECRET_`.
   */
  WEBHOOK_SECRET?: string;
  /**
   * What the bodies of routes with `seal = true` are encrypted with: 32 random bytes in base64, as `openssl rand -base64 32`
   * prints.
   */
  SEAL_KEY?: string;
  /**
   * Another such secret, which only opens what it has sealed, while the secret is being changed.
   */
  SEAL_KEY_PREVIOUS?: string;
}
