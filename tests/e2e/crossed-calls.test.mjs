// Calls that cross: late tries of commands that have been carried out, and what happens while the origin is asked or duplicates
// wait. Each test has a gate of its own.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { handmadeOrigin, startOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { startWorkerd } from './support/workerd.mjs';

const TRIES = 3;
const probe = '/v1/payments/by-key/{key}';
const times = (count, fault) => Array(count).fill(fault);

const payments = await startOrigin();
after(() => payments.stop());

/** A gate with one route and one ledger, and how to use both. */
async function start(fields, origin = payments) {
  const gates = await startWorkerd({ origin, routes: [route('payments', '/v1/payments', { shards: 1, ...fields })] });
  after(() => gates.stop());
  return {
    gates,
    tell: (orders) => gates.tell('payments/1/0', orders),
    pay: (key, headers = {}) => {
      return send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
    },
    unlabelled: (key) => send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT }),
  };
}

const counted = (replies) => {
  const outcomes = {};
  for (const { outcome } of replies) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return outcomes;
};

test('late tries of a probe free no attempt that was not asked about', async () => {
  const { pay, unlabelled, tell } = await start({ on_unknown: { probe } });
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'before' }), 502, 'unknown');
  // The next one asks, is told 404, and is sent on: it executes, and its answer is lost. Of its begin, and of what it has learnt,
  // the first tries are late.
  await tell({ plan: { begin: ['late'], settle: ['late'] } });
  await payments.script({}, { 'hang-up': 'after' });
  assertProblem(await unlabelled(key), 502, 'unknown');
  assert.equal(await payments.executions(key), 1);
  await tell({ deliver: true });
  await pay(key);
  assert.equal(await payments.executions(key), 1);
});

test('what is marked replayed is on record, also where the attempt in question ends while the origin is asked about it', async () => {
  const { pay, tell } = await start({ on_unknown: { probe } });
  const key = freshKey();
  await tell({ plan: { settle: times(TRIES, 'late') } });
  const first = await pay(key);
  assert.equal(first.outcome, 'not-stored');
  const asking = pay(key, { 'x-test-hold': key });
  await payments.arrived(key, 2);
  await tell({ deliver: true });
  await payments.go(key);
  assertReplayed(await asking, first);
  assertReplayed(await pay(key), first);
});

test('what the origin says and the ledger does not keep is not marked replayed', async () => {
  const { pay, tell } = await start({ on_unknown: { probe } });
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), 502, 'unknown');
  await tell({ plan: { settle: times(2 * TRIES, 'lost') } });
  const asked = await pay(key);
  assert.equal(asked.status, 200);
  assert.equal(asked.outcome, 'not-stored');
  assert.equal(asked.header('idempotency-replayed'), null);

  const small = await start({ on_unknown: { probe }, max_response: '20B' });
  const other = freshKey();
  assertProblem(await small.pay(other, { 'x-test-hang-up': 'after' }), 502, 'unknown');
  const found = await small.pay(other);
  assert.deepEqual([found.status, found.outcome, found.json.amount], [200, 'not-stored', PAYMENT.amount]);
  assertProblem(await small.pay(other), 409, 'not-stored');
});

test('a probe is answered by the origin and by no cache on the way', async () => {
  // A mock of the edge's cache: it keeps what GET was answered, unless the request forbids it.
  const cache = new Map();
  let [executions, loses] = [0, 'before'];
  const origin = await handmadeOrigin((incoming, outgoing) => {
    incoming.resume();
    if (incoming.method === 'GET') {
      const isForbidden = /no-cache|no-store/.test(incoming.headers['cache-control'] ?? '');
      if (isForbidden || !cache.has(incoming.url)) cache.set(incoming.url, executions > 0 ? 200 : 404);
      outgoing.writeHead(cache.get(incoming.url)).end('paid');
    } else {
      if (loses !== 'before') executions += 1;
      if (loses) incoming.socket.destroy();
      else outgoing.writeHead(201).end('paid');
    }
  });
  after(() => origin.stop());
  const { pay } = await start({ on_unknown: { probe } }, origin);
  assertProblem(await pay('invoice-7.pdf'), 502, 'unknown');
  loses = 'after';
  assertProblem(await pay('invoice-7.pdf'), 502, 'unknown');
  loses = undefined;
  assert.equal((await pay('invoice-7.pdf')).outcome, 'replayed');
  assert.equal(executions, 1);
});

test('a ledger that serves is not passed by, however often those who wait have to begin again', async () => {
  const passing = { on_duplicate: 'wait', wait: '30s', on_ledger_failure: 'pass' };
  const refused = await start(passing);
  const key = freshKey();
  const fails = { 'x-test-fail': '503', 'x-test-delay-before': '40ms' };
  const replies = await Promise.all(Array.from({ length: 24 }, () => refused.pay(key, fails)));
  assert.deepEqual(Object.keys(counted(replies)).sort(), ['in-progress', 'released']);

  const asking = await start({ ...passing, on_unknown: { probe } });
  const other = freshKey();
  assertProblem(await asking.pay(other, { 'x-test-hang-up': 'after' }), 502, 'unknown');
  const silent = { 'x-test-status': '500', 'x-test-delay-before': '40ms' };
  const asked = await Promise.all(Array.from({ length: 24 }, () => asking.pay(other, silent)));
  assert.deepEqual(Object.keys(counted(asked)).sort(), ['in-progress', 'unknown']);
  assert.equal(await payments.executions(other), 1);
});

test('a claim whose answer comes so late that it holds no more is given up, and not held as unknown', async () => {
  const { pay, tell } = await start({ on_duplicate: 'wait', wait: '10s', timeout: '1s' });
  const key = freshKey();
  await tell({ plan: { begin: ['answer-hangs'] } });
  assertProblem(await pay(key), 503, 'unavailable');
  assertCreated(await pay(key));
  assert.equal(await payments.calls(key), 1);
});

test('an answer that comes when another attempt holds the record is refused, counted and logged', async () => {
  const { gates, pay, tell } = await start({ on_unknown: 'retry', ttl: '1h', guard: '0s' });
  const key = freshKey();
  await tell({ plan: { settle: [...times(TRIES, 'late'), ...times(TRIES, 'lost')] } });
  assert.equal((await pay(key)).outcome, 'not-stored');
  await tell({ plan: { settle: [] }, step: 35_000 });
  const second = await pay(key);
  assertCreated(second);
  const attempts = (await payments.requests('x-label', key)).map(
    ({ headers }) => headers.find(([name]) => name.toLowerCase() === 'oncegate-attempt')[1],
  );
  assert.deepEqual(attempts, ['1', '2']);

  await tell({ deliver: true });
  assertReplayed(await pay(key), second);
  await tell({ alarm: true });
  const [, swept] = await until('the sweep is logged', () => /(\{.*"oncegate":"swept".*\})/.exec(gates.log));
  // What is logged before that has come before that.
  const stale = gates.log.split('\n').filter((line) => line.includes('"oncegate":"stale outcome"'));
  assert.ok(stale.length >= 1 && stale.every((line) => line.includes('"OtherAttempt"')), stale.join('\n'));
  assert.equal(JSON.parse(swept).details.counters.stale, stale.length);
});
