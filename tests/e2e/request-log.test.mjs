// What is told of each keyed request: a line in the log, to whoever asks the times, and to the origin of which trace it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments', { scope: ['header:X-Tenant'], max_request: '2KiB' }),
  route('silent', '/v1/orders', { log: 0 }),
  route('sampled', '/v1/payment_intents', { log: 0.5 }),
]);
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const secret = 'Bearer a-credential-of-ann';

const pay = (key, { path = '/v1/payments', headers = {}, json = PAYMENT } = {}) => {
  return gate.post(path, { key, json, headers: { 'x-tenant': secret, 'x-label': key ?? 'none', ...headers } });
};
/** The details of the lines about requests that came since this was last called. */
let seen = 0;
function lines() {
  const all = gate.log.split('\n').flatMap((line) => {
    const json = /\{.*\}/.exec(line)?.[0];
    return json?.includes('"oncegate":"request"') ? [JSON.parse(json)] : [];
  });
  const fresh = all.slice(seen);
  seen = all.length;
  return fresh.map(({ level, details }) => ({ level, ...details }));
}
/** That of the one request that is sent. */
async function lineOf(send) {
  lines();
  const reply = await send();
  const found = [];
  await until('there is a line', () => found.push(...lines()) > 0);
  assert.equal(found.length, 1, JSON.stringify(found));
  return { reply, line: found[0] };
}

test('a request, its retry and a conflict have a line each, which say what came of them', async () => {
  const key = freshKey();
  const { reply: created, line: first } = await lineOf(() => pay(key, { headers: { 'x-test-delay': '60ms' } }));
  assertCreated(created);
  assert.deepEqual([first.level, first.route, first.outcome, first.status], ['info', 'payments', 'created', 201]);
  assert.match(first.record, /^[0-9a-f]{64}$/);
  assert.match(first.attempt.fence, /^[0-9a-f]{32}$/);
  assert.equal(first.attempt.number, 1);
  const [sent] = await origin.requests('x-label', key);
  const fence = sent.headers.find(([name]) => name.toLowerCase() === 'oncegate-fence')[1];
  assert.equal(first.attempt.fence, fence, 'the line names the attempt that the origin was told');
  assert.ok(first.ms.origin >= 50 && first.ms.total >= first.ms.origin, JSON.stringify(first.ms));

  const { line: retry } = await lineOf(() => pay(key));
  assert.deepEqual([retry.outcome, retry.status, retry.attempt, retry.ms.origin], ['replayed', 201, null, 0]);
  assert.equal(retry.record, first.record);
  const { line: other } = await lineOf(() => pay(key, { json: { ...PAYMENT, amount: 1 } }));
  assert.deepEqual([other.outcome, other.status, other.record], ['mismatch', 422, first.record]);
});

test('what is refused before it has a record has a line, too', async () => {
  const refused = [
    ['missing', () => pay(undefined)],
    ['malformed', () => pay('"')],
    ['unscoped', () => gate.post('/v1/payments', { key: freshKey(), json: PAYMENT })],
    ['too-large', () => pay(freshKey(), { json: { ...PAYMENT, note: 'x'.repeat(3000) } })],
  ];
  for (const [outcome, send] of refused) {
    const { reply, line } = await lineOf(send);
    assertProblem(reply, line.status, outcome);
    assert.deepEqual([line.route, line.outcome, line.record, line.attempt], ['payments', outcome, null, null]);
  }
});

test('no key, scope or credential is in the log, and nothing can forge a line', async () => {
  const key = 'a-key-that-is-seen-nowhere-else';
  const { line } = await lineOf(() => pay(key, { headers: { traceparent: `00-${TRACE}\\n{"oncegate":"request"}-01` } }));
  assert.equal(line.trace, null, 'what is no trace is not told');
  for (const text of [key, secret]) assert.ok(!gate.log.includes(text), text);
});

test('the trace is told to the origin as it came, and to the log', async () => {
  const key = freshKey();
  const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
  const { line } = await lineOf(() => pay(key, { headers: { traceparent, tracestate: 'a=b' } }));
  assert.equal(line.trace, TRACE);
  const [sent] = await origin.requests('x-label', key);
  const told = Object.fromEntries(sent.headers.map(([name, value]) => [name.toLowerCase(), value]));
  assert.deepEqual([told.traceparent, told.tracestate], [traceparent, 'a=b']);
});

test('a route says of which share of its keys there are lines: all requests of a key, or none', async () => {
  lines();
  assertCreated(await pay(freshKey(), { path: '/v1/orders', json: { item: 'book' } }));
  const keys = Array.from({ length: 40 }, () => freshKey());
  for (const key of keys) {
    const first = await pay(key, { path: '/v1/payment_intents' });
    assertReplayed(await pay(key, { path: '/v1/payment_intents' }), first);
  }
  await pay(freshKey());
  const found = [];
  await until('there is the line of what came last', () => {
    found.push(...lines());
    return found.at(-1)?.route === 'payments';
  });
  found.pop();
  assert.ok(found.every(({ route }) => route === 'sampled'));
  const byRecord = Map.groupBy(found, ({ record }) => record);
  // That all or none of 40 are in a half would happen once in 500 thousand million times.
  assert.ok(byRecord.size > 0 && byRecord.size < keys.length, `${byRecord.size} of ${keys.length}`);
  for (const both of byRecord.values()) assert.deepEqual(both.map(({ outcome }) => outcome), ['created', 'replayed']);
});

test('who asks for the times gets them, of a first request and of a replay, and nobody else does', async () => {
  const key = freshKey();
  const headers = { 'oncegate-timing': '?1' };
  const first = await pay(key, { headers: { ...headers, 'x-test-delay': '60ms' } });
  assertCreated(first);
  const [, ledger, of, total] = /^ledger;dur=(\d+), origin;dur=(\d+), gate;dur=(\d+)$/.exec(first.header('server-timing')).map(Number);
  assert.ok(of >= 50 && total >= of + ledger - 5, first.header('server-timing'));
  const replay = await pay(key, { headers });
  assert.match(replay.header('server-timing'), /^ledger;dur=\d+, origin;dur=0, gate;dur=\d+$/);
  assert.equal(replay.outcome, 'replayed');
  assert.ok(replay.body.equals(first.body));
  assert.equal((await pay(key)).header('server-timing'), null);
  const [sent] = await origin.requests('x-label', key);
  assert.ok(!sent.headers.some(([name]) => name.toLowerCase() === 'oncegate-timing'));
});
