// A route with `mode = "observe"`: its requests go to the origin and its answers to the client as if the gate were not there, and what
// the gate would have done is said in a header, in the log and by the counters. A gate that enforces then knows what was observed.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

import { PAYMENT, assertCreated, assertReplayed, freshKey, originLines, route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { breakLedgers } from './support/ledgers.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { until } from './support/until.mjs';

const observing = (name, path, fields) => route(name, path, { mode: 'observe', shards: 1, ...fields });
const ROUTES = [
  observing('observed', '/v1/payments', { scope: ['header:X-Tenant'], max_request: '2KiB', keys_per_scope: { keys: 20, window: '1h' } }),
  observing('impatient', '/v1/payment_intents', { timeout: '300ms', on_unknown: { probe: '/v1/payments/by-key/{key}' } }),
  observing('optional', '/v1/orders/{id}', { methods: ['PATCH'], key: ['json:/id'], required: false }),
  observing('waiting', '/v1/orders', { on_duplicate: 'wait', wait: '30s', seal: true }),
];
const vars = { ADMIN_TOKEN: TOKEN, SEAL_KEY: Buffer.alloc(32, 7).toString('base64') };
const { gate, origin } = await serve(ROUTES, { vars });
const ORDER = { item: 'book' };
const operator = operatorOf(gate);
const off = await startGate({ origin, routes: ROUTES.map((fields) => ({ ...fields, mode: 'off', seal: false })) });
after(() => off.stop());

const pay = (key, { path = '/v1/payments', json = path.startsWith('/v1/orders') ? ORDER : PAYMENT, headers = {} } = {}) => {
  return gate.post(path, { key, json, headers: { 'x-tenant': 'ann', 'x-label': key ?? 'none', ...headers } });
};
const observed = (reply) => reply.header('oncegate-observed');
/** An answer is not held back for long where the ledger takes its time to say what it is. */
const assertObserved = (reply, value) => assert.ok([value, 'pending'].includes(observed(reply)), `${observed(reply)}, and not ${value}`);
/** What is said of a retry depends on whether the record of the first is there yet, which its client does not wait for. */
const onceKept = async (ask, value) => {
  let reply;
  await until(`it is observed as ${value}`, async () => observed((reply = await ask())) === value);
  return reply;
};
const logged = (details) => gate.log.split('\n').filter((line) => Object.values(details).every((part) => line.includes(part)));

test('a first request and its retry are both executed, and the retry is reported as a duplicate', async () => {
  const key = freshKey();
  const first = await pay(key);
  assert.equal(first.status, 201);
  assertObserved(first, 'created');
  assert.equal(first.outcome, null, 'the gate has marked what it did not answer');
  const before = await origin.executions(key);
  const retry = await onceKept(() => pay(key), 'replayed;duplicate');
  assert.equal(retry.status, 201);
  assert.equal(retry.outcome, null);
  assert.notEqual(retry.json.id, first.json.id);
  assert.ok((await origin.executions(key)) > before);
  await until('it is in the log', () => logged({ event: '"oncegate":"observed"', be: '"would_be":"replayed"', of: '"duplicate":true' }).length > 0);
  assert.ok(!gate.log.includes(key), 'the key is in the log');
});

test('how long a request takes to come is not counted into the time that the origin has', async () => {
  const head = ['x-tenant: ann', 'x-label: slow', `idempotency-key: "${freshKey()}"`, 'content-type: application/json', 'connection: close'];
  const bytes = rawRequest('POST', '/v1/payment_intents', head, JSON.stringify(PAYMENT));
  const socket = connect(new URL(gate.url).port, '127.0.0.1');
  socket.write(bytes.subarray(0, -1));
  await sleep(800);
  socket.write(bytes.subarray(-1));
  const reply = (await buffer(socket)).toString();
  assert.match(reply, /^HTTP\/1.1 201/);
  assert.match(reply, /oncegate-observed: (created|pending)\r/i);
});

test('the origin gets a request as it was sent, but for what only a gate may say', async () => {
  const key = freshKey();
  await pay(key, { headers: { 'oncegate-fence': 'forged', 'x-own': 'a', 'accept-encoding': 'gzip' } });
  const [sent] = await origin.requests('x-label', key);
  const names = sent.headers.map(([name]) => name.toLowerCase());
  assert.ok(!names.some((name) => name.startsWith('oncegate-')), names.join());
  for (const name of ['x-own', 'idempotency-key', 'content-length']) assert.ok(names.includes(name), `${name}: ${names.join()}`);
});

test('what would have been refused is executed, and reported', async () => {
  const key = freshKey();
  const first = await pay(key);
  const refused = [
    ['missing', await pay(undefined)],
    ['malformed', await pay('"')],
    ['unscoped', await gate.post('/v1/payments', { key: freshKey(), json: PAYMENT })],
    ['too-large', await pay(freshKey(), { json: { ...PAYMENT, note: 'x'.repeat(5000) } })],
    ['malformed', await gate.post('/v1;a/payments', { key: freshKey(), json: PAYMENT, headers: { 'x-tenant': 'ann' } })],
  ];
  for (const [value, reply] of refused.slice(0, 4)) {
    assertObserved(reply, value);
    assert.equal(reply.status, 201, `${value}: ${reply.text}`);
  }
  assertObserved(first, 'created');
  await onceKept(() => pay(key, { json: { ...PAYMENT, amount: 7 } }), 'mismatch');
});

test('a large body that is not announced reaches the origin whole, though it is not looked at to its end', async () => {
  const body = JSON.stringify({ ...PAYMENT, note: 'x'.repeat(3_000_000) });
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < body.length; at += 100_000) controller.enqueue(new TextEncoder().encode(body.slice(at, at + 100_000)));
      controller.close();
    },
  });
  const headers = { 'x-tenant': 'ann', 'idempotency-key': freshKey(), 'content-type': 'application/json' };
  const reply = await fetch(`${gate.url}/v1/payments`, { method: 'POST', body: stream, duplex: 'half', headers });
  assert.equal(reply.status, 201, await reply.text());
  assert.equal(reply.headers.get('oncegate-observed'), 'too-large');
});

