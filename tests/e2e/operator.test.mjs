// What an operator is shown, and that nobody else is.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, freshKey, route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';
import { BECAUSE, TOKEN, assertOperatorProblem, operatorOf } from './support/operator.mjs';

const ROUTES = [
  route('payments', '/v1/payments', { scope: ['header:Authorization'], keep_headers: ['set-cookie'] }),
  route('orders', '/v1/{merchant}/orders', { key: ['json:/order', 'path:merchant'], scope: ['path:merchant'], shards: 2 }),
];
const ALICE = 'Bearer alices-credential';
const { gate, origin } = await serve(ROUTES, { vars: { ADMIN_TOKEN: TOKEN } });
const operator = operatorOf(gate);

const pay = (key, headers) => gate.post('/v1/payments', { key, json: PAYMENT, headers: { authorization: ALICE, ...headers } });
const find = (key, who = ALICE) => operator.find('payments', { 'header:Authorization': who }, [key]);

const ADDRESSES = [
  ['GET', 'config'],
  ['GET', 'counters'],
  ['GET', 'routes/payments/counters'],
  ['GET', 'routes/payments/records?state=unknown'],
  ['GET', `routes/payments/records/${'0'.repeat(64)}`],
  ['POST', 'routes/payments/records/find'],
  ['POST', `routes/payments/records/${'0'.repeat(64)}/resolve`],
  ['POST', `routes/payments/records/${'0'.repeat(64)}/forget`],
];

test('without a token set there is no operator: each address is as any unknown one', async (t) => {
  const off = await startGate({ origin, routes: ROUTES });
  t.after(() => off.stop());
  const headers = { authorization: `Bearer ${TOKEN}` };
  const lines = (reply) => reply.lines.filter(([name]) => name !== 'date');
  for (const [method, path] of ADDRESSES) {
    const nothing = await off.send(method, '/_oncegate/no/such/address', { headers });
    assert.equal(nothing.status, 404);
    const reply = await off.send(method, `/_oncegate/${path}`, { headers });
    assert.equal(reply.status, 404);
    assert.deepEqual(lines(reply), lines(nothing));
    assert.ok(reply.body.equals(nothing.body));
  }
});

test('without the token, or with another, nothing is told but that it is missing', async () => {
  const replies = [];
  for (const [method, path] of [...ADDRESSES, ['GET', 'no/such/address'], ['GET', 'routes/none/counters']]) {
    for (const authorization of [undefined, 'Bearer', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, TOKEN]) {
      const headers = authorization === undefined ? {} : { authorization };
      const reply = await gate.send(method, `/_oncegate/${path}`, { headers });
      assertOperatorProblem(reply, 401, 'unauthorized');
      assert.equal(reply.header('www-authenticate'), 'Bearer');
      replies.push(reply.text);
    }
  }
  assert.equal(new Set(replies).size, 1);
});

test('the case of the scheme does not count', async () => {
  const reply = await gate.send('GET', '/_oncegate/config', { headers: { authorization: `bEARER ${TOKEN}` } });
  assert.equal(reply.status, 200);
});

test('the page of problems stays public', async () => {
  assert.equal((await gate.send('GET', '/_oncegate/problems')).status, 200);
});

test('a token that is too short is a mistake in the configuration, and is not printed', async (t) => {
  const short = await startGate({ origin, routes: ROUTES, vars: { ADMIN_TOKEN: 'only-15-letters' } });
  t.after(() => short.stop());
  assert.equal((await short.send('GET', '/_oncegate/config')).status, 500);
  assert.match(short.log, /ADMIN_TOKEN/);
  assert.ok(!short.log.includes('only-15-letters'), short.log);
});

test('the configuration is shown with every default', async () => {
  const reply = await operator.get('config');
  assert.equal(reply.header('content-type'), 'application/json');
  assert.equal(reply.header('cache-control'), 'no-store');
  assert.equal(reply.json.origin, origin.url);
  const [payments, orders] = reply.json.routes;
  assert.equal(payments.name, 'payments');
  assert.deepEqual([payments.ttl, payments.guard, payments.timeout, payments.lease], ['1day', '15m', '25s', '35s']);
  assert.deepEqual([payments.max_request, payments.shards], ['1MiB', 8]);
  assert.deepEqual(orders.key, ['json:/order', 'path:merchant']);
});

test('an address that is not there says which are', async () => {
  assert.match(assertOperatorProblem(await operator.get('records'), 404, 'no-address').detail, /routes\/ROUTE\/records/);
  assert.match(assertOperatorProblem(await operator.get('routes/none/counters'), 404, 'no-route').detail, /payments, orders/);
  const wrong = await operator.post('config', {});
  assertOperatorProblem(wrong, 405, 'method');
  assert.equal(wrong.header('allow'), 'GET, HEAD');
});

test('a record is found by what its request had, and shown with all that happened to it', async () => {
  const key = freshKey();
  const first = await pay(key, { 'x-test-reply': '{"x-a": "1"}' });
  assertCreated(first);
  const found = await find(key);
  assert.equal(found.status, 200, found.text);
  const record = found.json;
  assert.match(record.id, /^[0-9a-f]{64}$/);
  assert.deepEqual([record.route, record.state, record.attempt], ['payments', 'completed', 1]);
  assert.match(record.ledger, /^payments\/8\/[0-7]$/);
  assert.ok(new Date(record.expires_at) - Date.now() > 24 * 3_600_000);
  assert.deepEqual(record.history.map(({ event }) => event), ['claimed', 'completed']);
  for (const { at } of record.history) assert.ok(Math.abs(new Date(at) - Date.now()) < 60_000, at);
  const [seen] = await origin.requests('idempotency-key', key);
  assert.deepEqual(seen.headers.filter(([name]) => name === 'oncegate-fence'), [['oncegate-fence', record.fence]]);

  assert.equal(record.response.status, 201);
  assert.equal(record.response.body_bytes, first.body.length);
  assert.equal(record.response.body_base64, undefined);
  assert.ok(record.response.headers.some(([name, value]) => name === 'x-a' && value === '1'), found.text);
  assert.deepEqual((await operator.look('payments', record.id)).json.history, record.history);

  const quoted = await find(`"${key}"`);
  assert.equal(quoted.json.id, record.id, 'k and "k" are one key');
});

