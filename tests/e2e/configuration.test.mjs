// A configuration that cannot be meant is refused, in words that say what to write instead.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, freshKey, route } from './support/expect.mjs';
import { dev, startGate, temporaryFolder } from './support/gate.mjs';
import { startOrigin } from './support/origin.mjs';
import { routesToml } from './support/toml.mjs';
import { until } from './support/until.mjs';

const folder = await temporaryFolder();
const origin = await startOrigin();
after(async () => {
  await origin.stop();
  folder.forget();
});

/** Runs dev with this routes file until it refuses it, and gives what it says. */
async function refusal(toml) {
  const file = join(folder.path, `${freshKey('routes')}.toml`);
  await writeFile(file, toml);
  const child = dev('--port', '0', '--origin', origin.url, '--routes', file, '--state', join(folder.path, 'state'));
  const ready = () => /oncegate ready on/.test(child.output);
  await until('dev has ended or begun', () => child.end ?? ready(), { seconds: 120 });
  const accepted = ready();
  await child.stop('SIGINT');
  assert.ok(!accepted, `it accepted:\n${toml}`);
  assert.notEqual(child.end.code, 0);
  assert.doesNotMatch(child.output, /panicked/);
  return child.output;
}

const good = route('payments', '/v1/payments');
const without = (field) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== field));

