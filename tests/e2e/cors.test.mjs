// A route with `cors`: scripts of the sites that it names can read what the gate answers in the API's place, and what it adds. The client is a
// hand-made one that sends `Origin`; tests/console has a browser.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const [SHOP, ADMIN, OTHER] = ['https://shop.example', 'http://localhost:3000', 'https://other.example'];
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  // As frameworks do it: who asks is allowed by name.
  const allowed = { 'access-control-allow-origin': incoming.headers.origin ?? '*', 'access-control-expose-headers': 'x-own' };
  if (incoming.method === 'OPTIONS') return outgoing.writeHead(204, { ...allowed, 'access-control-allow-headers': 'idempotency-key' }).end();
  return outgoing.writeHead(201, { ...allowed, vary: 'accept', 'x-own': 'a', 'content-type': 'text/plain' }).end('done');
});
const gate = await startGate({
  origin,
  routes: [route('payments', '/v1/payments', { cors: [SHOP, ADMIN] }), route('closed', '/v1/orders')],
});
after(async () => {
  await gate.stop();
  await origin.stop();
});
const pay = (key, site, path = '/v1/payments', json = PAYMENT) => {
  return gate.post(path, { key, json, headers: site ? { origin: site } : {} });
};
/** The names in a header that is a list, in lower case. */
const list = (reply, name) => (reply.header(name) ?? '').split(',').map((part) => part.trim().toLowerCase()).filter(Boolean);

test('a site that is named can read the first answer, its replay, and the marks of both', async () => {
  const key = freshKey();
  const first = await pay(key, SHOP);
  assertCreated(first);
  const replay = await pay(key, SHOP);
  assertReplayed(replay, first);
  for (const reply of [first, replay]) {
    assert.equal(reply.header('access-control-allow-origin'), SHOP);
    for (const name of ['idempotency-status', 'idempotency-replayed', 'retry-after', 'x-own']) {
      assert.ok(list(reply, 'access-control-expose-headers').includes(name), name);
    }
    assert.ok(list(reply, 'vary').includes('origin') && list(reply, 'vary').includes('accept'));
  }
});

test('a replay names the site that asks for it, and not the one that asked first', async () => {
  const key = freshKey();
  await pay(key, SHOP);
  const replay = await pay(key, ADMIN);
  assert.equal(replay.outcome, 'replayed');
  assert.equal(replay.header('access-control-allow-origin'), ADMIN);
  const elsewhere = await pay(key, OTHER);
  assert.notEqual(elsewhere.header('access-control-allow-origin'), OTHER);
  assert.ok(list(elsewhere, 'vary').includes('origin'));
});

test('problems are for sites that are named, also with credentials, and for no other', async () => {
  const key = freshKey();
  await pay(key, SHOP);
  const problems = [
    [() => pay(undefined, SHOP), 400, 'missing'],
    [() => pay('"', SHOP), 400, 'malformed'],
    [() => pay(key, SHOP, '/v1/payments', { other: 1 }), 422, 'mismatch'],
  ];
  for (const [ask, status, outcome] of problems) {
    const reply = await ask();
    assertProblem(reply, status, outcome);
    assert.deepEqual([reply.header('access-control-allow-origin'), reply.header('access-control-allow-credentials')], [SHOP, 'true']);
    assert.ok(list(reply, 'access-control-expose-headers').includes('idempotency-status'));
  }
  for (const site of [OTHER, 'null', 'https://shop.example.evil.example', undefined]) {
    const reply = await pay(undefined, site);
    assert.equal(reply.header('access-control-allow-origin'), null, site);
    assert.ok(list(reply, 'vary').includes('origin'));
  }
});

test('preflights pass through to the API', async () => {
  const headers = { origin: OTHER, 'access-control-request-method': 'POST', 'access-control-request-headers': 'idempotency-key' };
  const reply = await gate.send('OPTIONS', '/v1/payments', { headers });
  assert.deepEqual([reply.status, reply.header('access-control-allow-origin')], [204, OTHER]);
  assert.equal(reply.header('access-control-allow-headers'), 'idempotency-key');
});

test('a route that names no site adds nothing', async () => {
  const reply = await pay(undefined, SHOP, '/v1/orders');
  assertProblem(reply, 400, 'missing');
  for (const name of ['access-control-allow-origin', 'access-control-expose-headers', 'vary']) assert.equal(reply.header(name), null);
});