test('a duplicate of a request that is still running does not wait for it', async () => {
  const key = freshKey();
  const held = pay(key, { path: '/v1/orders', headers: { 'x-test-hold': key } });
  await origin.arrived(key);
  const duplicate = await pay(key, { path: '/v1/orders' });
  assertObserved(duplicate, 'in-progress;duplicate');
  assert.equal(duplicate.status, 201);
  await origin.go(key);
  assertObserved(await held, 'created');
  await onceKept(() => pay(key, { path: '/v1/orders' }), 'replayed;duplicate');
});

test('an answer that comes too late, or not at all, would have been unknown; nobody is probed', async () => {
  const late = freshKey();
  const reply = await pay(late, { path: '/v1/payment_intents', headers: { 'x-test-delay': '700ms' } });
  assert.equal(reply.status, 201, 'the client has the late answer all the same');
  assertObserved(reply, 'unknown');
  await onceKept(() => pay(late, { path: '/v1/payment_intents' }), 'unknown;duplicate');
  const cut = await pay(freshKey(), { path: '/v1/payment_intents', headers: { 'x-test-hang-up': 'after' } });
  assert.equal(cut.status, 502);
  assert.equal((await origin.requests()).filter(({ method }) => method === 'GET').length, 0);
  const released = await pay(freshKey(), { path: '/v1/payment_intents', headers: { 'x-test-fail': '503' } });
  assert.equal(released.status, 503);
  assertObserved(released, 'released');
});

