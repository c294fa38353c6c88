// Lists of records: over shards, generations and pages, with none lost and none doubled.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, freshKey, route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { until } from './support/until.mjs';

const vars = { ADMIN_TOKEN: TOKEN };
const { gate, origin } = await serve(
  [
    route('payments', '/v1/payments', { shards: 5 }),
    route('charges', '/v1/charges', { shards: 3, timeout: '200ms' }),
    // A lease of 10.2 s and 8 s of retention: a generation is open for 8 s.
    route('orders', '/v1/orders', { shards: 1, timeout: '200ms', ttl: '8s', guard: '0s', on_unknown: 'retry' }),
  ],
  { vars },
);
const operator = operatorOf(gate);
const PATHS = { payments: '/v1/payments', charges: '/v1/charges', orders: '/v1/orders' };

const send = (name, key, headers) => gate.post(PATHS[name], { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
const idOf = async (name, key) => (await operator.find(name, {}, [key])).json.id;
const doubt = async (name) => {
  const key = freshKey();
  const reply = await send(name, key, { 'x-test-hang-up': 'after' });
  assert.equal(reply.outcome, 'unknown');
  return key;
};
const times = (count, make) => Promise.all(Array.from({ length: count }, make));

test('every unknown record of a route is listed once, whatever the size of a page', async () => {
  const keys = await times(23, () => doubt('payments'));
  await times(12, () => send('payments', freshKey()));
  const expected = (await Promise.all(keys.map((key) => idOf('payments', key)))).sort();
  const ledgers = new Set();
  for (const limit of [1, 4, 200]) {
    const pages = await operator.list('payments', 'unknown', limit);
    assert.ok(pages.every((page) => page.length <= limit));
    if (limit === 4) assert.ok(pages.length >= 6, `${pages.length} pages`);
    assert.deepEqual(pages.flat().map(({ id }) => id).sort(), expected, `by ${limit}`);
    for (const record of pages.flat()) {
      ledgers.add(record.ledger);
      assert.deepEqual([record.state, record.doubt, record.attempt], ['unknown', 'connection-lost', 1]);
      assert.ok(Math.abs(new Date(record.since) - Date.now()) < 60_000);
    }
  }
  assert.ok(ledgers.size > 1, 'all of them are in one ledger');
});

test('a request that is running is listed as in progress, and not as unknown', async () => {
  const key = freshKey();
  const running = gate.post('/v1/payments', { key, json: PAYMENT, headers: { 'x-label': key, 'x-test-hold': key } });
  await origin.arrived(key);
  const id = await idOf('payments', key);
  const inProgress = (await operator.list('payments', 'in-progress', 50)).flat();
  assert.deepEqual(inProgress.map((record) => record.id), [id]);
  assert.ok(new Date(inProgress[0].lease_until) > Date.now());
  assert.ok(!(await operator.list('payments', 'unknown', 50)).flat().some((record) => record.id === id));
  await origin.go(key);
  await running;
  assert.deepEqual((await operator.list('payments', 'in-progress', 50)).flat(), []);
});

test('a record whose lease has ended without an outcome is listed as unknown', async () => {
  const key = freshKey();
  const cut = send('charges', key, { 'x-test-hold': key });
  cut.catch(() => {});
  await origin.arrived(key);
  await gate.kill9();
  await assert.rejects(cut);
  await gate.restart();
  const id = await idOf('charges', key);
  assert.deepEqual((await operator.list('charges', 'in-progress', 50)).flat().map((record) => record.id), [id]);
  const [record] = await until('the lease is over', async () => {
    const records = (await operator.list('charges', 'unknown', 50)).flat();
    return records.length > 0 && records;
  });
  assert.deepEqual([record.id, record.doubt], [id, 'lease-expired']);
  await origin.go(key);
});

test('a key that was claimed again is listed by its newest row alone', async () => {
  const generations = async () => (await operator.get('routes/orders/counters')).json.generations;
  let previous;
  const last = await until('a second generation is open, and a key from the end of the first is known', async () => {
    const key = await doubt('orders');
    if (previous && (await generations()) === 2) return key;
    previous = key;
    return undefined;
  }, { everyMs: 200 });
  const ids = async () => (await operator.list('orders', 'unknown', 2)).flat().map(({ id }) => id);
  const [retried, unknown] = [await idOf('orders', previous), await idOf('orders', last)];
  assert.ok((await ids()).includes(retried));
  assert.equal((await send('orders', previous)).outcome, 'created');
  const listed = await ids();
  assert.ok(listed.includes(unknown) && !listed.includes(retried));
  assert.equal(new Set(listed).size, listed.length);
});

test('records of the previous layout are listed, shown and settled where they are', async (t) => {
  const moving = await startGate({ origin, routes: [route('payments', '/v1/payments', { shards: 2 })], vars });
  t.after(() => moving.stop());
  const own = operatorOf(moving);
  const keys = await times(6, async () => {
    const key = freshKey();
    await moving.post('/v1/payments', { key, json: PAYMENT, headers: { 'x-test-hang-up': 'after' } });
    return key;
  });
  const renamed = { shards: { count: 3, previous: 2 }, renamed_from: 'payments' };
  await moving.redeploy([route('charges', '/v1/payments', renamed)]);
  const listed = (await own.list('charges', 'unknown', 2)).flat();
  assert.equal(listed.length, keys.length);
  const found = await Promise.all(keys.map(async (key) => (await own.find('charges', {}, [key])).json));
  assert.deepEqual(found.map(({ id }) => id).sort(), listed.map(({ id }) => id).sort());
  assert.ok(found.every(({ ledger }) => ledger.startsWith('payments/2/')));

  const response = { status: 200, body: 'settled' };
  const settled = await own.resolve('charges', found[0].id, { as: 'completed', response });
  assert.equal(settled.json.state, 'completed', settled.text);
  const replay = await moving.post('/v1/payments', { key: keys[0], json: PAYMENT });
  assert.deepEqual([replay.outcome, replay.text], ['replayed', 'settled']);
});
