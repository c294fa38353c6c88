// examples/fenced-orders behind a gate: whatever goes wrong between the two, and whatever the gate is told wrongly, each order
// is created once, and charged once. What is counted are rows of its database.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';

import { assertCreated, assertProblem, assertReplayed, freshKey } from './support/expect.mjs';
import { faultyWay } from './support/faulty-way.mjs';
import { startGate, temporaryFolder } from './support/gate.mjs';
import { send } from './support/http.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { Child } from './support/processes.mjs';
import { until } from './support/until.mjs';

const EXAMPLE = join(import.meta.dirname, '../../examples/fenced-orders');
const ALICE = { authorization: 'Bearer alice' };

const folder = await temporaryFolder();
const file = join(folder.path, 'orders.sqlite');
const server = new Child('the origin', process.execPath, [join(EXAMPLE, 'server.mjs'), '--port', '0', '--database', file]);
const [, url] = await server.says(/^orders origin ready on (http:\S+)$/m);
const database = new DatabaseSync(file, { readOnly: true });
const way = await faultyWay(url);

/** The example's routes, with less patience. */
const routes = (await readFile(join(EXAMPLE, 'routes.toml'), 'utf8')).replaceAll(/^scope/gm, 'timeout = "5s"\nscope');
/** What is unknown waits for an operator, and what is to be forgotten soon is. */
const withoutProbe = routes.replace(/^on_unknown.*$/m, '').replaceAll(/^scope/gm, 'guard = "0s"\nscope');
const asking = await startGate({ origin: way, routes });
const holding = await startGate({ origin: way, routes: withoutProbe, vars: { ADMIN_TOKEN: TOKEN } });
const operator = operatorOf(holding);
after(async () => {
  await Promise.all([asking.stop(), holding.stop(), way.stop(), server.stop()]);
  database.close();
  folder.forget();
});

/** What is to be done once: how it is asked for, and how often it has been done. */
const WORK = {
  'an order is created': {
    status: 201,
    async prepare() {
      const item = freshKey('item');
      return { route: 'orders', path: '/orders', json: { item }, effects: () => rows('orders', 'item', item) };
    },
  },
  'an order is paid': {
    status: 200,
    async prepare() {
      const order = await holding.post('/orders', { key: freshKey(), json: { item: 'book' }, headers: ALICE });
      const { id } = order.json;
      return { route: 'order-payments', path: `/orders/${id}/pay`, json: {}, effects: () => rows('charges', 'order_id', id) };
    },
  },
};

const rows = (table, column, value) =>
  database.prepare(`SELECT count(*) AS count FROM ${table} WHERE ${column} = ?`).get(value).count;
const ask = (work, key, { gate = holding, headers = ALICE } = {}) => gate.post(work.path, { key, json: work.json, headers });

const losesTheAnswer = async (call, outgoing) => {
  await way.deliver(call);
  outgoing.destroy();
};
const keepsItBack = () => {};

/** An operator frees the key of an unknown outcome. */
async function release({ route }, key) {
  const { id, state } = (await operator.find(route, { 'header:Authorization': ALICE.authorization }, [key])).json;
  assert.equal(state, 'unknown');
  const reply = await operator.resolve(route, id, { as: 'released' });
  assert.equal(reply.status, 200, reply.text);
}

/** That calls were made under so many fences. */
function assertFences(key, count) {
  assert.equal(new Set(way.calls(key).map(({ headers }) => headers['oncegate-fence'])).size, count);
}

