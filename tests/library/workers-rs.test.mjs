// A Worker made with the crate `worker`, with the gate in front of its own handler: examples/inside-workers-rs, built by worker-build.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey } from '../e2e/support/expect.mjs';
import { until } from '../e2e/support/until.mjs';
import { startWorkers } from './support/wrangler.mjs';

const worker = await startWorkers('inside-workers-rs/wrangler.toml');
after(() => worker.stop());

const ALICE = { authorization: 'Bearer alice' };
const pay = (key, json = PAYMENT) => worker.send('POST', '/v1/payments', { key, json, headers: ALICE });
const file = (key, body, headers) => worker.send('POST', '/v1/documents', { key, body, headers: { ...ALICE, ...headers } });
const misbehave = (key, how, body = 'a document') => file(key, body, { 'x-test': how });

/** How often the handler was called with a key. */
async function executions(key) {
  return (await worker.send('GET', '/_test/executions')).json[key] ?? 0;
}

test('the first request reaches the handler, and its retries do not', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  assert.equal(first.json.amount, PAYMENT.amount);
  for (let retry = 0; retry < 3; retry += 1) assertReplayed(await pay(key), first);
  assert.equal(await executions(key), 1);
});

test('another payload under the same key is refused, and another tenant has keys of its own', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  assertProblem(await pay(key, { amount: 1 }), 422, 'mismatch');
  assert.equal(await executions(key), 1);
  const bob = await worker.send('POST', '/v1/payments', { key, json: PAYMENT, headers: { authorization: 'Bearer bob' } });
  assertCreated(bob);
  assert.notEqual(bob.json.id, first.json.id);
});

test('a request without a key is refused on a keyed route, and passes to the handler elsewhere', async () => {
  assertProblem(await worker.send('POST', '/v1/payments', { json: PAYMENT, headers: ALICE }), 400, 'missing');
  const elsewhere = await worker.send('POST', '/elsewhere', { key: freshKey(), json: PAYMENT });
  assert.equal(elsewhere.status, 404);
  assert.equal(elsewhere.text, 'Not found');
  assert.equal(elsewhere.outcome, null);
});

test('concurrent requests with one key are executed once', async () => {
  const key = freshKey();
  const replies = await Promise.all(Array.from({ length: 8 }, () => pay(key)));
  assert.equal(replies.filter(({ outcome }) => outcome === 'created').length, 1);
  for (const { outcome } of replies) assert.ok(['created', 'replayed', 'in-progress'].includes(outcome), outcome);
  assert.equal(await executions(key), 1);
});

for (const [what, how] of [
  ['a binary body', ''],
  ['a streamed body', 'stream'],
]) {
  test(`${what} is replayed byte for byte`, async () => {
    const [key, body] = [freshKey(), binary(300_000)];
    const first = await misbehave(key, how, body);
    assertCreated(first, 200);
    assert.ok(first.body.equals(body), `${first.body.length} other bytes`);
    assertReplayed(await misbehave(key, how, body), first);
    assert.equal(await executions(key), 1);
  });
}

test('an answer that the platform is to compress is whole, first and replayed', async () => {
  const key = freshKey();
  const text = 'compressible '.repeat(1000);
  const plain = (reply) => (reply.header('content-encoding') === 'gzip' ? gunzipSync(reply.body) : reply.body).toString();
  const ask = () => file(key, text, { 'x-test': 'encode', 'accept-encoding': 'gzip' });
  const first = await ask();
  assertCreated(first, 200);
  assert.equal(plain(first), text);
  assertReplayed(await ask(), first);
});

for (const how of ['fail', 'slow', 'endless body', 'broken body']) {
  test(`the outcome of a handler is unknown that is told: ${how}; it is not called again`, async () => {
    const key = freshKey();
    assertProblem(await misbehave(key, how), [502, 504], 'unknown');
    assertProblem(await misbehave(key, how), [502, 504], 'unknown');
    assert.equal(await executions(key), 1);
  });
}

test('a handler that refuses frees the key', async () => {
  const key = freshKey();
  const refused = await misbehave(key, 'refuse');
  assert.equal(refused.status, 503);
  assert.equal(refused.outcome, 'released');
  assertCreated(await file(key, 'a document'), 200);
  assert.equal(await executions(key), 2);
});

test('a client that hangs up while the handler works leaves its answer on record', async () => {
  const key = freshKey();
  const { request, response } = worker.open('POST', '/v1/documents', {
    key,
    body: 'a document',
    headers: { ...ALICE, 'x-test': 'take a while' },
  });
  await until('the handler is at work', async () => (await executions(key)) === 1);
  request.destroy();
  await assert.rejects(response);
  const retry = await until('the answer is on record', async () => {
    const reply = await misbehave(key, 'take a while');
    return reply.outcome !== 'in-progress' && reply;
  });
  assert.equal(retry.outcome, 'replayed', retry.text);
  assert.equal(retry.text, 'a document');
  assert.equal(await executions(key), 1);
});

test('what is on record outlives kill -9', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  await worker.kill9();
  await worker.restart();
  assertReplayed(await pay(key), first);
  assert.equal(await executions(key), 0); // none by the Worker that was started anew
});

test('a handler that panics leaves its outcome unknown when its lease ends, and the Worker goes on', async () => {
  const [before, key] = [freshKey(), freshKey()];
  const first = await pay(before);
  assertCreated(first);
  const panicked = await misbehave(key, 'panic').catch(() => undefined);
  assert.ok(panicked === undefined || panicked.status >= 500, panicked?.text);

  assertReplayed(await pay(before), first);
  assertCreated(await pay(freshKey()));
  const afterwards = await until('the lease is over', async () => {
    const retry = await misbehave(key, 'panic');
    return retry.outcome !== 'in-progress' && retry;
  }, { seconds: 60, everyMs: 200 });
  assertProblem(afterwards, [502, 504], 'unknown');
  assert.equal(await executions(key), 0); // none since the Wasm was started anew
});
