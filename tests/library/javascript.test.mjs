// A Worker in JavaScript that has the gate guard its own handler, by two service bindings: examples/inside-javascript.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey } from '../e2e/support/expect.mjs';
import { startWorkers } from './support/wrangler.mjs';

const worker = await startWorkers('inside-javascript/api/wrangler.toml', 'inside-javascript/gate/wrangler.toml');
after(() => worker.stop());

const pay = (key, json = PAYMENT) =>
  worker.send('POST', '/v1/payments', { key, json, headers: { authorization: 'Bearer alice' } });

const attempts = async () => (await worker.send('GET', '/')).json.attempts;

test('the first request reaches the handler, and its retries do not', async () => {
  const [key, before] = [freshKey(), await attempts()];
  const first = await pay(key);
  assertCreated(first);
  for (let retry = 0; retry < 3; retry += 1) assertReplayed(await pay(key), first);
  assert.equal(await attempts(), before + 1);
});

test('another payload under the same key is refused', async () => {
  const [key, before] = [freshKey(), await attempts()];
  assertCreated(await pay(key));
  assertProblem(await pay(key, { amount: 1 }), 422, 'mismatch');
  assert.equal(await attempts(), before + 1);
});

test('the outcome of a handler that throws is unknown, and it is not called again', async () => {
  const [key, before] = [freshKey(), await attempts()];
  assertProblem(await pay(key, { amount: 0 }), 502, 'unknown');
  assertProblem(await pay(key, { amount: 0 }), 502, 'unknown');
  assert.equal(await attempts(), before + 1);
});

test('a request without a key is refused by the gate', async () => {
  const before = await attempts();
  assertProblem(await pay(undefined), 400, 'missing');
  assert.equal(await attempts(), before);
});

test('what is on record outlives kill -9', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  await worker.kill9();
  await worker.restart();
  assertReplayed(await pay(key), first);
  assert.equal(await attempts(), 0);
});