for (const [what, { status, prepare }] of Object.entries(WORK)) {
  test(`${what}, and the answer is lost: retries are held, and there is one effect`, async () => {
    const [work, key] = [await prepare(), freshKey()];
    way.next(key, losesTheAnswer);
    for (const _ of [1, 2, 3]) assertProblem(await ask(work, key), [502, 504], 'unknown');
    assert.equal(way.calls(key).length, 1);
    assert.equal(work.effects(), 1);
  });

  test(`${what}, and the network brings the very same request again and again`, async () => {
    const [work, key] = [await prepare(), freshKey()];
    let replies;
    way.next(key, async (call, outgoing) => {
      replies = await Promise.all(Array.from({ length: 5 }, () => way.deliver(call)));
      await way.passOn(call, outgoing);
    });
    const first = await ask(work, key);
    assertCreated(first, status);
    replies.push(await way.deliver(way.calls(key)[0]));
    for (const reply of replies) assert.deepEqual([reply.status, reply.text], [status, first.text]);
    assertReplayed(await ask(work, key), first);
    assert.equal(work.effects(), 1);
  });

  test(`${what}, and an operator takes it for not executed: the next attempt gets the answer of the first`, async () => {
    const [work, key] = [await prepare(), freshKey()];
    let lost;
    way.next(key, async (call, outgoing) => {
      lost = await way.deliver(call);
      outgoing.destroy();
    });
    assertProblem(await ask(work, key), [502, 504], 'unknown');
    await release(work, key);
    const second = await ask(work, key);
    assertCreated(second, status);
    assert.equal(second.text, lost.text);
    assertFences(key, 2);
    assert.equal(work.effects(), 1);
  });

  test(`${what}, and the gate has forgotten it: a late retry gets the answer of the first`, async () => {
    const [work, key] = [await prepare(), freshKey()];
    way.next(key, (call, outgoing) => way.passOn(call, outgoing, { 'oncegate-ttl': '1ms' }));
    const first = await ask(work, key);
    assertCreated(first, status);
    const again = await until('the key is as good as new', async () => {
      const reply = await ask(work, key);
      return reply.outcome === 'created' && reply;
    }, { seconds: 60 });
    assert.equal(again.text, first.text);
    assertFences(key, 2);
    assert.equal(work.effects(), 1);
  });
}

test('what comes after its deadline is not begun, whether it is an order or its payment', async () => {
  await Promise.all(Object.values(WORK).map(refusedWhenLate));
});

async function refusedWhenLate({ status, prepare }) {
  const [work, key] = [await prepare(), freshKey()];
  way.next(key, keepsItBack);
  assertProblem(await ask(work, key), [502, 504], 'unknown');
  const [call] = way.calls(key);
  const deadline = Number(call.headers['oncegate-deadline']);
  await until('the deadline is over', () => Date.now() > deadline, { seconds: 60, everyMs: 200 });

  const late = await way.deliver(call);
  assert.deepEqual([late.status, late.header('oncegate-store')], [503, 'no'], late.text);
  assert.match(late.text, /after Oncegate-Deadline/);
  assert.equal(work.effects(), 0);

  await release(work, key);
  const second = await ask(work, key);
  assertCreated(second, status);
  const evenLater = await way.deliver(call);
  assert.deepEqual([evenLater.status, evenLater.text], [status, second.text]);
  assert.equal(work.effects(), 1);
}

test('an order whose answer is lost is asked after, and its answer replayed', async () => {
  const [work, key] = [await WORK['an order is created'].prepare(), freshKey()];
  way.next(key, losesTheAnswer);
  assertProblem(await ask(work, key, { gate: asking }), [502, 504], 'unknown');
  const found = await ask(work, key, { gate: asking });
  assert.deepEqual([found.status, found.outcome, found.json.item], [201, 'replayed', work.json.item]);
  assert.equal(way.calls(key).length, 1);
  assert.equal(work.effects(), 1);
});

test('an attempt of which the origin has said that it was not executed never is, also when it comes in time', async () => {
  const [work, key] = [await WORK['an order is created'].prepare(), freshKey()];
  way.next(key, keepsItBack);
  assertProblem(await ask(work, key, { gate: asking }), [502, 504], 'unknown');
  const [first] = way.calls(key);
  const asked = await send(url, 'GET', `/orders/by-key/${key}`, { headers: first.headers });
  assert.equal(asked.status, 404, asked.text);

  const reply = await way.deliver(first);
  assert.deepEqual([reply.status, reply.header('oncegate-store')], [503, 'no'], reply.text);
  assert.equal(work.effects(), 0);

  assertCreated(await ask(work, key, { gate: asking }));
  assertFences(key, 2);
  assert.equal(work.effects(), 1);
});

test('two callers with one key have an order each, and one who comes around the gate has none', async () => {
  const [work, key] = [await WORK['an order is created'].prepare(), freshKey()];
  assertCreated(await ask(work, key));
  assertCreated(await ask(work, key, { headers: { authorization: 'Bearer bob' } }));
  assert.equal(work.effects(), 2);
  const around = await send(url, 'POST', '/orders', { key: freshKey(), json: work.json, headers: ALICE });
  assert.equal(around.status, 400);
  assert.equal(work.effects(), 2);
});

test('a key that the gate has forgotten is not taken for another request', async () => {
  const [work, key] = [await WORK['an order is created'].prepare(), freshKey()];
  assertCreated(await ask(work, key));
  const [{ headers }] = way.calls(key);
  const other = await send(url, 'POST', '/orders', { headers, json: { item: 'another' } });
  assert.equal(other.status, 422, other.text);
  assert.equal(rows('orders', 'item', 'another'), 0);
});
