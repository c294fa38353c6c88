// What goes wrong between Worker, ledger, storage and clock, each on its own: see `support/faulty-ledger.js`. README.md has the
// table of all faults, and which test shows what becomes of each.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { startWorkerd } from './support/workerd.mjs';

const TRIES = 3;
const LEASE_MS = 35_000;
const HOUR_MS = 3_600_000;

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  routes: [
    route('payments', '/v1/payments', { shards: 1, ttl: '1h', guard: '15m' }),
    route('waiting', '/v1/payment_intents', { shards: 1, on_duplicate: 'wait', wait: '20s' }),
    route('brief', '/v1/orders', { shards: 1, ttl: '300ms', guard: '0s' }),
  ],
});
after(async () => {
  await gates.stop();
  await origin.stop();
});
afterEach(() => gates.tell('payments/1/0', { step: 0, plan: { begin: [], settle: [] } }));

const LEDGERS = { '/v1/payments': 'payments/1/0', '/v1/payment_intents': 'waiting/1/0', '/v1/orders': 'brief/1/0' };

const pay = (key, headers = {}, path = '/v1/payments') => {
  return send(gates.url, 'POST', path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};
const tell = (orders, path = '/v1/payments') => gates.tell(LEDGERS[path], orders);
const times = (count, fault) => Array(count).fill(fault);

test('a claim that never arrives records nothing: the retry executes', async () => {
  const key = freshKey();
  await tell({ plan: { begin: times(TRIES, 'lost') } });
  assertProblem(await pay(key), 503, 'unavailable');
  assert.equal(await origin.calls(key), 0);
  assertCreated(await pay(key));
  assert.equal(await origin.executions(key), 1);
});

test('a claim that is lost, whose answer is lost, or that comes twice is granted once', async () => {
  for (const fault of ['lost', 'answer-lost', 'twice']) {
    const key = freshKey();
    await tell({ plan: { begin: [fault] } });
    const first = await pay(key);
    assertCreated(first);
    assertReplayed(await pay(key), first);
    assert.equal(await origin.calls(key), 1, fault);
  }
});

test('a claim whose answers are all lost, or that comes when nobody waits for it, is given up and not left in progress', async () => {
  for (const fault of ['answer-lost', 'late']) {
    const key = freshKey();
    await tell({ plan: { begin: times(TRIES, fault) } });
    assertProblem(await pay(key), 503, 'unavailable');
    await tell({ deliver: true });
    const created = await until('the claim has been given up', async () => {
      const reply = await pay(key);
      return reply.outcome === 'created' && reply;
    });
    await tell({ deliver: true });
    assertReplayed(await pay(key), created);
    assert.equal(await origin.calls(key), 1, fault);
  }
});

test('a ledger that hangs is asked again, and not for long', async () => {
  const key = freshKey();
  await tell({ plan: { begin: ['hang'] } });
  assertCreated(await pay(key));
  assert.equal(await origin.calls(key), 1);

  const other = freshKey();
  await tell({ plan: { begin: times(TRIES, 'hang') } });
  const begun = performance.now();
  assertProblem(await pay(other), 503, 'unavailable');
  assert.ok(performance.now() - begun < 10_000, `it took ${performance.now() - begun} ms`);
  assert.equal(await origin.calls(other), 0);
});

test('an outcome that is lost, whose answer is lost, or that comes twice is stored once', async () => {
  for (const fault of ['lost', 'answer-lost', 'twice']) {
    const key = freshKey();
    await tell({ plan: { settle: [fault] } });
    const first = await pay(key, { 'x-test-body': 'binary:2000000' });
    assertCreated(first);
    assertReplayed(await pay(key), first);
    assert.equal(await origin.calls(key), 1, fault);
  }
});

test('an answer that is stored, but of which the Worker never hears that it is, is replayed to the byte', async () => {
  const key = freshKey();
  await tell({ plan: { settle: times(TRIES, 'answer-lost') } });
  const first = await pay(key, { 'x-test-body': 'gzip' });
  assert.equal(first.status, 201);
  assert.equal(first.outcome, 'not-stored', 'it promises no more than it knows');
  assertReplayed(await pay(key), first);
  assert.equal(await origin.executions(key), 1);
});

test('an answer that never reaches the ledger leaves the outcome unknown, and completes it when it comes late', async () => {
  const key = freshKey();
  await tell({ plan: { settle: [...times(TRIES, 'late'), ...times(TRIES, 'lost')] } });
  const first = await pay(key);
  assert.equal(first.status, 201);
  assert.equal(first.outcome, 'not-stored');
  await tell({ plan: { settle: [] } });
  assertProblem(await pay(key), 409, 'in-progress');
  await tell({ step: LEASE_MS });
  assertProblem(await pay(key), [502, 504], 'unknown');
  await tell({ deliver: true });
  assertReplayed(await pay(key), first);
  assert.equal(await origin.executions(key), 1);
});

test('an origin that works on after the lease is not called again', async () => {
  const key = freshKey();
  const first = pay(key, { 'x-test-hold': key });
  await origin.arrived(key);
  assertProblem(await pay(key), 409, 'in-progress');
  await tell({ step: LEASE_MS });
  assertProblem(await pay(key), [502, 504], 'unknown');
  await origin.go(key);
  const answered = await first;
  assertCreated(answered);
  assertReplayed(await pay(key), answered);
  assert.equal(await origin.calls(key), 1);
});

test('a ledger that is moved away grants nothing a second time, and those who wait in it are answered', async () => {
  const path = '/v1/payment_intents';
  const key = freshKey();
  const first = pay(key, { 'x-test-hold': key }, path);
  await origin.arrived(key);
  const others = Array.from({ length: 5 }, () => pay(key, {}, path));
  await tell({ abort: true }, path);
  others.push(pay(key, {}, path));
  await origin.go(key);
  const answered = await first;
  assertCreated(answered);
  for (const other of await Promise.all(others)) {
    if (other.status === 409) assertProblem(other, 409, 'in-progress');
    else assertReplayed(other, answered);
  }
  assertReplayed(await pay(key, {}, path), answered);
  assert.equal(await origin.calls(key), 1);
});

test('a record from a newer version, or a broken one, is never absent: 503, and the origin is not called', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  for (const [breaks, mends] of [
    ["x'02' || substr(record, 2)", "x'01' || substr(record, 2)"],
    ["record || x'00'", 'substr(record, 1, length(record) - 1)'],
  ]) {
    const change = (what) => tell({ sql: `UPDATE g1 SET record = CAST(${what} AS BLOB)` });
    await change(breaks);
    const refused = await pay(key);
    assertProblem(refused, 503, 'unavailable');
    assert.ok(Number(refused.header('retry-after')) > 0);
    assert.equal(await origin.calls(key), 1);
    await change(mends);
    assertReplayed(await pay(key), first);
  }
});

