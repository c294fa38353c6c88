// A record is seen only by those who share its scope.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments', { scope: ['header:Authorization'] }),
  route('tenants', '/tenants/{tenant}/echo', { scope: ['path:tenant'] }),
  route('pairs', '/pairs', { scope: ['header:X-Org', 'header:X-User'] }),
  route('public', '/v1/orders', { scope: 'public' }),
  route('sessions', '/v1/payment_intents', { scope: ['cookie:session'] }),
]);

const as = (tenant) => ({ authorization: `Bearer ${tenant}` });

test('two tenants with one key make two payments, and each gets its own back', async () => {
  const key = freshKey();
  const pay = (tenant) => gate.post('/v1/payments', { key, json: PAYMENT, headers: as(tenant) });
  const [ann, ben] = [await pay('ann'), await pay('ben')];
  assertCreated(ann);
  assertCreated(ben);
  assert.notEqual(ann.json.id, ben.json.id);
  assertReplayed(await pay('ann'), ann);
  assertReplayed(await pay('ben'), ben);
  assert.equal(await origin.executions(key), 2);
});

test('a tenant learns nothing of another one by sending its key with another payload', async () => {
  const key = freshKey();
  const pay = (tenant, amount) => gate.post('/v1/payments', { key, json: { ...PAYMENT, amount }, headers: as(tenant) });
  assertCreated(await pay('ann', 1));
  assertCreated(await pay('eve', 2));
  assertProblem(await pay('ann', 2), 422, 'mismatch');
});

test('a tenant learns nothing of a payment of another one that is running', async () => {
  const key = freshKey();
  const headers = { ...as('ann'), 'x-label': key, 'x-test-hold': key };
  const running = gate.post('/v1/payments', { key, json: PAYMENT, headers });
  await origin.arrived(key);
  assertCreated(await gate.post('/v1/payments', { key, json: PAYMENT, headers: as('eve') }));
  await origin.go(key);
  assertCreated(await running);
});

test('a request without what its scope is read from is refused', async () => {
  const key = freshKey();
  const problem = assertProblem(await gate.post('/v1/payments', { key, json: PAYMENT }), 400, 'unscoped');
  assert.match(problem.detail, /Authorization/i);
  assert.equal(await origin.executions(key), 0);
});

test('a session is a scope, whatever other cookies come with it', async () => {
  const key = freshKey();
  const pay = (cookie) => gate.post('/v1/payment_intents', { key, json: PAYMENT, headers: { ...(cookie && { cookie }) } });
  const first = await pay('session=ann; theme=dark');
  assertCreated(first);
  assertReplayed(await pay('theme=light; session=ann'), first);
  assertCreated(await pay('session=ben'));
  assertProblem(await pay('theme=dark'), 400, 'unscoped');
  assertProblem(await pay('session=ann; session=ben'), 400, 'unscoped');
  assertProblem(await pay(undefined), 400, 'unscoped');
  assert.equal(await origin.executions(key), 2);
});

test('an empty scope is no scope', async () => {
  const key = freshKey();
  assertProblem(
    await gate.post('/v1/payments', { key, json: PAYMENT, headers: { authorization: '' } }),
    400,
    'unscoped',
  );
  assert.equal(await origin.executions(key), 0);
});

test('a scope may be in the path', async () => {
  const key = freshKey();
  const send = (tenant) => gate.post(`/tenants/${tenant}/echo`, { key, json: {} });
  const ann = await send('ann');
  assert.equal(ann.outcome, 'created');
  assert.equal((await send('ben')).outcome, 'created');
  assertReplayed(await send('ann'), ann);
});

test('the parts of a scope cannot be mistaken for one another, nor for the key', async () => {
  const send = (org, user, key) => gate.post('/pairs', { key, json: {}, headers: { 'x-org': org, 'x-user': user } });
  for (const parts of [
    ['ab', 'c', 'd'],
    ['a', 'bc', 'd'],
    ['a', 'b', 'cd'],
    ['abc', 'd', 'e'],
    ['d', 'ab', 'c'],
  ]) {
    assert.equal((await send(...parts)).outcome, 'created', parts.join(' '));
  }
  assertProblem(await gate.post('/pairs', { key: freshKey(), json: {}, headers: { 'x-org': 'a' } }), 400, 'unscoped');
});

test('everybody shares the keys of a public route', async () => {
  const key = freshKey();
  const order = (tenant) => gate.post('/v1/orders', { key, json: {}, headers: as(tenant) });
  const ann = await order('ann');
  assertCreated(ann);
  assertReplayed(await order('ben'), ann);
  assert.equal(await origin.executions(key), 1);
});

test('two routes do not share keys', async () => {
  const key = freshKey();
  assertCreated(await gate.post('/v1/orders', { key, json: {} }));
  assertCreated(await gate.post('/v1/payments', { key, json: PAYMENT, headers: as('ann') }));
});
