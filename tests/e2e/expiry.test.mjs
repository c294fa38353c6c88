// A record is kept for ttl + guard, and then its key is as good as new.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments', { ttl: '1s', guard: '500ms' }),
  route('orders', '/v1/orders', { ttl: '24h', guard: '500ms' }),
  route('intents', '/v1/payment_intents', { ttl: '24h' }),
]);

/** Retries until the origin executes anew. Every reply before that has to be the replay. */
async function assertReplayedForAndThenNew(keptMs, path, headers = {}) {
  const key = freshKey();
  const send = () => gate.post(path, { key, json: PAYMENT, headers });
  const begun = performance.now();
  const first = await send();
  assertCreated(first);
  let replays = 0;
  const anew = await until(
    'the key can be used anew',
    async () => {
      const retry = await send();
      if (retry.outcome === 'created') return retry;
      assertReplayed(retry, first);
      replays += 1;
      return undefined;
    },
    { seconds: 12, everyMs: 50 },
  );
  const passedMs = performance.now() - begun;

  assert.ok(replays > 0, 'it was never replayed');
  assert.ok(passedMs >= keptMs, `it executed anew after ${passedMs} ms of ${keptMs}`);
  assertCreated(anew);
  assert.notEqual(anew.json.id, first.json.id);
  assertReplayed(await send(), anew);
  assert.equal(await origin.executions(key), 2);
}

// The tests run side by side, as all they do is wait.
test('expiry', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('a key is replayed for ttl + guard and then executes anew', () => {
      return assertReplayedForAndThenNew(1500, '/v1/payments');
    }),
    t.test('an origin can shorten how long its answer is kept', () => {
      return assertReplayedForAndThenNew(1500, '/v1/orders', { 'x-test-reply': '{"oncegate-ttl": "1s"}' });
    }),
    t.test('an origin can lengthen how long its answer is kept', () => {
      return assertReplayedForAndThenNew(3500, '/v1/payments', { 'x-test-reply': '{"oncegate-ttl": "3s"}' });
    }),
    t.test('a payload that was a mismatch is welcome when the key is new', async () => {
      const key = freshKey();
      const send = (amount) => gate.post('/v1/payments', { key, json: { ...PAYMENT, amount } });
      assertCreated(await send(1));
      assert.equal((await send(2)).outcome, 'mismatch');
      const anew = await until('the key can be used anew', async () => {
        const retry = await send(2);
        return retry.outcome !== 'mismatch' && retry;
      });
      assertCreated(anew);
      assert.equal(anew.json.amount, 2);
    }),
    t.test('a key of a long ttl is still there when others have expired', async () => {
      const key = freshKey();
      const send = () => gate.post('/v1/payment_intents', { key, json: PAYMENT });
      const first = await send();
      await assertReplayedForAndThenNew(1500, '/v1/payments');
      assertReplayed(await send(), first);
    }),
  ]);
});
