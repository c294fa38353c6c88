// What an operator does to a record by hand, and what clients see of it.

import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';
import { isOnDisk } from './support/ledgers.mjs';
import { BECAUSE, TOKEN, assertOperatorProblem, operatorOf } from './support/operator.mjs';

const { gate, origin } = await serve([route('payments', '/v1/payments', { shards: 2, max_response: '2MiB' })], {
  vars: { ADMIN_TOKEN: TOKEN },
});
const operator = operatorOf(gate);

const pay = (key, headers = {}, json = PAYMENT) => {
  return gate.post('/v1/payments', { key, json, headers: { 'x-label': key, ...headers } });
};
const find = async (key) => (await operator.find('payments', {}, [key])).json;
const resolve = (id, change) => operator.resolve('payments', id, change);
const events = ({ history }) => history.map(({ event }) => event);

/** A key whose request executed, and whose outcome is unknown; with the id of its record. */
async function doubtful() {
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), [502, 504], 'unknown');
  return { key, id: (await find(key)).id };
}

test('resolved as completed: each retry gets what was given, and nothing executes', async () => {
  const { key, id } = await doubtful();
  const given = {
    status: 201,
    headers: [['Content-Type', 'application/json'], ['x-found-by', 'alice'], ['vary', 'a, b']],
    body: '{"id":"pay_ü"}',
  };
  const settled = await resolve(id, { as: 'completed', response: given });
  assert.equal(settled.status, 200, settled.text);
  assert.deepEqual([settled.json.state, settled.json.response.status], ['completed', 201]);
  const last = settled.json.history.at(-1);
  assert.deepEqual(events(settled.json), ['claimed', 'doubted', 'resolved']);
  assert.deepEqual({ who: last.who, why: last.why }, BECAUSE);
  assert.deepEqual([last.as, last.status], ['completed', 201]);

  const replay = await pay(key);
  assert.deepEqual([replay.status, replay.outcome, replay.text], [201, 'replayed', given.body]);
  for (const [name, value] of given.headers) assert.deepEqual(replay.all(name.toLowerCase()), [value]);
  assertReplayed(await pay(key), replay);
  assertProblem(await pay(key, {}, { ...PAYMENT, amount: 1 }), 422, 'mismatch');
  assert.equal(await origin.calls(key), 1);

  const again = await resolve(id, { as: 'released' });
  assert.equal(assertOperatorProblem(again, 409, 'not-possible').record.state, 'completed');
});

for (const size of [0, 1000, 500_000, 1_200_000]) {
  test(`a given body of ${size} bytes is replayed to the byte`, async () => {
    const { key, id } = await doubtful();
    const response = { status: 200, body_base64: binary(size).toString('base64') };
    assert.equal((await resolve(id, { as: 'completed', response })).status, 200);
    const replay = await pay(key);
    assert.equal(replay.outcome, 'replayed');
    assert.ok(replay.body.equals(binary(size)), `${replay.body.length} other bytes`);
  });
}

test('what the gate would not keep of an origin is not taken of an operator', async () => {
  const { key, id } = await doubtful();
  const refused = async (response, text) => {
    const problem = assertOperatorProblem(await resolve(id, { as: 'completed', response }), 400, 'malformed');
    assert.match(problem.detail, text);
  };
  for (const name of ['Connection', 'transfer-encoding', 'Content-Length', 'Idempotency-Status', 'oncegate-frame', 'set-cookie']) {
    await refused({ status: 200, headers: [[name, '1']] }, new RegExp(name));
  }
  await refused({ status: 204, body: 'x' }, /no body/);
  await refused({ status: 99 }, /status/);
  await refused({ status: 200, headers: [['a', 'x'.repeat(65 * 1024)]] }, /too large/);
  await refused({ status: 200, body: 'x', body_base64: 'eA==' }, /not both/);
  for (const note of [{ who: '' }, { why: 'x\ny' }, { who: 'x'.repeat(101) }]) {
    assertOperatorProblem(await resolve(id, { as: 'released', ...note }), 400, 'malformed');
  }
  assertProblem(await pay(key), [502, 504], 'unknown');
});

test('resolved as released: the next retry executes, as the second attempt', async () => {
  const { key, id } = await doubtful();
  const settled = await resolve(id, { as: 'released' });
  assert.deepEqual([settled.status, settled.json.state], [200, 'released']);
  assertCreated(await pay(key));
  assert.equal((await pay(key)).outcome, 'replayed');
  const calls = await origin.requests('x-label', key);
  assert.deepEqual(
    calls.map(({ headers }) => headers.find(([name]) => name === 'oncegate-attempt')[1]),
    ['1', '2'],
  );
  const record = await find(key);
  assert.deepEqual(events(record), ['claimed', 'doubted', 'resolved', 'claimed', 'completed']);
  assert.equal(record.attempt, 2);
});

test('a record that is not unknown cannot be resolved, and says how it stands', async () => {
  const completed = freshKey();
  assertCreated(await pay(completed));
  const { id } = await find(completed);
  const problem = assertOperatorProblem(await resolve(id, { as: 'released' }), 409, 'not-possible');
  assert.equal(problem.record.state, 'completed');
  assert.match(problem.detail, /status 201/);

  const running = freshKey();
  const first = pay(running, { 'x-test-hold': running });
  await origin.arrived(running);
  const held = await find(running);
  assert.equal(assertOperatorProblem(await resolve(held.id, { as: 'released' }), 409, 'not-possible').record.state, 'in-progress');
  assert.equal(assertOperatorProblem(await operator.forget('payments', held.id), 409, 'not-possible').record.state, 'in-progress');
  await origin.go(running);
  assertCreated(await first);

  const { fence } = held;
  assertOperatorProblem(await resolve('0'.repeat(64), { as: 'released', fence }), 404, 'no-record');
});

