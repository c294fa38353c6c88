// What an operator asks of a record that is no longer as it was when the operator looked: because the request comes late, or
// comes again, or because another attempt has taken the record meanwhile. Calls go wrong as `support/faulty-ledger.js` says.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { TOKEN, assertOperatorProblem, operatorOf } from './support/operator.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const probe = '/v1/payments/by-key/{key}';
const PATHS = { held: '/v1/payments', retried: '/v1/orders', asked: '/v1/payment_intents' };

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  routes: [
    route('held', PATHS.held, { shards: 1 }),
    route('retried', PATHS.retried, { shards: 1, on_unknown: 'retry' }),
    route('asked', PATHS.asked, { shards: 1, on_unknown: { probe } }),
  ],
  adminToken: TOKEN,
});
after(async () => {
  await gates.stop();
  await origin.stop();
});
afterEach(() => plan([]));

const operator = operatorOf({ send: (method, path, options) => send(gates.url, method, path, options) });
const tell = (orders) => gates.tell('held/1/0', orders);
const plan = (settle) => tell({ plan: { settle } });
const pay = (key, headers = {}, name = 'held') => {
  return send(gates.url, 'POST', PATHS[name], { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};
const look = async (key, name = 'held') => (await operator.find(name, {}, [key])).json;
const events = ({ history }) => history.map(({ event }) => event);

/** The record of a key whose request executed or did not, and whose outcome is unknown. */
async function doubtful(key, executed, name = 'held') {
  assertProblem(await pay(key, { 'x-test-hang-up': executed ? 'after' : 'before' }, name), 502, 'unknown');
  return look(key, name);
}

const response = { status: 200, body: 'what the operator found' };
const settlements = [
  ['a release', ({ id, fence }) => operator.resolve('held', id, { as: 'released', fence })],
  ['an answer', ({ id, fence }) => operator.resolve('held', id, { as: 'completed', response, fence })],
  ['a forget', ({ id, fence }) => operator.forget('held', id, { fence })],
];

for (const [what, settle] of settlements.filter(([what]) => what !== 'an answer')) {
  test(`${what} that comes late frees no later attempt`, async () => {
    for (const isKnown of [false, true]) {
      const key = freshKey();
      const first = await doubtful(key, false);
      await plan(['late']);
      const settled = await settle(first);
      assert.deepEqual([settled.status, settled.json.state], [200, 'released'], settled.text);

      const second = await pay(key, isKnown ? {} : { 'x-test-hang-up': 'after' });
      assert.equal(second.outcome, isKnown ? 'created' : 'unknown');
      await tell({ deliver: true });
      const third = await pay(key);
      if (isKnown) assertReplayed(third, second);
      else assertProblem(third, 502, 'unknown');
      assert.equal(await origin.executions(key), 1);
      const { attempt, fence } = await look(key);
      assert.equal(attempt, 2);
      assert.notEqual(fence, first.fence);
    }
  });
}

test('an answer that comes late is not that of a later attempt', async () => {
  const key = freshKey();
  const first = await doubtful(key, false);
  await plan(['late']);
  assert.equal((await settlements[1][1](first)).status, 200);
  assert.equal((await operator.forget('held', first.id)).status, 200);
  await doubtful(key, true);
  await tell({ deliver: true });
  assertProblem(await pay(key), 502, 'unknown');
  assert.equal(await origin.executions(key), 1);
});

for (const [what, settle] of settlements) {
  test(`${what} that is lost, whose answer is lost, or that comes twice is carried out once`, async () => {
    for (const fault of ['lost', 'answer-lost', 'twice']) {
      const key = freshKey();
      const record = await doubtful(key, true);
      await plan([fault]);
      const settled = await settle(record);
      assert.equal(settled.status, 200, settled.text);
      assert.equal(events(await look(key)).length, events(record).length + 1, fault);
    }
  });
}

test('what an operator has seen of one attempt is not done to the next, and the answer shows how the record stands', async () => {
  for (const [what, ask] of [
    ['released', ({ id, fence }) => operator.resolve('retried', id, { as: 'released', fence })],
    ['completed', ({ id, fence }) => operator.resolve('retried', id, { as: 'completed', response, fence })],
    ['forgotten', ({ id, fence }) => operator.forget('retried', id, { fence })],
  ]) {
    for (const executed of [true, false]) {
      const key = freshKey();
      const seen = await doubtful(key, false, 'retried');
      const second = await pay(key, executed ? {} : { 'x-test-hang-up': 'before' }, 'retried');
      assert.equal(second.outcome, executed ? 'created' : 'unknown', what);
      const before = await look(key, 'retried');

      const { detail, record } = assertOperatorProblem(await ask(seen), 409, 'other-attempt');
      assert.ok(detail.includes(before.fence), detail);
      const { as_of: _, ...shown } = record;
      const { as_of: __, ...stands } = before;
      assert.deepEqual(shown, stands);
      assert.deepEqual([record.state, record.attempt], [executed ? 'completed' : 'unknown', 2]);
      assert.deepEqual(events(await look(key, 'retried')), events(before), what);
      if (executed) assertReplayed(await pay(key, {}, 'retried'), second);
    }
  }
});

test('nothing is changed while the origin is being asked; what it says then stands, and the fence seen before is another\'s', async () => {
  const key = freshKey();
  const seen = await doubtful(key, true, 'asked');
  const asking = pay(key, { 'x-test-hold': key }, 'asked');
  await origin.arrived(key, 2);
  for (const change of [
    () => operator.resolve('asked', seen.id, { as: 'released', fence: seen.fence }),
    () => operator.resolve('asked', seen.id, { as: 'completed', response, fence: seen.fence }),
    () => operator.forget('asked', seen.id, { fence: seen.fence }),
  ]) {
    const { detail, record } = assertOperatorProblem(await change(), 409, 'not-possible');
    assert.match(detail, /is being asked about it until/);
    assert.deepEqual([record.state, record.fence], ['in-progress', seen.fence]);
  }
  await origin.go(key);
  const found = await asking;
  assert.equal(found.outcome, 'replayed', found.text);
  const forgotten = await operator.forget('asked', seen.id, { fence: seen.fence });
  assert.equal(assertOperatorProblem(forgotten, 409, 'other-attempt').record.state, 'completed');
  assertReplayed(await pay(key, {}, 'asked'), found);
});

test('a change that names no attempt, or something else than one, is not made', async () => {
  const key = freshKey();
  const { id, fence } = await doubtful(key, true);
  for (const wrong of [null, 1, '', fence.slice(1), `${fence}0`, `g${fence.slice(1)}`]) {
    for (const change of [
      await operator.post(`routes/held/records/${id}/resolve`, { as: 'released', fence: wrong, who: 'a', why: 'b' }),
      await operator.post(`routes/held/records/${id}/forget`, { fence: wrong, who: 'a', why: 'b' }),
    ]) {
      assert.match(assertOperatorProblem(change, 400, 'malformed').detail, /"fence" must be/);
    }
  }
  const missing = await operator.post(`routes/held/records/${id}/forget`, { who: 'a', why: 'b' });
  assert.match(assertOperatorProblem(missing, 400, 'malformed').detail, /"fence" must be/);
  assertProblem(await pay(key), 502, 'unknown');
});
