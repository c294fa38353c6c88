// How many new keys one caller may use, and how many records a ledger may have.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { rawRequest } from './support/http.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const KEYS = 5;
const { gate, origin } = await serve([
  route('limited', '/v1/payments', {
    scope: ['header:Authorization'],
    keys_per_scope: { keys: KEYS, window: '1h' },
  }),
  route('brief', '/v1/payment_intents', { keys_per_scope: { keys: 1, window: '1s' } }),
  route('small', '/v1/orders', { shards: 1, max_records: 3 }),
  route('passing', '/echo', { shards: 1, max_records: 1, on_ledger_failure: 'pass' }),
]);

const pay = (key, who, headers = {}, path = '/v1/payments') => {
  return gate.post(path, {
    key,
    json: PAYMENT,
    headers: { 'x-label': key, ...(who && { authorization: `Bearer ${who}` }), ...headers },
  });
};

test('a caller gets so many new keys and no more, on all shards together, and its retries are replayed all the same', async () => {
  const keys = Array.from({ length: KEYS }, () => freshKey());
  const firsts = await Promise.all(keys.map((key) => pay(key, 'alice')));
  for (const first of firsts) assertCreated(first);

  const one = freshKey();
  const refused = await pay(one, 'alice');
  assertProblem(refused, 429, 'limited');
  const seconds = Number(refused.header('retry-after'));
  assert.ok(seconds > 3000 && seconds <= 3601, `${seconds} s`);
  assert.equal(await origin.calls(one), 0);

  for (const [index, key] of keys.entries()) assertReplayed(await pay(key, 'alice'), firsts[index]);
  assertCreated(await pay(one, 'bob'));
});

test('the limit outlives the process that counts', async () => {
  for (const key of Array.from({ length: KEYS }, () => freshKey())) assertCreated(await pay(key, 'carol'));
  await gate.kill9();
  await gate.restart();
  assertProblem(await pay(freshKey(), 'carol'), 429, 'limited');
});

test('a key that the origin refused is not counted again', async () => {
  const key = freshKey();
  for (let times = 0; times < KEYS + 2; times += 1) {
    assert.equal((await pay(key, 'dave', { 'x-test-fail': '503' })).outcome, 'released');
  }
  assertCreated(await pay(key, 'dave'));
  assertCreated(await pay(freshKey(), 'dave'));
});

test('the next window brings new keys', async () => {
  assertCreated(await pay(freshKey(), null, {}, '/v1/payment_intents'));
  const key = freshKey();
  assertProblem(await pay(key, null, {}, '/v1/payment_intents'), 429, 'limited');
  await until('the window is over', async () => {
    return (await pay(key, null, {}, '/v1/payment_intents')).outcome === 'created';
  });
});

test('a ledger with as many records as it may have takes no new key, says so, and answers for those it has', async () => {
  const keys = [freshKey(), freshKey(), freshKey()];
  const firsts = [];
  for (const key of keys) firsts.push(await pay(key, null, {}, '/v1/orders'));
  for (const first of firsts) assertCreated(first);
  for (let times = 0; times < 2; times += 1) {
    const key = freshKey();
    const refused = await pay(key, null, {}, '/v1/orders');
    assert.match(assertProblem(refused, 503, 'unavailable').detail, /new key/);
    assert.ok(Number(refused.header('retry-after')) > 0);
    assert.equal(await origin.calls(key), 0);
    for (const [index, known] of keys.entries()) {
      assertReplayed(await pay(known, null, {}, '/v1/orders'), firsts[index]);
    }
    assert.match(gate.log, /"oncegate":"the ledger is full"/);
    // And so it is when the records are counted anew.
    await gate.child.stop('SIGINT');
    await gate.restart();
  }
});

test('a full ledger of a route that passes lets new keys through unguarded', async () => {
  assertCreated(await pay(freshKey(), null, {}, '/echo'), 200);
  assert.equal((await pay(freshKey(), null, {}, '/echo')).outcome, 'unguarded');
});

for (const [what, lines] of [
  ['more headers than 256', Array.from({ length: 300 }, (_, index) => `x-${index}: 1`)],
  ['more than 64 KiB of headers', [1, 2, 3].map((number) => `x-${number}: ${'a'.repeat(25_000)}`)],
]) {
  test(`a guarded request with ${what} is refused`, async () => {
    const key = freshKey();
    const head = ['authorization: Bearer erin', `idempotency-key: ${key}`, 'content-type: application/json', ...lines];
    const refused = await gate.sendRaw(rawRequest('POST', '/v1/payments', head, JSON.stringify(PAYMENT)));
    assert.match(assertProblem(refused, 431, 'too-large').detail, /256 of 65536 bytes/);
    assert.equal(await origin.executions(key), 0);
  });
}