test('two operators at once: one settles it, the other is told', async () => {
  const { key, id } = await doubtful();
  const { fence } = await find(key);
  const response = { status: 200, body: 'one' };
  const replies = await Promise.all([
    ...Array.from({ length: 4 }, () => resolve(id, { as: 'completed', response, fence })),
    ...Array.from({ length: 4 }, () => resolve(id, { as: 'released', fence })),
  ]);
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 409, 409, 409, 409, 409, 409, 409]);
  for (const told of replies.filter(({ status }) => status === 409)) assertOperatorProblem(told, 409, 'other-attempt');
  assert.equal(events(await find(key)).filter((event) => event === 'resolved').length, 1);
});

/** All rows of all ledgers of a stopped gate, as text. */
async function rows() {
  const found = [];
  for (const name of await readdir(gate.state, { recursive: true })) {
    if (!name.endsWith('.sqlite') || name.endsWith('metadata.sqlite')) continue;
    const database = new DatabaseSync(join(gate.state, name), { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name GLOB '[gb][0-9]*'").all();
    for (const table of tables) {
      for (const row of database.prepare(`SELECT * FROM ${table.name}`).all()) {
        found.push(Object.values(row).map((value) => Buffer.from(value?.buffer ?? `${value}`).toString('latin1')).join());
      }
    }
    database.close();
  }
  return found;
}

for (const [what, headers] of [
  ['small', { 'x-test-body': 'json', 'x-test-reply': '{"x-personal": "personal-data"}' }],
  ['large', { 'x-test-body': 'binary:2000000' }],
]) {
  test(`forgotten: the ${what} answer is gone from storage, the key is free, and the history tells who and why`, async () => {
    const key = freshKey();
    const first = await pay(key, headers);
    assertCreated(first);
    const { id } = await find(key);
    const telling = what === 'large' ? first.body.subarray(1_500_000, 1_500_100).toString('latin1') : 'personal-data';

    await gate.child.stop('SIGINT');
    assert.equal((await rows()).filter((row) => row.includes(telling)).length, 1, 'it is there before');
    await gate.restart();

    const forgotten = await operator.forget('payments', id);
    assert.deepEqual([forgotten.status, forgotten.json.state], [200, 'released'], forgotten.text);
    assert.equal(forgotten.json.response, undefined);

    await gate.child.stop('SIGINT');
    assert.equal((await rows()).filter((row) => row.includes(telling)).length, 0, 'it is still there');
    await gate.restart();

    const kept = (await operator.look('payments', id)).json;
    assert.deepEqual(events(kept), ['claimed', 'completed', 'forgotten']);
    const { who, why } = kept.history.at(-1);
    assert.deepEqual({ who, why }, BECAUSE);
    assert.equal(assertOperatorProblem(await operator.forget('payments', id), 409, 'not-possible').record.state, 'released');

    assertCreated(await pay(key, {}, { ...PAYMENT, amount: 7 }));
    assert.equal(await origin.executions(key), 2);
    assert.deepEqual(events(await find(key)), ['claimed', 'completed', 'forgotten', 'claimed', 'completed']);
  });
}

test('what was resolved survives kill -9', async () => {
  const { key, id } = await doubtful();
  await resolve(id, { as: 'completed', response: { status: 202, body: 'settled' } });
  await gate.kill9();
  await gate.restart();
  const replay = await pay(key);
  assert.deepEqual([replay.status, replay.outcome, replay.text], [202, 'replayed', 'settled']);
  assert.deepEqual(events((await operator.look('payments', id)).json), ['claimed', 'doubted', 'resolved']);
});

test('changes are counted', async () => {
  const before = await operator.counters('payments');
  const { key, id } = await doubtful();
  await resolve(id, { as: 'completed', response: { status: 200 } });
  await operator.forget('payments', id);
  const after = await operator.counters('payments');
  assert.deepEqual([after.resolved - before.resolved, after.forgotten - before.forgotten], [1, 1]);
  assertCreated(await pay(key));
});

test('on a route that seals, a given answer is sealed, and opened for clients and the operator', async (t) => {
  const key = (byte) => Buffer.alloc(32, byte).toString('base64');
  const routes = [route('payments', '/v1/payments', { shards: 1, seal: true })];
  const sealing = await startGate({ origin, routes, vars: { ADMIN_TOKEN: TOKEN, SEAL_KEY: key(7) } });
  t.after(() => sealing.stop());
  const own = operatorOf(sealing);
  const request = freshKey();
  const send = (headers) => sealing.post('/v1/payments', { key: request, json: PAYMENT, headers });
  assert.equal((await send({ 'x-test-hang-up': 'after' })).outcome, 'unknown');
  const { id } = (await own.find('payments', {}, [request])).json;
  const body = 'sealed-by-hand '.repeat(10_000);
  assert.equal((await own.resolve('payments', id, { as: 'completed', response: { status: 200, body } })).status, 200);
  const replay = await send();
  assert.deepEqual([replay.outcome, replay.text === body], ['replayed', true]);
  const shown = (await own.look('payments', id, '?body=1')).json.response;
  assert.equal(shown.body, body);
  assert.match(shown.sealed_by, /^[0-9a-f]{16}$/);
  assert.ok(!(await isOnDisk(sealing, 'sealed-by-hand')));

  await sealing.redeploy(routes, { ADMIN_TOKEN: TOKEN, SEAL_KEY: key(8) });
  const closed = (await own.look('payments', id, '?body=1')).json.response;
  assert.equal(closed.body_base64, undefined);
  assert.match(closed.body_not_shown, /^It cannot be opened: it was sealed with the key/);
});
