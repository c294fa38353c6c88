// The number of a route's shards, and its name, are part of where its records lie. They can be changed while records live.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { startOrigin } from './support/origin.mjs';

const payments = (fields) => [route('payments', '/v1/payments', fields)];

/** Runs a test with a gate and an origin of its own. */
async function withGate(routes, run) {
  const origin = await startOrigin();
  const gate = await startGate({ origin, routes });
  const pay = (key, headers) => gate.post('/v1/payments', { key, json: PAYMENT, headers });
  try {
    await run({ gate, origin, pay });
  } finally {
    await gate.stop();
    await origin.stop();
  }
}

/** Keys in every state that lasts, before the change; and what is to be seen of them after it. */
async function settleKeys({ origin, pay }) {
  const done = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const key = freshKey();
      const first = await pay(key);
      assertCreated(first);
      return { key, first };
    }),
  );
  const doubtful = freshKey();
  assertProblem(await pay(doubtful, { 'x-test-hang-up': 'after' }), [502, 504], 'unknown');
  const released = freshKey();
  assert.equal((await pay(released, { 'x-test-fail': '503' })).status, 503);

  return async () => {
    for (const { key, first } of done) {
      assertReplayed(await pay(key), first);
      assert.equal(await origin.executions(key), 1);
    }
    assertProblem(await pay(doubtful), [502, 504], 'unknown');
    assert.equal(await origin.executions(doubtful), 1);
    const first = await pay(released);
    assertCreated(first);
    assertReplayed(await pay(released), first);
    assert.equal(await origin.executions(released), 1);
  };
}

test('more shards: no key is forgotten, and new keys are kept in the new layout', async () => {
  await withGate(payments({ shards: 1 }), async ({ gate, origin, pay }) => {
    const check = await settleKeys({ origin, pay });
    await gate.redeploy(payments({ shards: { count: 4, previous: 1 } }));
    await check();

    const fresh = freshKey();
    const first = await pay(fresh);
    assertCreated(first);
    assertReplayed(await pay(fresh), first);
    const storm = freshKey();
    const replies = await Promise.all(Array.from({ length: 20 }, () => pay(storm, { 'x-test-delay': '200ms' })));
    assert.equal(replies.filter((reply) => reply.outcome === 'created').length, 1);
    assert.equal(await origin.executions(storm), 1);

    // When all of the old layout has expired, it need not be named any more.
    await gate.redeploy(payments({ shards: 4 }));
    assertReplayed(await pay(fresh), first);
  });
});

test('a Worker of the deployment before executes no key that has been given to the new layout', async () => {
  await withGate(payments({ shards: { count: 4, previous: 1 } }), async ({ gate, origin, pay }) => {
    const key = freshKey();
    assertCreated(await pay(key));
    await gate.redeploy(payments({ shards: 1 }));
    const refused = await pay(key);
    assertProblem(refused, 503, 'unavailable');
    assert.equal(await origin.executions(key), 1);
    assert.match(gate.log, /layout that is not configured/);
  });
});

test('a move whose target is changed while it is under way executes nothing twice', async () => {
  await withGate(payments({ shards: { count: 4, previous: 1 } }), async ({ gate, origin, pay }) => {
    const key = freshKey();
    const first = await pay(key);
    assertCreated(first);
    await gate.redeploy(payments({ shards: { count: 8, previous: 1 } }));
    assertProblem(await pay(key), 503, 'unavailable');
    await gate.redeploy(payments({ shards: { count: 4, previous: 1 } }));
    assertReplayed(await pay(key), first);
    assert.equal(await origin.executions(key), 1);
  });
});

test('another name: no key is forgotten', async () => {
  await withGate(payments({}), async ({ gate, origin, pay }) => {
    const check = await settleKeys({ origin, pay });
    await gate.redeploy([route('charges', '/v1/payments', { renamed_from: 'payments' })]);
    await check();
  });
});
