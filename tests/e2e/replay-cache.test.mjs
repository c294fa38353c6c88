// What an isolate remembers of answers, on a route with `replay_cache`. There are two gates on the same ledgers, as there are many
// isolates at the edge; and where a ledger loses every claim, a replay can only come from memory.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { startOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { startWorkerd } from './support/workerd.mjs';

const LOST = Array(50).fill('lost');
const remembering = (name, path, fields) => route(name, path, { shards: 1, replay_cache: '5m', ...fields });

/** The origin has one address that executes. */
const service = `export default {
  fetch: (request) => fetch(new Request(request.url.replace(/v1\\/\\w+/, 'v1/payments'), request)),
};`;

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  service,
  adminToken: TOKEN,
  routes: [
    remembering('payments', '/v1/payments', { scope: ['header:X-Tenant'], keep_headers: ['set-cookie'] }),
    remembering('brief', '/v1/briefly', { ttl: '1s', guard: '0s' }),
    remembering('seconds', '/v1/refunds', { replay_cache: '1s' }),
    remembering('moving', '/v1/transfers', { shards: { count: 1, previous: 2 } }),
    remembering('early', '/v1/charges', { reply: 'early' }),
    route('forgetful', '/v1/orders', { shards: 1 }),
  ],
});
after(async () => {
  await gates.stop();
  await origin.stop();
});
const [url, twin] = gates.ports.map((port) => `http://127.0.0.1:${port}`);

const pay = (key, { at = url, path = '/v1/payments', json = PAYMENT, headers = {} } = {}) => {
  return send(at, 'POST', path, { key, json, headers: { 'x-tenant': 'ann', 'x-label': key, ...headers } });
};

/** Does something while a ledger hears of no claim. */
async function withoutLedger(ledger, work) {
  await gates.tell(ledger, { plan: { begin: LOST } });
  try {
    return await work();
  } finally {
    await gates.tell(ledger, { plan: { begin: [] } });
  }
}
const unavailable = (reply) => assertProblem(reply, 503, 'unavailable');

test('who has stored an answer replays it without its ledger, and others do once they have seen it', async () => {
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  await withoutLedger('payments/1/0', async () => {
    for (let time = 0; time < 3; time += 1) assertReplayed(await pay(key), first);
    unavailable(await pay(key, { at: twin }));
  });
  assertReplayed(await pay(key, { at: twin }), first);
  await withoutLedger('payments/1/0', async () => assertReplayed(await pay(key, { at: twin }), first));
  assert.equal(await origin.calls(key), 1);
});

for (const [what, instructions] of [
  ['cookies', { 'x-test-body': 'cookies' }],
  ['repeated headers', { 'x-test-body': 'repeated' }],
  ['binary bytes', { 'x-test-body': 'binary:60000' }],
  ['no bytes', { 'x-test-body': 'empty' }],
  ['204', { 'x-test-body': '204' }],
  ['304', { 'x-test-body': '304' }],
  ['a redirect', { 'x-test-body': '303' }],
  ['402', { 'x-test-status': '402' }],
]) {
  test(`from memory and from the ledger comes the same, to the last header: ${what}`, async () => {
    const key = freshKey();
    const headers = instructions;
    const first = await pay(key, { headers });
    assert.equal(first.outcome, 'created', first.text);
    const fromLedger = await pay(key, { at: twin, headers });
    assertReplayed(fromLedger, first);
    await withoutLedger('payments/1/0', async () => {
      for (const at of [url, twin]) {
        const remembered = await pay(key, { at, headers });
        assertReplayed(remembered, first);
        assert.deepEqual(remembered.lines, fromLedger.lines);
      }
    });
  });
}

test('what comes from memory is what comes on a route that remembers nothing', async () => {
  const key = freshKey();
  await pay(key, { path: '/v1/orders' });
  await pay(key);
  const names = ({ lines }) => lines.map(([name]) => name);
  assert.deepEqual(names(await pay(key)), names(await pay(key, { path: '/v1/orders' })));
  await withoutLedger('forgetful/1/0', async () => unavailable(await pay(key, { path: '/v1/orders' })));
});

