// A ledger whose storage is full refuses new keys before the origin is called, and loses no answer that came too late for it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const FULL = 1; // of fewer pages than there are, SQLite makes as many as there are
const ROOM = 1_000_000;

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  routes: [
    route('payments', '/v1/payments', { shards: 1 }),
    route('intents', '/v1/payment_intents', { shards: 1, on_ledger_failure: 'pass' }),
  ],
});
after(async () => {
  await gates.stop();
  await origin.stop();
});

const pay = (key, headers = {}, path = '/v1/payments') => {
  return send(gates.url, 'POST', path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};

/** Uses up what room is left in a ledger, and gives the reply to the first request whose claim found none: for some there was that, but no more. */
async function fill(ledger, path) {
  await gates.tell(ledger, { pages: FULL });
  for (let times = 0; times < 500; times += 1) {
    const key = freshKey('filler');
    const reply = await pay(key, { 'x-test-body': 'empty' }, path);
    if (!['created', 'not-stored'].includes(reply.outcome)) return { key, reply };
  }
  throw new Error('500 keys fit into a full ledger');
}

test('storage that is full at the claim: 503 before the origin is called, and what is on record is replayed', async () => {
  const known = freshKey();
  const first = await pay(known);
  assertCreated(first);
  const { key, reply } = await fill('payments/1/0', '/v1/payments');
  assertProblem(reply, 503, 'unavailable');
  assert.ok(Number(reply.header('retry-after')) > 0);
  assert.equal(await origin.calls(key), 0);
  assertReplayed(await pay(known), first);

  await gates.tell('payments/1/0', { pages: ROOM });
  assertCreated(await pay(key));
  assert.equal(await origin.executions(key), 1);
});

test('storage that is full at the completion: the first caller gets the answer, and nobody executes it again', async () => {
  const key = freshKey();
  assertCreated(await pay(freshKey()));
  await gates.tell('payments/1/0', { pages: ROOM });
  const held = pay(key, { 'x-test-hold': key, 'x-test-body': 'binary:300000' });
  await origin.arrived(key);
  await gates.tell('payments/1/0', { pages: FULL });
  await origin.go(key);

  const first = await held;
  assert.equal(first.status, 201);
  assert.equal(first.outcome, 'not-stored');
  assert.equal(first.body.length, 300_000);
  assertProblem(await pay(key), [502, 504], 'unknown');

  await gates.tell('payments/1/0', { pages: ROOM });
  assertProblem(await pay(key), [502, 504], 'unknown');
  assert.equal(await origin.calls(key), 1);
  assert.match(gates.log, /"oncegate":"outcome lost"/);
});

test('storage that is full on a route that passes: the request goes on unguarded, and says so', async () => {
  assertCreated(await pay(freshKey(), {}, '/v1/payment_intents'));
  const { key, reply } = await fill('intents/1/0', '/v1/payment_intents');
  assert.equal(reply.outcome, 'unguarded');
  assert.equal(await origin.calls(key), 1);
});
