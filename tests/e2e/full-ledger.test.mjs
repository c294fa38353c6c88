// What counts as a new key, and what a ledger that is full, or a caller that has used up its keys, still costs.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const origin = await startOrigin();
after(() => origin.stop());

async function start(fields) {
  const gates = await startWorkerd({ origin, routes: [route('payments', '/v1/payments', { shards: 1, ...fields })] });
  after(() => gates.stop());
  return {
    pay: (key, headers = {}) => send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT, headers }),
    rows: async () => (await gates.tell('payments/1/0', { query: 'SELECT count(*) AS rows FROM g1' }))[0].rows,
  };
}

test('a key that is claimed again is one record', async () => {
  const { pay, rows } = await start({ max_records: 3 });
  const key = freshKey();
  for (let times = 0; times < 5; times += 1) {
    assert.equal((await pay(key, { 'x-test-fail': '401' })).outcome, 'released');
  }
  assert.equal(await rows(), 1);
  assertCreated(await pay(freshKey()));
});

test('a released key is not a new one, also where the ledger is full', async () => {
  const { pay } = await start({ max_records: 2 });
  const key = freshKey();
  assert.equal((await pay(key, { 'x-test-fail': '503' })).outcome, 'released');
  assertCreated(await pay(freshKey()));
  assertProblem(await pay(freshKey()), 503, 'unavailable');
  assertCreated(await pay(key));
});

test('a full ledger does not grow by what it refuses, whoever asks', async () => {
  const { pay, rows } = await start({
    scope: ['header:Authorization'],
    keys_per_scope: { keys: 5, window: '1h' },
    max_records: 4,
  });
  for (const who of ['a', 'b']) assertCreated(await pay(freshKey(), { authorization: who }));
  for (let times = 0; times < 20; times += 1) {
    assertProblem(await pay(freshKey(), { authorization: `c${times}` }), 503, 'unavailable');
  }
  assert.equal(await rows(), 4, 'two records, and what two callers have used');
});

test('a caller that has used all its keys writes nothing more, also while a route moves', async () => {
  const { pay, rows } = await start({
    shards: { count: 2, previous: 1 },
    keys_per_scope: { keys: 1, window: '1h' },
  });
  assertCreated(await pay(freshKey()));
  for (let times = 0; times < 20; times += 1) assertProblem(await pay(freshKey()), 429, 'limited');
  assert.equal(await rows(), 1);
});

test('a full route can still move to more shards', async () => {
  const { pay } = await start({ shards: { count: 2, previous: 1 }, max_records: 2 });
  const replies = [];
  for (let times = 0; times < 4; times += 1) replies.push(await pay(freshKey()));
  assert.ok(replies.filter(({ outcome }) => outcome === 'created').length >= 3, replies.map(({ outcome }) => outcome).join());
});

test('concurrent duplicates of a new key are counted as one', async () => {
  const { pay } = await start({ keys_per_scope: { keys: 2, window: '1h' }, on_duplicate: 'wait' });
  const key = freshKey();
  await Promise.all(Array.from({ length: 5 }, () => pay(key)));
  assertCreated(await pay(freshKey()));
});