test('a stored body is shown on demand: as text where it is text, in base64, and not where it is large', async () => {
  const body = async (kind) => {
    const key = freshKey();
    const first = await pay(key, { 'x-test-body': kind });
    assertCreated(first, first.status);
    const { id } = (await find(key)).json;
    return { first, response: (await operator.look('payments', id, '?body=1')).json.response };
  };
  const json = await body('json');
  assert.equal(json.response.body, json.first.text);
  assert.ok(Buffer.from(json.response.body_base64, 'base64').equals(json.first.body));
  for (const size of [200_000, 1_000_000]) {
    const { response } = await body(`binary:${size}`);
    assert.ok(Buffer.from(response.body_base64, 'base64').equals(binary(size)), `${size} bytes`);
    assert.equal(response.body, undefined);
  }
  const large = await body('binary:1100000');
  assert.equal(large.response.body_base64, undefined);
  assert.match(large.response.body_not_shown, /more than 1048576 bytes/);
});

test('a combined key is found by its parts', async () => {
  const reply = await gate.post('/v1/m%20y/orders', { json: { order: 17 } });
  assert.equal(reply.outcome, 'created', reply.text);
  const found = await operator.find('orders', { 'path:merchant': 'm y' }, [17, 'm y']);
  assert.equal(found.json.state, 'completed', found.text);
});

test('what is missing to find a record is named, and no value is repeated', async () => {
  const wrong = async (json, text) => {
    const problem = assertOperatorProblem(await operator.post('routes/payments/records/find', json), 400, 'malformed');
    assert.match(problem.detail, text);
    assert.ok(!problem.detail.includes('credential'));
  };
  await wrong({ scope: {}, key: ['k'] }, /"scope" must have "header:authorization"/);
  await wrong({ scope: { 'header:Authorization': ALICE }, key: [] }, /"key" has 0 parts/);
  await wrong({ scope: { 'header:Authorization': ALICE } }, /"key" must be a list/);
  await wrong('no JSON', /must be a JSON object/);
  assertOperatorProblem(await find(freshKey('never')), 404, 'no-record');
  const key = freshKey();
  await pay(key);
  assertOperatorProblem(await find(key, 'Bearer bob'), 404, 'no-record');
});

test('the counters of all ledgers are added up', async () => {
  const before = await operator.counters('payments');
  const all = await operator.counters();
  const key = freshKey();
  await pay(key);
  await pay(key);
  const after = await operator.counters('payments');
  assert.deepEqual([after.forwarded - before.forwarded, after.replayed - before.replayed], [1, 1]);
  assert.equal((await operator.counters()).completed - all.completed, 1);
  const reply = (await operator.get('counters')).json;
  assert.deepEqual([reply.routes, reply.ledgers, reply.next], [['payments', 'orders'], { asked: 10, of: 10 }, null]);
  assert.ok(reply.bytes > 0 && reply.largest.bytes > 0 && reply.generations > 0);
  assert.deepEqual((await operator.get('counters?from=8')).json.ledgers, { asked: 2, of: 10 });
});

test('a body that is too large is refused', async () => {
  const large = await operator.post('routes/payments/records/find', { scope: {}, key: ['x'.repeat(2 << 20)] });
  assertOperatorProblem(large, 413, 'too-large');
});

test('nothing below the gate\'s own addresses reaches the origin', async () => {
  const requests = await origin.requests();
  assert.ok(requests.length > 0);
  assert.deepEqual(requests.filter(({ path, url }) => `${path ?? url}`.includes('_oncegate')), []);
});

test('no key, credential or token is in the log or in storage', async () => {
  const key = freshKey('a-secret-key');
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), [502, 504], 'unknown');
  const { id } = (await find(key)).json;
  const settled = await operator.resolve('payments', id, { as: 'completed', response: { status: 200, body: 'a-secret-body' } });
  assert.equal(settled.status, 200, settled.text);
  await gate.child.stop('SIGINT');
  const secrets = [TOKEN, 'alices-credential', 'a-secret-key'];
  for (const secret of [...secrets, 'a-secret-body', BECAUSE.why]) assert.ok(!gate.log.includes(secret), secret);
  const changed = gate.log.split('\n').filter((line) => line.includes('"oncegate":"changed by an operator"'));
  assert.equal(changed.length, 1);
  const { details } = JSON.parse(changed[0].slice(changed[0].indexOf('{')));
  assert.deepEqual(details, { route: 'payments', record: id, who: 'alice', what: 'resolved as completed' });

  let bytes = 0;
  for (const name of await readdir(gate.state, { recursive: true })) {
    const content = await readFile(join(gate.state, name)).catch(() => Buffer.alloc(0)); // a folder
    bytes += content.length;
    for (const secret of secrets) assert.ok(!content.includes(secret), `${secret} is in ${name}`);
  }
  assert.ok(bytes > 0);
  await gate.restart();
});