test('a compressed answer is replayed from memory in a coding that the client takes', async () => {
  const key = freshKey();
  const as = (accepted) => pay(key, { headers: { 'x-test-body': 'gzip', 'accept-encoding': accepted } });
  const first = await as('gzip');
  assertCreated(first);
  await withoutLedger('payments/1/0', async () => {
    assertReplayed(await as('gzip'), first);
    const plain = await as('identity');
    assert.equal(plain.outcome, 'replayed');
    assert.equal(plain.header('content-encoding'), null);
    assert.equal(JSON.parse(plain.text).amount, PAYMENT.amount);
  });
});

test('nobody else gets an answer from memory: another payload, another scope, another query, another route', async () => {
  const key = freshKey();
  assertCreated(await pay(key));
  const others = { json: { ...PAYMENT, amount: 1 } };
  await withoutLedger('payments/1/0', async () => {
    unavailable(await pay(key, others));
    unavailable(await pay(key, { headers: { 'x-tenant': 'ben' } }));
    unavailable(await pay(key, { path: '/v1/payments?a=1' }));
  });
  assertProblem(await pay(key, others), 422, 'mismatch');
  assertCreated(await pay(key, { path: '/v1/refunds' }));
  assert.equal(await origin.executions(key), 2);
});

test('an answer is remembered for replay_cache, and then asked for again', async () => {
  const key = freshKey();
  const path = '/v1/refunds';
  const first = await pay(key, { path });
  assertCreated(first);
  await gates.tell('seconds/1/0', { step: 2000 });
  await withoutLedger('seconds/1/0', async () => unavailable(await pay(key, { path })));
  assertReplayed(await pay(key, { path }), first);
  await withoutLedger('seconds/1/0', async () => assertReplayed(await pay(key, { path }), first));
  await gates.tell('seconds/1/0', { step: 0 });
});

test('an answer is not remembered for longer than it is on record', async () => {
  const key = freshKey();
  const path = '/v1/briefly';
  const first = await pay(key, { path });
  assertCreated(first);
  assertReplayed(await pay(key, { path }), first);
  assertReplayed(await pay(key, { path, at: twin }), first);
  await gates.tell('brief/1/0', { step: 60_000 });
  assertCreated(await pay(key, { path }));
  assert.equal(await origin.calls(key), 2);
  await gates.tell('brief/1/0', { step: 0 });
});

for (const [what, instructions, path, ledger] of [
  ['an answer that is too large to be remembered', { 'x-test-body': 'binary:70000' }, '/v1/payments', 'payments/1/0'],
  ['an answer on a route whose records move', {}, '/v1/transfers', 'moving/1/0'],
]) {
  test(`${what} comes from the ledger each time`, async () => {
    const key = freshKey();
    const first = await pay(key, { path, headers: instructions });
    assertReplayed(await pay(key, { path, headers: instructions }), first);
    await withoutLedger(ledger, async () => unavailable(await pay(key, { path, headers: instructions })));
    assertReplayed(await pay(key, { path, headers: instructions }), first);
  });
}

test('an early reply is remembered once it has been replayed', async () => {
  const key = freshKey();
  const path = '/v1/charges';
  const first = await pay(key, { path });
  const replay = await until('it is on record', async () => {
    const reply = await pay(key, { path });
    return reply.outcome === 'replayed' && reply;
  });
  assertReplayed(replay, first);
  await withoutLedger('early/1/0', async () => assertReplayed(await pay(key, { path }), first));
});

test('what has no answer on record is not remembered', async () => {
  for (const [instructions, outcome] of [
    [{ 'x-test-fail': '503' }, 'released'],
    [{ 'x-test-hang-up': 'after' }, 'unknown'],
  ]) {
    const key = freshKey();
    assert.equal((await pay(key, { headers: instructions })).outcome, outcome);
    await withoutLedger('payments/1/0', async () => unavailable(await pay(key)));
  }
});

test('a record that an operator has forgotten is gone where he asked at once, and elsewhere when replay_cache is over', async () => {
  const operator = operatorOf({ send: (...request) => send(url, ...request) });
  const path = '/v1/refunds';
  const key = freshKey();
  const first = await pay(key, { path });
  assertReplayed(await pay(key, { path, at: twin }), first);
  const { id } = (await operator.find('seconds', {}, [key])).json;
  assert.equal((await operator.forget('seconds', id)).status, 200);
  const second = await pay(key, { path });
  assertCreated(second);
  assertReplayed(await pay(key, { path }), second);
  await until('the other gate replays the new answer', async () => (await pay(key, { path, at: twin })).text === second.text);
});
