// A ledger's rows are in slots, whose numbers are what ids begin with (protocol/src/slot.rs). That two ids begin alike does not come by
// chance here, so what is in a record's way is put there by hand.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const LEDGER = 'payments/1/0';
const SLOTS = 8; // that a record may be in

const origin = await startOrigin();
// Two gates, of which the second tells what a key's slot is before the first has seen the key.
const start = () => startWorkerd({ origin, routes: [route('payments', '/v1/payments', { shards: 1 })], adminToken: TOKEN });
const [gates, oracle] = await Promise.all([start(), start()]);
after(async () => {
  await Promise.all([gates.stop(), oracle.stop()]);
  await origin.stop();
});
const operator = operatorOf({ send: (...request) => send(gates.url, ...request) });

const pay = (key, headers = {}) => {
  return send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};
const rows = (query, asked = gates) => asked.tell(LEDGER, { query: `SELECT slot, hex(id) AS id FROM g1 ${query}` });

/** A key that only the oracle has seen, and its slot. */
async function keyAndSlot() {
  const key = freshKey();
  const ask = () => send(oracle.url, 'POST', '/v1/payments', { key, json: PAYMENT });
  // The second time there is a table, of which this is then the only row.
  await ask();
  await oracle.tell(LEDGER, { sql: 'DELETE FROM g1' });
  assertCreated(await ask());
  const [{ slot }, ...others] = await rows('', oracle);
  assert.deepEqual(others, []);
  return { key, slot };
}

/** Puts rows of other ids into so many slots, from this one on. */
async function occupy(slot, count) {
  assertCreated(await pay(freshKey()));
  const values = Array.from({ length: count }, (_, index) => `(${slot + index}, randomblob(32), x'01')`);
  await gates.tell(LEDGER, { sql: `INSERT INTO g1 (slot, id, record) VALUES ${values}` });
}

const free = (slot) => gates.tell(LEDGER, { sql: `DELETE FROM g1 WHERE slot = ${slot}` });

test('a record whose slot another one has is in the next that is free, and is found there', async () => {
  const { key, slot } = await keyAndSlot();
  await occupy(slot, 3);
  const first = await pay(key);
  assertCreated(first);
  const [{ id }] = await rows(`WHERE slot = ${slot + 3}`);
  assertReplayed(await pay(key), first);
  assertProblem(await send(gates.url, 'POST', '/v1/payments', { key, json: { ...PAYMENT, amount: 1 } }), 422, 'mismatch');

  // Also when what was in its way has gone.
  await free(slot);
  assertReplayed(await pay(key), first);
  assert.deepEqual(await rows(`WHERE id = x'${id}'`), [{ slot: slot + 3, id }]);
  assert.equal(await origin.calls(key), 1);
});

test('a key that is claimed again has one row, wherever there is room meanwhile', async () => {
  const { key, slot } = await keyAndSlot();
  await occupy(slot, 1);
  assert.equal((await pay(key, { 'x-test-fail': '429' })).status, 429);
  const [{ id }] = await rows(`WHERE slot = ${slot + 1}`);
  await free(slot);
  const first = await pay(key);
  assertCreated(first);
  assert.deepEqual(await rows(`WHERE id = x'${id}'`), [{ slot: slot + 1, id }]);
  assertReplayed(await pay(key), first);
  assert.equal(await origin.calls(key), 2);
});

test('an operator finds, lists once, and settles a record that is not in its own slot', async () => {
  const { key, slot } = await keyAndSlot();
  await occupy(slot, SLOTS - 1);
  assert.equal((await pay(key, { 'x-test-hang-up': 'after' })).outcome, 'unknown');
  const [{ id }] = await rows(`WHERE slot = ${slot + SLOTS - 1}`);
  for (const limit of [1, 50]) {
    const listed = (await operator.list('payments', 'unknown', limit)).flat();
    assert.deepEqual(listed.map((record) => record.id), [id.toLowerCase()]);
  }
  assert.equal((await operator.look('payments', id)).json.state, 'unknown');
  assert.equal((await operator.resolve('payments', id, { as: 'released' })).status, 200);
  assertCreated(await pay(key));
});

test('where all its slots are taken a key is refused before the origin is called', async () => {
  const { key, slot } = await keyAndSlot();
  await occupy(slot, SLOTS);
  assertProblem(await pay(key), 503, 'unavailable');
  assert.equal(await origin.calls(key), 0);
  await free(slot + SLOTS - 1);
  const first = await pay(key);
  assertCreated(first);
  assertReplayed(await pay(key), first);
});