test('answers reach the client as if there were no gate', async () => {
  for (const kind of ['gzip', 'br', 'cookies', 'repeated', 'empty', '204', '304', '303', 'binary:300000']) {
    const key = freshKey();
    const headers = { 'x-test-body': kind, 'accept-encoding': 'gzip, br', 'x-label': key, 'x-tenant': 'ann' };
    const direct = await off.post('/v1/payments', { key, json: PAYMENT, headers });
    const through = await gate.post('/v1/payments', { key, json: PAYMENT, headers });
    assertObserved(through, 'created');
    assert.equal(through.status, direct.status, kind);
    const lines = (reply) => originLines(reply).filter(([name]) => !['oncegate-observed', 'location', 'date'].includes(name)).sort();
    assert.deepEqual(lines(through), lines(direct), kind);
    if (kind.startsWith('binary')) assert.ok(through.body.equals(direct.body));
  }
});

test('of a request without a key, where none is needed, nothing is said', async () => {
  const { id } = (await pay(freshKey(), { path: '/v1/orders' })).json;
  const change = (json, kind) => {
    const headers = { 'x-test-body': kind, 'accept-encoding': 'gzip', 'x-label': 'change' };
    return gate.send('PATCH', `/v1/orders/${id}`, { json, headers });
  };
  const unkeyed = await change({ item: 'two books' }, 'gzip');
  assert.deepEqual([unkeyed.status, observed(unkeyed), unkeyed.header('content-encoding')], [200, null, 'gzip']);
  assert.equal(JSON.parse(gunzipSync(unkeyed.body)).item, 'two books');
  assertObserved(await change({ item: 'three books', id: freshKey() }, 'gzip'), 'created');
});

test('the counters say what would have happened, and a duplicate that executed is an outcome refused', async () => {
  const key = freshKey();
  const count = () => operator.counters('observed');
  const before = await count();
  await pay(key);
  await onceKept(() => pay(key), 'replayed;duplicate');
  await until('the duplicate is counted', async () => {
    const after = await count();
    return after.replayed > before.replayed && after.stale > before.stale && after.completed > before.completed;
  });
});

test('where the ledger fails, the client notices nothing', async () => {
  const key = freshKey();
  await gate.child.stop('SIGINT');
  const mend = await breakLedgers(gate);
  await gate.restart();
  const reply = await pay(key);
  assert.equal(reply.status, 201);
  assert.match(observed(reply), /^(unavailable|pending)$/);
  await gate.child.stop('SIGINT');
  await mend();
  await gate.restart();
});

test('a gate that begins to enforce replays what was observed, byte for byte', async () => {
  const bodies = { gzip: { 'x-test-body': 'gzip', 'accept-encoding': 'gzip' }, plain: {}, binary: { 'x-test-body': 'binary:300000' } };
  const kept = [];
  for (const headers of Object.values(bodies)) {
    for (const path of ['/v1/payments', '/v1/orders']) {
      const key = freshKey();
      const first = await pay(key, { path, headers });
      assertObserved(first, 'created');
      kept.push({ key, path, headers, first });
    }
  }
  const unknown = freshKey();
  await pay(unknown, { path: '/v1/payment_intents', headers: { 'x-test-hang-up': 'after' } });
  await until('all is kept', async () => {
    const counts = await Promise.all(['observed', 'waiting', 'impatient'].map((name) => operator.counters(name)));
    return counts.every(({ forwarded, completed, released, doubted }) => forwarded <= completed + released + doubted);
  });

  await gate.redeploy(ROUTES.map(({ mode: _, ...fields }) => fields), vars);
  for (const { key, path, headers, first } of kept) {
    const replayed = await pay(key, { path, headers });
    const { status, body, lines } = first;
    assertReplayed(replayed, { status, body, lines: lines.filter(([name]) => name !== 'oncegate-observed') });
  }
  assert.equal((await pay(unknown, { path: '/v1/payment_intents' })).outcome, 'replayed', 'the probe has found that it executed');
  assertCreated(await pay(freshKey()));
});

test('a mode that is off lets everything through without a word', async () => {
  const reply = await off.post('/v1/payments', { key: freshKey(), json: PAYMENT });
  assert.deepEqual([reply.status, observed(reply), reply.outcome], [201, null, null]);
});