for (const [what, fields, ...wordings] of [
  ['an unknown field', { ttll: '24h' }, 'ttll', /\bttl\b/],
  ['an empty name', { name: '' }, 'name'],
  ['a path without its slash', { path: 'v1/payments' }, 'path', 'v1/payments', /\//],
  ['a path that is no pattern', { path: '/v1/{' }, 'path', '/v1/{'],
  ['a path with a query', { path: '/v1/payments?a=1' }, 'path', '/v1/payments?a=1'],
  ['a parameter with an ending', { path: '/f/{id}.json' }, 'path', '/f/{id}.json', /whole segment/],
  ['a parameter with a beginning', { path: '/f/v{id}' }, 'path', '/f/v{id}', /whole segment/],
  ['a parameter in two pairs of braces', { path: '/p/{{id}}' }, 'path', '/p/{{id}}'],
  ["a path of the gate's own", { path: '/_oncegate/x' }, 'path', '/_oncegate/x', /own/],
  ['no methods', { methods: [] }, 'methods'],
  ['a method that is none', { methods: ['PO ST'] }, 'methods', 'PO ST'],
  ['no keys', { key: [] }, 'key', /header:/],
  ['a key of an unknown kind', { key: ['cookie:id'] }, 'key', 'cookie:id', /header:.*json:.*query:.*path:/s],
  ['a key without a name', { key: ['header:'] }, 'key', 'header:'],
  ['a header that is none', { key: ['header:a b'] }, 'key', 'header:a b'],
  ['a JSON pointer without its slash', { key: ['json:amount'] }, 'key', 'json:amount', /\//],
  ['a key in a parameter that the path has not', { key: ['path:id'] }, 'key', 'path:id', /\{id\}|parameter/],
  ['an unknown key syntax', { key_syntax: 'loose' }, 'key_syntax', 'loose', /strict/, /lenient/],
  ['an unknown key format', { key_format: 'uuid7' }, 'key_format', 'uuid7', /any/, /ulid/],
  ['a text for a truth value', { required: 'yes' }, 'required', 'yes', /true|boolean/],
  ['an empty scope', { scope: [] }, 'scope', /public/],
  ['a scope of an unknown kind', { scope: ['body:id'] }, 'scope', 'body:id', /header:/],
  ['public among other scopes', { scope: ['public', 'header:Authorization'] }, 'scope', 'public'],
  ['a claim without its issuer', { scope: ['jwt:sub'] }, 'jwt', /jwks/, /issuer/],
  [
    'an issuer without a claim',
    { jwt: { jwks: 'https://issuer.example/jwks.json', issuer: 'https://issuer.example' } },
    'jwt',
    'https://issuer.example',
    /jwt:sub/,
  ],
  [
    'keys that come without TLS',
    { scope: ['jwt:sub'], jwt: { jwks: 'http://issuer.example/jwks.json', issuer: 'a' } },
    'jwt.jwks',
    'http://issuer.example/jwks.json',
    /https/,
  ],
  ['an unknown fingerprint', { fingerprint: 'sha1' }, 'fingerprint', 'sha1', /raw/, /json/, /none/],
  ['a fingerprint of bad pointers', { fingerprint: { include: ['amount'] } }, 'fingerprint', 'amount', /\//],
  ['a fingerprint of unknown members', { fingerprint: { only: ['/a'] } }, 'fingerprint', 'only', /include/, /exclude/],
  ['a duration that is none', { ttl: 'a day' }, 'ttl', 'a day', /24h|1h|duration/],
  ['a duration that is a number', { ttl: 86400 }, 'ttl', '86400', /24h|1h|"|duration/],
  ['a negative duration', { guard: '-1h' }, 'guard', '-1h'],
  ['a ttl of nothing', { ttl: '0s' }, 'ttl', '0s'],
  ['a timeout of nothing', { timeout: '0ms' }, 'timeout', '0ms'],
  ['a ttl beyond all measure', { ttl: '99999999999999h' }, 'ttl', '99999999999999h'],
  ['an unknown on_duplicate', { on_duplicate: 'queue' }, 'on_duplicate', 'queue', /conflict/, /wait/],
  ['a wait that is none', { on_duplicate: 'wait', wait: 'long' }, 'wait', 'long'],
  ['an unknown on_unknown', { on_unknown: 'ignore' }, 'on_unknown', 'ignore', /hold/, /retry/],
  ['an unknown on_ledger_failure', { on_ledger_failure: 'open' }, 'on_ledger_failure', 'open', /refuse/],
  ['an unknown reply', { reply: 'late' }, 'reply', 'late', /stored/, /early/],
  ['an unknown mode', { mode: 'dry' }, 'mode', 'dry', /enforce/, /observe/, /off/],
  ['no shards', { shards: 0 }, 'shards', '0', /1/],
  ['a negative number of shards', { shards: -3 }, 'shards', '-3'],
  ['a text for a number', { shards: 'eight' }, 'shards', 'eight'],
  ['an unknown place', { location_hint: 'moon' }, 'location_hint', 'moon', /weur/],
  ['an unknown jurisdiction', { jurisdiction: 'mars' }, 'jurisdiction', 'mars', /eu/],
  ['a place and a jurisdiction', { location_hint: 'weur', jurisdiction: 'eu' }, 'location_hint', 'jurisdiction'],
  ['a size that is none', { max_request: 'lots' }, 'max_request', 'lots', /KiB|MiB/],
  ['a negative size', { max_response: '-1MiB' }, 'max_response', '-1MiB'],
  ['a text for whether to seal', { seal: 'yes' }, 'seal', 'yes', /true|boolean/],
  ['a route that seals without a key', { seal: true }, 'seal', /SEAL_KEY/, /openssl rand -base64 32/],
  ['a text for a list', { keep_headers: 'set-cookie' }, 'keep_headers', 'set-cookie', /list|array|sequence|\[/],
]) {
  test(`${what} is refused, naming the field, the value and what is allowed`, async () => {
    const said = await refusal(routesToml([{ ...good, ...fields }]));
    for (const wording of wordings) {
      if (typeof wording === 'string') assert.ok(said.includes(wording), `${wording} is not in:\n${said}`);
      else assert.match(said, wording);
    }
  });
}

for (const field of ['name', 'path', 'scope']) {
  test(`a route without its ${field} is refused`, async () => {
    const said = await refusal(routesToml([without(field)]));
    assert.match(said, new RegExp(`\\b${field}\\b`));
    if (field === 'scope') assert.match(said, /public/);
  });
}

test('two routes of one name are refused', async () => {
  const said = await refusal(routesToml([good, { ...good, path: '/v1/orders' }]));
  assert.match(said, /name/);
  assert.match(said, /payments/);
});

test('a route that can never match, as another one has its path, is refused by name', async () => {
  const said = await refusal(routesToml([good, { ...good, name: 'shadowed' }]));
  assert.match(said, /shadowed/);
  assert.match(said, /\/v1\/payments/);
});

test('the error of one route among several says which', async () => {
  const said = await refusal(routesToml([good, { ...good, name: 'broken-one', path: '/v1/orders', mode: 'dry' }]));
  assert.match(said, /broken-one|ROUTES\[1\]/);
});

test('the route of the documentation, with every field, is accepted', async () => {
  const gate = await startGate({
    origin,
    routes: `
      [[ROUTES]]
      name = "payments"
      path = "/v1/payments"
      methods = ["POST"]
      key = ["header:Idempotency-Key"]
      key_syntax = "lenient"
      key_format = "any"
      required = true
      scope = ["header:Authorization"]
      fingerprint = "raw"
      ttl = "24h"
      guard = "15m"
      timeout = "25s"
      on_duplicate = "conflict"
      wait = "10s"
      on_unknown = "hold"
      on_ledger_failure = "refuse"
      reply = "stored"
      mode = "enforce"
      shards = 8
      location_hint = "weur"
      max_request = "1MiB"
      max_response = "4MiB"
      max_records = 10000000
      keys_per_scope = { keys = 100, window = "1m" }
      keep_headers = []
      seal = true`,
    vars: { SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
  });
  const reply = await gate.post('/v1/payments', { key: 'k', json: PAYMENT, headers: { authorization: 'Bearer t' } });
  await gate.stop();
  assertCreated(reply);
});

test("one method more makes a path another route's", async () => {
  const routes = [
    { ...good, methods: ['POST'] },
    { ...good, name: 'changes', methods: ['PATCH'], required: false },
  ];
  const gate = await startGate({ origin, routes });
  const [post, patch] = [
    await gate.post('/v1/payments', { json: {} }),
    await gate.send('PATCH', '/v1/payments', { json: {} }),
  ];
  await gate.stop();
  assert.equal(post.outcome, 'missing');
  assert.equal(patch.outcome, null);
});
