// When the records cannot be read, a route refuses, or passes requests on unguarded if it says so.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { breakLedgers } from './support/ledgers.mjs';

const { gate, origin } = await serve([
  route('refuses', '/v1/payments', { shards: 1 }),
  route('passes', '/v1/payment_intents', { shards: 1, on_ledger_failure: 'pass' }),
]);

test('what cannot be guarded is refused, or passed on and marked', async () => {
  const key = freshKey();
  const pay = (path, headers) => gate.post(path, { key, json: PAYMENT, headers: { 'x-label': path, ...headers } });
  const refusing = await pay('/v1/payments');
  const passing = await pay('/v1/payment_intents');
  assertCreated(refusing);
  assertCreated(passing);
  await gate.child.stop('SIGINT');
  const mend = await breakLedgers(gate);
  await gate.restart();

  assertProblem(await pay('/v1/payments'), 503, 'unavailable');
  assert.equal(await origin.calls('/v1/payments'), 1);

  const unguarded = await pay('/v1/payment_intents', { 'oncegate-fence': 'forged', 'x-test-body': 'gzip', 'accept-encoding': 'gzip' });
  assert.equal(unguarded.status, 201);
  assert.equal(unguarded.outcome, 'unguarded');
  assert.equal(unguarded.header('content-encoding'), 'gzip');
  assert.equal(await origin.calls('/v1/payment_intents'), 2);
  const [, sent] = await origin.requests('x-label', '/v1/payment_intents');
  const names = sent.headers.map(([name]) => name.toLowerCase());
  assert.ok(names.includes('idempotency-key'));
  assert.ok(!names.some((name) => name.startsWith('oncegate-')), names.join());
  assert.match(gate.log, /"oncegate":"passed unguarded"/);
  assert.ok(!gate.log.includes(key), 'the key is in the log');

  const failing = await pay('/v1/payment_intents', { 'x-test-hang-up': 'before' });
  assertProblem(failing, 502, 'unknown');

  await gate.child.stop('SIGINT');
  await mend();
  await gate.restart();
  assertReplayed(await pay('/v1/payments'), refusing);
  assertReplayed(await pay('/v1/payment_intents'), passing);
});
