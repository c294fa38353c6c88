// A client may name headers of its own connection in Connection, but not those that say who it is and what it sends.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { assertCreated, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  outgoing.writeHead(201).end('{}');
});
const gate = await startGate({
  origin,
  routes: [
    route('payments', '/v1/payments', { scope: ['header:Authorization'] }),
    route('accounts', '/v1/accounts', { scope: ['header:X-Account'] }),
    route('sessions', '/v1/sessions', { scope: ['header:Cookie'] }),
    route('requests', '/v1/requests', { key: ['header:X-Request-Id'], scope: ['header:X-Account'] }),
  ],
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

const HEADERS = {
  authorization: 'Bearer ann',
  'x-account': '17',
  cookie: 'session=ann',
  'content-type': 'application/json',
  'x-forwarded-for': '192.0.2.1',
  'cf-connecting-ip': '192.0.2.1',
};

/** Sends a request with all of `HEADERS`, and this Connection. Gives its reply and what the origin got. */
async function post(path, key, connection) {
  const headers = { ...HEADERS, 'idempotency-key': key, 'x-request-id': key, 'x-label': key, connection };
  headers['x-custom-hop'] = 'hop';
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const reply = await gate.sendRaw(rawRequest('POST', path, lines, '{}'));
  return { reply, seen: origin.seen.filter((request) => request.headers['x-label'] === key) };
}

for (const [path, scope] of [
  ['/v1/payments', 'Authorization'],
  ['/v1/accounts', 'X-Account'],
  ['/v1/sessions', 'Cookie'],
]) {
  test(`the origin gets ${scope}, by which the request was scoped, though Connection names it`, async () => {
    for (const name of [scope, scope.toLowerCase(), scope.toUpperCase()]) {
      const { reply, seen } = await post(path, freshKey(), `close, ${name}`);
      assertCreated(reply);
      assert.equal(seen[0].headers[scope.toLowerCase()], HEADERS[scope.toLowerCase()]);
    }
  });
}

test('the origin gets what says who sends, and what, though Connection names it all', async () => {
  const { reply, seen } = await post('/v1/accounts', freshKey(), `close, ${Object.keys(HEADERS).join(', ')}`);
  assertCreated(reply);
  for (const [name, value] of Object.entries(HEADERS)) assert.equal(seen[0].headers[name], value, name);
});

test('the origin gets the key, though Connection names it', async () => {
  for (const [path, header] of [
    ['/v1/accounts', 'idempotency-key'],
    ['/v1/requests', 'x-request-id'],
  ]) {
    const key = freshKey();
    const { reply, seen } = await post(path, key, `close, ${header}`);
    assertCreated(reply);
    assert.equal(seen[0].headers[header], key);
    assert.equal(seen[0].headers['idempotency-key'], key);
  }
});

test('the origin gets what the gate tells it, though Connection names it', async () => {
  const { reply, seen } = await post('/v1/accounts', freshKey(), 'close, oncegate-attempt, oncegate-fence');
  assertCreated(reply);
  assert.equal(seen[0].headers['oncegate-attempt'], '1');
  assert.match(seen[0].headers['oncegate-fence'], /^[0-9a-f]{32}$/);
});

test('any other header that Connection names goes no further', async () => {
  for (const connection of ['close, X-Custom-Hop', 'x-custom-hop, close, Authorization']) {
    const { reply, seen } = await post('/v1/accounts', freshKey(), connection);
    assertCreated(reply);
    assert.equal(seen[0].headers['x-custom-hop'], undefined);
  }
});

test('what Connection names makes no other request of a retry', async () => {
  const key = freshKey();
  const { reply: first } = await post('/v1/payments', key, 'close');
  assertCreated(first);
  const { reply: retry, seen } = await post('/v1/payments', key, 'close, Authorization, Content-Type');
  assertReplayed(retry, first);
  assert.equal(seen.length, 1);
});
