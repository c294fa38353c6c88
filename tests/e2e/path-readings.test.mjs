// A path that origins read in different ways is guarded by every reading, and a key in it is what it decodes to.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const origin = await handmadeOrigin((incoming, outgoing) => {
  outgoing.writeHead(201, { 'x-key': incoming.headers['idempotency-key'] ?? 'none' }).end(incoming.url);
});
const gate = await startGate({
  origin,
  routes: [
    route('payments', '/v1/payments'),
    route('order', '/v1/orders/{id}'),
    route('pay', '/v1/orders/{id}/pay'),
    route('files', '/files/{*rest}'),
    route('things', '/things/{id}', { key: ['path:id'] }),
    route('tenants', '/tenants/{tenant}/things', { scope: ['path:tenant'] }),
    route('special-off', '/off/special', { mode: 'off' }),
    route('off-wide', '/off/{*rest}'),
  ],
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

/** Sends a payment to this target as it is, under this key or none. */
function post(target, key, json = PAYMENT) {
  const lines = key === undefined ? [] : [`Idempotency-Key: ${key}`];
  return gate.sendRaw(rawRequest('POST', target, lines, JSON.stringify(json)));
}

const calls = (target) => origin.seen.filter(({ url }) => url === target).length;

for (const target of [
  '/v1/orders/a',
  '/v1/orders/a%2Fb',
  '/v1/orders/a%2fb',
  '/v1/orders/a%5Cb',
  '/v1/orders/a%2Fb%2Fc',
  '/v1/orders/%2F',
  '/v1/orders/a%2F..',
  '/v1/orders/a%252Fb',
  '/v1/orders/a;v=1',
  '/v1/orders/a/pay',
  '/v1/orders/a%2Fb/pay',
  '/v1/orders/a%5Cb/pay',
  '/v1/orders/a;v=1/pay',
  '/v1/orders/a/pay;v=1',
  '/v1/orders/a%2Fb;v=1/pay',
  '/v1/orders/a%2Fb/pay;v=1',
  '/v1/orders/a%2Fb/;v=1/pay',
  '/v1/payments;a=1',
  '/v1/payments;x%2Fy',
  '/v1;a%2Fb/payments',
  '/v1/payments;a=1%2f..%2fz',
  '/v1/payments%3Bx%2Fy',
  '/v1/payments/a%5Cb%2F..',
  '/v1/payments/..;%2F..',
  '/v1;a=1/payments',
  '/v1/payments;a=1;b=2/',
  '/v1/payments%3Ba=1',
]) {
  test(`POST ${target} is guarded: without a key it is refused`, async () => {
    assertProblem(await post(target), 400, 'missing');
    assert.equal(calls(target), 0);
    const key = freshKey();
    const first = await post(target, key);
    assertCreated(first);
    assertReplayed(await post(target, key), first);
    assert.equal(calls(target), 1);
  });
}

test('a path that leads to two routes, by how it is read, is refused and says so', async () => {
  const target = '/v1/orders/a%2Fpay'; // an order named "a/pay", or the payment of order "a"
  for (const key of [undefined, freshKey()]) {
    const { detail } = assertProblem(await post(target, key), 400, 'malformed');
    assert.match(detail, /path/i);
  }
  assert.equal(calls(target), 0);
});

test('an encoded slash and a slash are two resources: the same key is no retry', async () => {
  for (const [one, other] of [
    ['/files/a%2Fb', '/files/a/b'],
    ['/files/c/d', '/files/c%2Fd'],
    ['/files/e%5Cf', '/files/e/f'],
    ['/files/g;v=1', '/files/g'],
    ['/files/h%252Fi', '/files/h%2Fi'],
    ['/v1/orders/j%2Fk', '/v1/orders/j%5Ck'],
  ]) {
    const key = freshKey();
    assertCreated(await post(one, key));
    assertProblem(await post(other, key), 422, 'mismatch');
    assert.equal(calls(other), 0);
  }
});

test('the same resource in another spelling is a retry', async () => {
  const key = freshKey();
  const first = await post('/files/x%2Fy', key);
  assertCreated(first);
  for (const target of ['/files/x%2fy', '/%66iles/x%2Fy', '/files//x%2Fy', '/files/./x%2Fy/']) {
    assertReplayed(await post(target, key), first);
  }
});

test('a key in the path may have an encoded slash, and is another key than those that look like it', async () => {
  const targets = ['a', 'b', 'a%2Fb', 'a%5Cb', 'a%252Fb', 'a-b', 'a%2F%2Fb', 'a%20b'].map((id) => `/things/${id}`);
  const firsts = [];
  for (const target of targets) {
    const first = await post(target);
    assertCreated(first);
    assert.equal(first.text, target);
    firsts.push(first);
  }
  for (const [index, target] of targets.entries()) assertReplayed(await post(target), firsts[index]);
  assertReplayed(await post('/things/a%2fb'), firsts[2]);
  const keys = firsts.map((first) => first.header('x-key'));
  assert.equal(new Set(keys).size, targets.length, `the origin was told ${keys}`);
});

test('a scope in the path with an encoded slash is another scope', async () => {
  const key = freshKey();
  const targets = ['a', 'a%2Fb', 'a%5Cb', 'b'].map((tenant) => `/tenants/${tenant}/things`);
  for (const target of targets) assertCreated(await post(target, key));
  for (const target of targets) assert.equal((await post(target, key)).text, target);
});

test('a route that is off hides no wider one', async () => {
  assertProblem(await post('/off/special'), 400, 'missing');
  const key = freshKey();
  const first = await post('/off/special', key);
  assertCreated(first);
  assertReplayed(await post('/off/special', key), first);
  assert.equal(calls('/off/special'), 1);
});
