// What is recorded outlives the process that recorded it, however that ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { breakLedgers } from './support/ledgers.mjs';
import { until } from './support/until.mjs';

const LEASE_MS = 1_000 + 10_000; // the route's timeout, and what the lease adds to it
const { gate, origin } = await serve([
  route('payments', '/v1/payments'),
  route('intents', '/v1/payment_intents', { timeout: '1s' }),
]);

const pay = (key, headers) => gate.post('/v1/payments', { key, json: PAYMENT, headers });

test('a payment is replayed after an orderly restart', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  await gate.child.stop('SIGINT');
  await gate.restart();
  assertReplayed(await pay(key), first);
  assert.equal(await origin.executions(key), 1);
});

test('what a client was answered is replayed to the byte after kill -9', async () => {
  const requests = ['json', 'gzip', 'repeated', '204', 'binary:3000000'].map((kind) => ({
    key: freshKey(),
    headers: { 'x-test-body': kind },
  }));
  const firsts = await Promise.all(requests.map(({ key, headers }) => pay(key, headers)));
  await gate.kill9();
  for (const first of firsts) assert.equal(first.outcome, 'created');
  assert.ok(firsts.at(-1).body.equals(binary(3_000_000)));

  await gate.restart();
  for (const [index, { key, headers }] of requests.entries()) {
    assertReplayed(await pay(key, headers), firsts[index]);
    assert.equal(await origin.executions(key), 1);
  }
});

test('kill -9 before the claim records nothing: the retry executes', async () => {
  const key = freshKey();
  const body = JSON.stringify(PAYMENT);
  const cut = gate.open('POST', '/v1/payments', { key, headers: { 'content-length': body.length } });
  cut.request.write(body.slice(0, 5));
  assertCreated(await pay(freshKey())); // by then the first one has come in too, and waits for its body
  await gate.kill9();
  await assert.rejects(cut.response);

  await gate.restart();
  assertCreated(await pay(key));
  assert.equal(await origin.executions(key), 1);
});

test('kill -9 under load loses no answer that a client has, and pays nothing twice', async () => {
  const keys = Array.from({ length: 60 }, () => freshKey());
  const answers = new Map();
  const sent = keys.map((key, index) => {
    return pay(key, { 'x-test-delay': `${index * 10}ms` }).then(
      (reply) => answers.set(key, reply),
      () => {},
    );
  });
  await until('some are answered', () => answers.size >= 10);
  await gate.kill9();
  await Promise.all(sent);
  assert.ok(answers.size < keys.length, 'all were answered before the end came');

  await gate.restart();
  for (const key of keys) {
    const retry = await pay(key);
    if (answers.has(key)) assertReplayed(retry, answers.get(key));
    else assert.ok(['replayed', 'in-progress', 'created'].includes(retry.outcome), retry.outcome);
    assert.equal(await origin.executions(key), 1);
  }
});

test('a ledger that cannot be read is not an empty ledger', async () => {
  const key = freshKey();
  assertCreated(await pay(key));
  await gate.child.stop('SIGINT');
  const mend = await breakLedgers(gate);

  await gate.restart();
  const refused = await pay(key, { 'x-label': key });
  assertProblem(refused, 503, 'unavailable');
  assert.match(refused.header('retry-after') ?? '', /^[1-9]\d*$/);
  assert.equal(await origin.calls(key), 0);

  await gate.child.stop('SIGINT');
  await mend();
  await gate.restart();
  assert.equal((await pay(key)).outcome, 'replayed');
  assert.equal(await origin.executions(key), 1);
});

test('kill -9 during the origin call never lets the retry execute again', async () => {
  const key = freshKey();
  const send = (headers) => gate.post('/v1/payment_intents', { key, json: PAYMENT, headers });
  const begun = performance.now();
  const first = send({ 'x-label': key, 'x-test-hold': key });
  first.catch(() => {});
  await origin.arrived(key);
  await gate.kill9();
  await assert.rejects(first);
  await gate.restart();

  const whileLeased = await send();
  assertProblem(whileLeased, 409, 'in-progress');
  assert.match(whileLeased.header('retry-after') ?? '', /^[1-9]\d*$/);

  const afterwards = await until(
    'the lease is over',
    async () => {
      const retry = await send();
      return retry.status !== 409 && retry;
    },
    { seconds: 20, everyMs: 100 },
  );
  const passedMs = performance.now() - begun;
  assertProblem(afterwards, [502, 504], 'unknown');
  assert.ok(passedMs >= LEASE_MS, `the lease of ${LEASE_MS} ms ended after ${passedMs} ms`);

  await origin.go(key);
  assertProblem(await send(), [502, 504], 'unknown');
  assert.equal(await origin.executions(key), 1);
});