test('a clock that steps by no more than guard executes nothing twice', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  const running = freshKey();
  const held = pay(running, { 'x-test-hold': running });
  await origin.arrived(running);
  for (const step of [HOUR_MS, HOUR_MS + HOUR_MS / 5, -HOUR_MS, -30 * 365 * 24 * HOUR_MS]) {
    await tell({ step });
    assertReplayed(await pay(key), first);
    const duplicate = await pay(running);
    assert.ok(['in-progress', 'unknown'].includes(duplicate.outcome), `${duplicate.outcome} after ${step} ms`);
    const other = freshKey();
    const created = await pay(other);
    assertCreated(created);
    assertReplayed(await pay(other), created);
  }
  await tell({ step: 0 });
  await origin.go(running);
  const answered = await held;
  assertReplayed(await pay(running), answered);
  assert.deepEqual([await origin.calls(key), await origin.calls(running)], [1, 1]);
});

test('a clock at the last day that JavaScript knows, or before 1970, is no error', async () => {
  for (const step of [8.64e15 - Date.now(), -Date.now() - 1e6]) {
    await tell({ step });
    const other = freshKey();
    const created = await pay(other);
    assertCreated(created);
    assertReplayed(await pay(other), created);
  }
});

test('an alarm that comes too early, twice or never changes no answer', async () => {
  const path = '/v1/orders';
  for (const alarm of ['usual', 'twice', 'never']) {
    await tell({ plan: { alarm } }, path);
    const key = freshKey();
    const lasting = freshKey();
    const first = await pay(lasting);
    const brief = await pay(key, {}, path);
    assertCreated(brief);
    await tell({ alarm: true }, path);
    await tell({ alarm: true });
    assertReplayed(await pay(lasting), first);
    await until('the key has expired', async () => (await pay(key, {}, path)).outcome === 'created');
    assert.equal(await origin.executions(lasting), 1);
  }
});
