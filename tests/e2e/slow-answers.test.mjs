// `timeout` is for an answer that has to be kept: one that is too large to keep may take as long as it takes.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const TIMEOUT_MS = 1000;
const LARGE = binary(1_000_000);
const SMALL = binary(10_000);

/** Answers 201 with these bytes, in equal parts over `ms`. */
async function answer(outgoing, bytes, ms, parts = 20) {
  outgoing.writeHead(201);
  const size = Math.ceil(bytes.length / parts);
  for (let at = 0; at < bytes.length; at += size) {
    outgoing.write(bytes.subarray(at, at + size));
    await sleep(ms / parts);
  }
  outgoing.end();
}

const answers = {
  large: (outgoing) => answer(outgoing, LARGE, 3 * TIMEOUT_MS),
  prompt: (outgoing) => answer(outgoing, SMALL, TIMEOUT_MS / 4, 5),
  stalled: (outgoing) => outgoing.writeHead(201, { 'content-length': SMALL.length }).write(SMALL.subarray(1)),
  headers: (outgoing) => outgoing.writeHead(201, { 'content-length': SMALL.length }).flushHeaders(),
  trickling: (outgoing) => answer(outgoing, SMALL, 3 * TIMEOUT_MS),
};
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  answers[incoming.headers['x-answer']](outgoing);
});
const gate = await startGate({
  origin,
  routes: [route('slow', '/slow', { timeout: `${TIMEOUT_MS}ms`, max_response: '64KiB' })],
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

const post = (key, answerKind) => gate.post('/slow', { key, json: {}, headers: { 'x-answer': answerKind } });

test('an answer over max_response that takes longer than timeout reaches the first client whole', async () => {
  const key = freshKey();
  const calls = origin.seen.length;
  const first = await post(key, 'large');
  assertCreated(first);
  assert.ok(first.body.equals(LARGE), `${first.body.length} other bytes than the origin's ${LARGE.length}`);
  for (let retry = 0; retry < 2; retry += 1) {
    assert.equal(assertProblem(await post(key, 'large'), 409, 'not-stored').original_status, 201);
  }
  assert.equal(origin.seen.length, calls + 1);
});

test('an answer that comes in parts, within timeout, is kept', async () => {
  const key = freshKey();
  const first = await post(key, 'prompt');
  assertCreated(first);
  assert.ok(first.body.equals(SMALL));
  assertReplayed(await post(key, 'prompt'), first);
});

for (const [what, kind] of [
  ['stops in the middle', 'stalled'],
  ['stops after its headers', 'headers'],
  ['has not ended', 'trickling'],
]) {
  test(`an answer to be kept that ${what} at timeout leaves the outcome unknown`, async () => {
    const key = freshKey();
    const calls = origin.seen.length;
    const begun = performance.now();
    const first = await post(key, kind);
    const passedMs = performance.now() - begun;
    assertProblem(first, 504, 'unknown');
    assert.ok(passedMs >= TIMEOUT_MS - 10 && passedMs < TIMEOUT_MS + 4000, `it waited ${passedMs} ms`);
    assertProblem(await post(key, kind), [502, 504], 'unknown');
    assert.equal(origin.seen.length, calls + 1);
  });
}
