// An origin that goes wrong in 30 % of its calls, in all the ways there are, and clients that retry whatever they get.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, test } from 'node:test';

import { route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { operatorOf } from './support/operator.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { inParallel } from './support/parallel.mjs';
import { randomOf } from './support/random.mjs';

const KEYS = 1_000;
const RETRIES = 20;
const WRONG_PERCENT = 30;
const TOKEN = 'a-token-of-at-least-sixteen-characters';

const executions = new Map();
const dice = randomOf(20_260_101); // the same faults in every run, as far as the calls come in the same order

/** Executes a payment, and gives the answer that is due. */
function execute(key) {
  const payment = JSON.stringify({ id: `pay-${key}`, execution: (executions.get(key)?.length ?? 0) + 1 });
  executions.set(key, [...(executions.get(key) ?? []), payment]);
  return payment;
}

const answer = (outgoing, status, body = '') => {
  outgoing.writeHead(status, { 'content-type': 'application/json' }).end(body);
};

/** What can go wrong, each as often as the others. */
const FAULTS = [
  (_, outgoing) => outgoing.destroy(), // reset before it executes
  (key, outgoing) => execute(key) && outgoing.destroy(), // and after
  () => {}, // hung, and never executes
  (key) => execute(key), // and after it executed
  (_, outgoing) => answer(outgoing, 503),
  (_, outgoing) => answer(outgoing, 502),
  (key, outgoing) => answer(outgoing, 504, execute(key)),
  (key, outgoing) => answer(outgoing, 500, execute(key)),
];

const calls = { right: 0, wrong: 0 };
let isReliable = false;
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume().on('end', () => {
    const key = incoming.headers['idempotency-key'];
    if (isReliable || dice.below(100) >= WRONG_PERCENT) {
      calls.right += 1;
      answer(outgoing, 201, execute(key));
    } else {
      calls.wrong += 1;
      dice.pick(FAULTS)(key, outgoing);
    }
  });
});
const gate = await startGate({
  origin,
  routes: [route('payments', '/v1/payments', { timeout: '500ms' })],
  vars: { ADMIN_TOKEN: TOKEN },
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const pay = (key) => gate.post('/v1/payments', { key, json: { amount: 1 }, agent });

test(`${KEYS} keys, ${RETRIES} retries of each: none is executed twice, each answer is that of its execution, and what is unknown can be settled`, async (t) => {
  const outcomes = {};
  const keys = Array.from({ length: KEYS }, (_, index) => `key-${index}`);
  // Round by round over all keys: so a key is seen running, and long after it.
  const requests = Array.from({ length: RETRIES }, () => keys).flat();
  const last = new Map();
  await inParallel(requests, 48, async (key) => {
    const reply = await pay(key);
    outcomes[reply.outcome] = (outcomes[reply.outcome] ?? 0) + 1;
    if (['created', 'replayed'].includes(reply.outcome)) {
      assert.ok([201, 500].includes(reply.status), `${reply.status}`);
      assert.deepEqual(executions.get(key), [reply.text], key);
    }
    last.set(key, reply);
  });
  for (const key of keys) assert.ok((executions.get(key)?.length ?? 0) <= 1, `${key}: ${executions.get(key)}`);
  t.diagnostic(`calls of the origin: ${JSON.stringify(calls)}; replies: ${JSON.stringify(outcomes)}`);
  assert.ok(calls.wrong / (calls.right + calls.wrong) > 0.2, 'the origin was too good');

  // What nobody knows is settled by an operator who has asked the origin; and then each key ends with one execution.
  isReliable = true;
  const operator = operatorOf(gate, TOKEN);
  const listed = new Set((await operator.list('payments', 'unknown', 200)).flat().map(({ id }) => id));
  assert.ok(listed.size > KEYS / 20, `only ${listed.size} keys are unknown`);
  for (const key of keys.filter((each) => last.get(each).outcome === 'unknown')) {
    const { id } = (await operator.find('payments', {}, [key])).json;
    assert.ok(listed.delete(id), `${key} is not listed, or twice`);
    const [payment] = executions.get(key) ?? [];
    const response = { status: 201, body: payment };
    const settled = await operator.resolve('payments', id, payment ? { as: 'completed', response } : { as: 'released' });
    assert.equal(settled.status, 200, settled.text);
    assert.equal((await pay(key)).outcome, payment ? 'replayed' : 'created');
  }
  assert.equal(listed.size, 0, 'more are listed than clients were told of');
  for (const key of keys) {
    const reply = await pay(key);
    assert.ok(['created', 'replayed'].includes(reply.outcome), `${key}: ${reply.outcome}`);
    assert.deepEqual(executions.get(key), [reply.text], key);
  }
});
