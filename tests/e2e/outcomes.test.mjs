// What becomes of a key depends on what is known about the origin: executed, not executed, or not known.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments'),
  route('impatient', '/v1/payment_intents', { timeout: '500ms' }),
]);

const pay = (key, headers = {}, path = '/v1/payments') => {
  return gate.post(path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};

for (const status of [401, 403, 407, 408, 421, 425, 429, 503, 521, 523, 525, 526, 530]) {
  test(`an origin that answers ${status} has not executed: the next retry does`, async () => {
    const key = freshKey();
    for (let time = 0; time < 2; time += 1) {
      const refused = await pay(key, { 'x-test-fail': String(status) });
      assert.equal(refused.status, status);
      assert.equal(refused.json.error.message, 'Told to fail.');
      assert.notEqual(refused.outcome, 'replayed');
    }
    const first = await pay(key);
    assertCreated(first);
    assertReplayed(await pay(key), first);
    assert.equal(await origin.executions(key), 1);
    assert.equal(await origin.calls(key), 3);
  });
}

test('a key whose request was refused may be used for another payload', async () => {
  const key = freshKey();
  await pay(key, { 'x-test-fail': '429' });
  assertCreated(await gate.post('/v1/payments', { key, json: { ...PAYMENT, amount: 5 } }));
});

/** Asserts that neither the first client nor its retries are told more than is known, and that none executes again. */
async function assertUnknown(headers, { path, executions }) {
  const key = freshKey();
  const first = await pay(key, headers, path);
  assert.equal(first.outcome, 'unknown', `${first.status} ${first.text}`);
  assert.ok([502, 504].includes(first.status), `status ${first.status}`);
  for (let time = 0; time < 2; time += 1) assertProblem(await pay(key, {}, path), [502, 504], 'unknown');
  assert.equal(await origin.calls(key), 1);
  assert.equal(await origin.executions(key), executions);
  return first;
}

for (const status of [502, 504, 520, 522, 524]) {
  test(`an origin behind something that answers ${status} may have executed: no retry does`, async () => {
    await assertUnknown({ 'x-test-status': String(status) }, { executions: 1 });
    await assertUnknown({ 'x-test-fail': String(status) }, { executions: 0 });
  });
}

for (const [what, hangUp, executions] of [
  ['before it executes', 'before', 0],
  ['after it executed', 'after', 1],
  ['in the middle of its answer', 'after-headers', 1],
]) {
  test(`an origin that hangs up ${what} leaves the outcome unknown`, async () => {
    const first = await assertUnknown({ 'x-test-hang-up': hangUp }, { executions });
    assertProblem(first, [502, 504], 'unknown');
  });
}

test('another payload is a mismatch also where the outcome is unknown', async () => {
  const key = freshKey();
  await pay(key, { 'x-test-hang-up': 'after' });
  assertProblem(await gate.post('/v1/payments', { key, json: { ...PAYMENT, amount: 5 } }), 422, 'mismatch');
});

test('an origin that takes longer than timeout leaves the outcome unknown', async () => {
  const key = freshKey();
  const begun = performance.now();
  const first = await pay(key, { 'x-test-hold': key }, '/v1/payment_intents');
  const passedMs = performance.now() - begun;
  assertProblem(first, [502, 504], 'unknown');
  assert.ok(passedMs >= 490 && passedMs < 5000, `it waited ${passedMs} ms of 500`);

  assertProblem(await pay(key, {}, '/v1/payment_intents'), [502, 504], 'unknown');
  await origin.go(key);
  assertProblem(await pay(key, {}, '/v1/payment_intents'), [502, 504], 'unknown');
  assert.equal(await origin.executions(key), 1);
});

test('an origin may say that it has not executed', async () => {
  const key = freshKey();
  const refused = await pay(key, { 'x-test-status': '409', 'x-test-reply': '{"oncegate-store": "no"}' });
  assert.equal(refused.status, 409);
  assert.equal(refused.header('oncegate-store'), null);
  assertCreated(await pay(key));
  assert.equal(await origin.calls(key), 2);
});

test('a route may say itself which statuses are stored, released and unknown', async (t) => {
  const own = await startGate({
    origin,
    routes: [route('orders', '/v1/orders', { store: [503], release: [409], unknown: [500] })],
  });
  t.after(() => own.stop());
  const [stored, released, unknown, other] = [freshKey(), freshKey(), freshKey(), freshKey()];
  const order = (key, status) => {
    return own.post('/v1/orders', {
      key,
      json: {},
      headers: { 'x-label': key, ...(status && { 'x-test-status': status }) },
    });
  };

  const first = await order(stored, '503');
  assertCreated(first, 503);
  assertReplayed(await order(stored), first);

  assert.equal((await order(released, '409')).status, 409);
  assertCreated(await order(released));

  assert.equal((await order(unknown, '500')).outcome, 'unknown');
  assertProblem(await order(unknown), [502, 504], 'unknown');

  // What a route does not list keeps its class.
  assert.equal((await order(other, '429')).status, 429);
  assertCreated(await order(other));

  assert.deepEqual(await Promise.all([stored, released, unknown, other].map((key) => origin.calls(key))), [1, 2, 1, 2]);
});
