// A large answer is replayed piece by piece from storage. When it expires meanwhile, the replay breaks off: the client is not
// left waiting, and nothing of another answer comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const SIZE = 30_000_000;
// A lease of 12 s: the generation of the record is dropped about 24 s after it was opened.
const { gate } = await serve([
  route('payments', '/v1/payments', { ttl: '12s', guard: '0s', timeout: '2s', shards: 1, max_response: '32MiB' }),
]);

test('a replay whose record goes breaks off', async () => {
  const key = freshKey();
  const headers = { 'x-test-body': `binary:${SIZE}` };
  const first = await gate.post('/v1/payments', { key, json: PAYMENT, headers });
  assertCreated(first);
  assertReplayed(await gate.post('/v1/payments', { key, json: PAYMENT, headers }), first);

  const { response } = gate.open('POST', '/v1/payments', { key, json: PAYMENT, headers });
  const stalled = await response;
  stalled.pause();
  assert.equal(stalled.headers['idempotency-status'], 'replayed');
  assert.equal(Number(stalled.headers['content-length']), SIZE);
  await until('the generation is dropped', () => gate.log.includes('"oncegate":"swept"'), { seconds: 60 });

  const got = [];
  const begun = performance.now();
  const over = new Promise((resolve) => {
    stalled.on('error', resolve).on('end', resolve);
  });
  stalled.on('data', (piece) => got.push(piece)).resume();
  await over;
  const bytes = Buffer.concat(got);
  assert.ok(bytes.length < SIZE, 'all of it was on the way already: the test shows nothing');
  assert.ok(bytes.equals(binary(SIZE).subarray(0, bytes.length)), 'other bytes came');
  assert.ok(!stalled.complete, 'the reply claims to be whole');
  assert.ok(performance.now() - begun < 10_000, 'it was left hanging');
});
