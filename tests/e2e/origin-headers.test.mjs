// What the origin is told about a request, and what it is not.

import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const TIMEOUT_MS = 20_000;
/** The status and headers of the answer to a key, for tests that want another than the usual. */
const replies = new Map();
const bodies = new Map();
const origin = await handmadeOrigin(async (incoming, outgoing) => {
  bodies.set(incoming.headers['x-label'], await buffer(incoming));
  const [status, headers] = replies.get(incoming.headers['x-label']) ?? [201, {}];
  outgoing.writeHead(status, headers).end('{}');
});
const gate = await startGate({
  origin,
  routes: [
    route('payments', '/v1/payments', { timeout: '20s' }),
    route('json', '/json', { key: ['json:/reference'] }),
    route('combined', '/combined', { key: ['header:X-A', 'header:X-B'] }),
  ],
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

const pay = (key, headers = {}) =>
  gate.post('/v1/payments', { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
const seen = (label) => origin.seen.filter(({ headers }) => headers['x-label'] === label);

/** The key that an Idempotency-Key header stands for, quoted or bare. */
const plain = (value) => value?.replace(/^"(.*)"$/, '$1');

test('the origin gets the key, the attempt, a fence and a deadline', async () => {
  const key = freshKey();
  const before = Date.now();
  await pay(key);
  const [{ headers }] = seen(key);
  assert.equal(plain(headers['idempotency-key']), key);
  assert.equal(headers['oncegate-attempt'], '1');
  assert.match(headers['oncegate-fence'], /^[0-9a-f]{32}$/);
  const deadline = instantOf(headers['oncegate-deadline']);
  assert.ok(deadline > before, `the deadline ${headers['oncegate-deadline']} is over`);
  assert.ok(
    deadline <= Date.now() + TIMEOUT_MS + 10_000,
    `the deadline ${headers['oncegate-deadline']} is after the lease`,
  );
});

/** Milliseconds since 1970 of a deadline, written as such a number or as a date. */
function instantOf(value) {
  return /^\d+$/.test(value) ? Number(value) : Date.parse(value);
}

test('every attempt has a fence of its own', async () => {
  const [one, other, released] = [freshKey(), freshKey(), freshKey()];
  replies.set(released, [503, {}]);
  await pay(one);
  await pay(other);
  await pay(released);
  await pay(released);
  const fences = [one, other, released].flatMap(seen).map(({ headers }) => headers['oncegate-fence']);
  assert.equal(fences.length, 4);
  assert.equal(new Set(fences).size, 4);
});

test('a key from the body reaches the origin too', async () => {
  const key = freshKey();
  await gate.post('/json', { json: { reference: key }, headers: { 'x-label': key } });
  assert.equal(plain(seen(key)[0].headers['idempotency-key']), key);
});

test('a combined key reaches the origin as one that is no other', async () => {
  const [one, other] = [freshKey(), freshKey()];
  await gate.post('/combined', { json: {}, headers: { 'x-a': 'ab', 'x-b': 'c', 'x-label': one } });
  await gate.post('/combined', { json: {}, headers: { 'x-a': 'a', 'x-b': 'bc', 'x-label': other } });
  const [first, second] = [one, other].map((label) => seen(label)[0].headers['idempotency-key']);
  assert.ok(first);
  assert.ok(second);
  assert.notEqual(first, second);
});

test('what a client says in the name of the gate does not reach the origin', async () => {
  const key = freshKey();
  await pay(key, {
    'Oncegate-Attempt': '99',
    'Oncegate-Fence': '0'.repeat(32),
    'Oncegate-Deadline': '1',
    'Oncegate-Store': 'no',
    'Oncegate-Anything': 'forged',
    // What some origins read like the ones with hyphens.
    Oncegate_Fence: 'forged',
    Idempotency_Key: 'forged',
    idempotency_status: 'created',
  });
  const [{ headers }] = seen(key);
  assert.equal(headers['oncegate-attempt'], '1');
  assert.notEqual(headers['oncegate-fence'], '0'.repeat(32));
  assert.notEqual(headers['oncegate-deadline'], '1');
  assert.equal(headers['oncegate-store'], undefined);
  assert.equal(headers['oncegate-anything'], undefined);
  assert.deepEqual(Object.keys(headers).filter((name) => name.includes('_')), []);
});

test('an Idempotency-Key that is not the key of the route does not reach the origin', async () => {
  const key = freshKey();
  await gate.post('/json', { key: 'forged', json: { reference: key }, headers: { 'x-label': key } });
  assert.equal(plain(seen(key)[0].headers['idempotency-key']), key);
});

test('the other headers, the body and the query reach the origin as they are', async () => {
  const key = freshKey();
  const headers = {
    'x-label': key,
    authorization: 'Bearer t',
    'content-type': 'application/json; charset=utf-8',
    'x-own': 'a,  b',
  };
  await gate.post('/v1/payments?a=%20&b', { key, json: PAYMENT, headers });
  const [request] = seen(key);
  assert.equal(request.url, '/v1/payments?a=%20&b');
  for (const [name, value] of Object.entries(headers)) assert.equal(request.headers[name], value);
  assert.deepEqual(JSON.parse(bodies.get(key)), PAYMENT);
});

test('a compressed or binary body reaches the origin byte for byte', async () => {
  for (const [body, headers] of [
    [gzipSync(JSON.stringify(PAYMENT)), { 'content-encoding': 'gzip' }],
    [binary(100_000), { 'content-type': 'application/octet-stream' }],
    [Buffer.alloc(0), {}],
  ]) {
    const key = freshKey();
    const reply = await gate.post('/v1/payments', { key, body, headers: { 'x-label': key, ...headers } });
    assert.equal(reply.outcome, 'created');
    assert.ok(bodies.get(key).equals(body));
    assert.equal(seen(key)[0].headers['content-encoding'], headers['content-encoding']);
    assert.equal(Number(seen(key)[0].headers['content-length']), body.length);
  }
});

test('the headers of one connection do not go to the next', async () => {
  const key = freshKey();
  const lines = [
    `Idempotency-Key: ${key}`,
    `X-Label: ${key}`,
    'Connection: close, X-Hop',
    'X-Hop: 1',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic c2VjcmV0',
  ];
  const reply = await gate.sendRaw(rawRequest('POST', '/v1/payments', lines, '{}'));
  assert.equal(reply.outcome, 'created');
  const [{ headers }] = seen(key);
  for (const name of ['x-hop', 'keep-alive', 'te', 'proxy-connection', 'proxy-authorization']) {
    assert.equal(headers[name], undefined, name);
  }
});

test("the headers of the origin's connection are neither passed on nor stored", async () => {
  const key = freshKey();
  replies.set(key, [
    201,
    { connection: 'keep-alive, x-hop', 'x-hop': '1', 'keep-alive': 'timeout=99', 'proxy-authenticate': 'Basic' },
  ]);
  const first = await pay(key);
  const retry = await pay(key);
  assertReplayed(retry, first);
  for (const reply of [first, retry]) {
    for (const name of ['x-hop', 'keep-alive', 'proxy-authenticate']) assert.equal(reply.header(name), null, name);
  }
});

test('what the origin says to the gate is not passed on', async () => {
  const key = freshKey();
  replies.set(key, [201, { 'oncegate-ttl': '1h', 'x-own': 'kept' }]);
  const first = await pay(key);
  assert.equal(first.header('oncegate-ttl'), null);
  assert.equal(first.header('x-own'), 'kept');
  const retry = await pay(key);
  assertReplayed(retry, first);
  assert.equal(retry.header('oncegate-ttl'), null);
});

test('an origin cannot pass for the gate', async () => {
  const key = freshKey();
  replies.set(key, [201, { 'idempotency-status': 'replayed', 'idempotency-replayed': 'true' }]);
  const first = await pay(key);
  assert.deepEqual(first.all('idempotency-status'), ['created']);
  assert.deepEqual(first.all('idempotency-replayed'), []);
  const retry = await pay(key);
  assert.deepEqual(retry.all('idempotency-status'), ['replayed']);
  assert.deepEqual(retry.all('idempotency-replayed'), ['true']);
});
