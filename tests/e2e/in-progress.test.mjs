// While the first request runs, no other one with its key does.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments'),
  route('intents', '/v1/payment_intents', { on_duplicate: 'wait', wait: '10s' }),
  route('orders', '/v1/orders', { on_duplicate: 'wait', wait: '400ms' }),
]);

/** A request that the origin has received and holds until `origin.go(key)`; its reply is promised by `reply`. */
async function running(path, key, headers = { 'x-test-hold': key }) {
  const reply = gate.post(path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
  await origin.arrived(key);
  return { reply };
}

test('a duplicate gets 409 and Retry-After while the first runs, and the replay afterwards', async () => {
  const key = freshKey();
  const first = await running('/v1/payments', key);

  const early = await gate.post('/v1/payments', { key, json: PAYMENT });
  assertProblem(early, 409, 'in-progress');
  assert.match(early.header('retry-after') ?? '', /^[1-9]\d*$/);

  await origin.go(key);
  assertCreated(await first.reply);
  assertReplayed(await gate.post('/v1/payments', { key, json: PAYMENT }), await first.reply);
  assert.equal(await origin.executions(key), 1);
});

test('another payload is told 422 while the first runs, not 409', async () => {
  const key = freshKey();
  const first = await running('/v1/payments', key);
  assertProblem(await gate.post('/v1/payments', { key, json: { ...PAYMENT, amount: 1 } }), 422, 'mismatch');
  await origin.go(key);
  assertCreated(await first.reply);
  assert.equal(await origin.executions(key), 1);
});

test('another payload is told 422 at once where duplicates wait', async () => {
  const key = freshKey();
  const first = await running('/v1/payment_intents', key);
  assertProblem(await gate.post('/v1/payment_intents', { key, json: { ...PAYMENT, amount: 1 } }), 422, 'mismatch');
  await origin.go(key);
  assertCreated(await first.reply);
});

test('another key is not held up by a request that runs', async () => {
  const [slow, quick] = [freshKey(), freshKey()];
  const first = await running('/v1/payments', slow);
  assertCreated(await gate.post('/v1/payments', { key: quick, json: PAYMENT }));
  await origin.go(slow);
  assertCreated(await first.reply);
});

test('duplicates that wait all get the replay when the first is done', async () => {
  const key = freshKey();
  const first = await running('/v1/payment_intents', key);
  const waiting = Array.from({ length: 60 }, () => gate.post('/v1/payment_intents', { key, json: PAYMENT }));

  // Nobody may be answered before the first is done; that nothing happens can only be seen by looking for a while.
  const early = await Promise.race([...waiting, sleep(500, 'nobody')]);
  assert.equal(early, 'nobody');

  await origin.go(key);
  assertCreated(await first.reply);
  for (const reply of await Promise.all(waiting)) assertReplayed(reply, await first.reply);
  assert.equal(await origin.executions(key), 1);
});

test('of more duplicates than may wait for one key, those above the limit get 409 at once', async () => {
  const key = freshKey();
  const first = await running('/v1/payment_intents', key);
  const sent = Array.from({ length: 105 }, () => gate.post('/v1/payment_intents', { key, json: PAYMENT }));
  let refused = 0;
  for (const duplicate of sent) duplicate.then(({ status }) => (refused += status === 409 ? 1 : 0));
  await until('five are refused', () => refused === 5);
  await origin.go(key);
  await first.reply;
  const replies = await Promise.all(sent);
  for (const reply of replies.filter(({ status }) => status === 409)) assertProblem(reply, 409, 'in-progress');
  assert.equal(replies.filter(({ outcome }) => outcome === 'replayed').length, 100);
});

test('a duplicate that has waited long enough gets 409', async () => {
  const key = freshKey();
  const first = await running('/v1/orders', key);
  const begun = performance.now();
  const late = await gate.post('/v1/orders', { key, json: PAYMENT });
  const waitedMs = performance.now() - begun;
  assertProblem(late, 409, 'in-progress');
  assert.match(late.header('retry-after') ?? '', /^[1-9]\d*$/);
  assert.ok(waitedMs >= 390 && waitedMs < 3000, `it waited ${waitedMs} ms of 400`);
  await origin.go(key);
  assertCreated(await first.reply);
});

test('a retry executes when the origin refused the first one', async () => {
  const key = freshKey();
  const first = await running('/v1/payments', key, { 'x-test-hold-before': key, 'x-test-fail': '503' });
  assertProblem(await gate.post('/v1/payments', { key, json: PAYMENT }), 409, 'in-progress');
  await origin.go(key);
  assert.equal((await first.reply).status, 503);
  assertCreated(await gate.post('/v1/payments', { key, json: PAYMENT }));
  assert.equal(await origin.executions(key), 1);
});

test('of those that wait one executes when the origin refused the first, and the others get its replay', async () => {
  const key = freshKey();
  const first = await running('/v1/payment_intents', key, { 'x-test-hold-before': key, 'x-test-fail': '503' });
  const waiting = Array.from({ length: 3 }, () => gate.post('/v1/payment_intents', { key, json: PAYMENT }));
  assert.equal(await Promise.race([...waiting, sleep(300, 'nobody')]), 'nobody');

  await origin.go(key);
  assert.equal((await first.reply).status, 503);
  const replies = await Promise.all(waiting);
  const created = replies.filter((reply) => reply.outcome === 'created');
  assert.equal(created.length, 1, replies.map((reply) => `${reply.status} ${reply.outcome}`).join(', '));
  assertCreated(created[0]);
  for (const reply of replies.filter((each) => each !== created[0])) assertReplayed(reply, created[0]);
  assert.equal(await origin.executions(key), 1);
});

test('a client that goes away does not undo its payment', async () => {
  const key = freshKey();
  const gone = new AbortController();
  const options = { key, json: PAYMENT, headers: { 'x-label': key, 'x-test-hold': key }, signal: gone.signal };
  const first = gate.post('/v1/payment_intents', options);
  await origin.arrived(key);
  gone.abort();
  await assert.rejects(first);

  const retry = gate.post('/v1/payment_intents', { key, json: PAYMENT });
  await origin.go(key);
  assert.equal((await retry).outcome, 'replayed');
  assert.equal((await retry).status, 201);
  assert.equal(await origin.executions(key), 1);
});
