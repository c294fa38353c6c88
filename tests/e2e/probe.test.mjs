// On a route that says where, the origin is asked what became of a request whose outcome is unknown.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, originLines, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const probe = '/v1/payments/by-key/{key}';
const { gate, origin } = await serve([
  route('payments', '/v1/payments', { on_unknown: { probe } }),
  route('waiting', '/v1/payment_intents', { on_unknown: { probe }, on_duplicate: 'wait' }),
]);

const pay = (key, headers = {}, path = '/v1/payments') => {
  return gate.post(path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};

/** What the origin got with this label, as method and path. */
async function seen(label) {
  return (await origin.requests('x-label', label)).map(({ method, url }) => `${method} ${url}`);
}

test('what was executed after all is stored as the origin now tells it, and replayed', async () => {
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), 502, 'unknown');

  const found = await pay(key, { authorization: 'Bearer alice', 'if-none-match': '"e"', range: 'bytes=0-3' });
  assert.equal(found.status, 200, found.text);
  assert.equal(found.outcome, 'replayed');
  assert.equal(found.header('idempotency-replayed'), 'true');
  assert.equal(found.json.amount, PAYMENT.amount);
  const again = await pay(key);
  assertReplayed(again, found);
  assert.deepEqual(originLines(again), originLines(found));

  assert.deepEqual(await seen(key), ['POST /v1/payments', `GET /v1/payments/by-key/${key}`]);
  assert.equal(await origin.executions(key), 1);
  const [first, asked] = await origin.requests('x-label', key);
  const header = (request, name) => request.headers.find(([line]) => line.toLowerCase() === name)?.[1];
  assert.equal(header(asked, 'authorization'), 'Bearer alice');
  assert.equal(header(asked, 'idempotency-key'), key);
  assert.equal(header(asked, 'oncegate-fence'), header(first, 'oncegate-fence'));
  assert.equal(header(asked, 'oncegate-attempt'), '1');
  for (const name of ['if-none-match', 'range', 'content-type', 'content-length']) {
    assert.equal(header(asked, name), undefined, name);
  }
});

test('what was not executed is sent on as the next attempt', async () => {
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'before' }), 502, 'unknown');
  const created = await pay(key);
  assertCreated(created);
  assertReplayed(await pay(key), created);
  assert.deepEqual(await seen(key), ['POST /v1/payments', `GET /v1/payments/by-key/${key}`, 'POST /v1/payments']);
  assert.equal(await origin.executions(key), 1);
  const attempts = (await origin.requests('x-label', key)).map(
    ({ headers }) => headers.find(([name]) => name.toLowerCase() === 'oncegate-attempt')[1],
  );
  assert.deepEqual(attempts, ['1', '1', '2']);
});

for (const [what, headers] of [
  ['500', { 'x-test-fail': '500' }],
  ['401', { 'x-test-fail': '401' }],
  ['410', { 'x-test-fail': '410' }],
  ['a redirect', { 'x-test-fail': '302' }],
  ['nothing, and hangs up', { 'x-test-hang-up': 'before' }],
  ['half of it, and hangs up', { 'x-test-hang-up': 'after-headers' }],
  ['success that is not to be stored', { 'x-test-reply': '{"oncegate-store": "no"}' }],
]) {
  test(`an origin that answers ${what} has not said what became of it: it stays unknown`, async () => {
    const key = freshKey();
    assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), 502, 'unknown');
    assertProblem(await pay(key, headers), [502, 504], 'unknown');
    assertProblem(await pay(key, headers), [502, 504], 'unknown');
    assert.equal((await pay(key)).outcome, 'replayed', 'it may be asked again');
    assert.equal(await origin.executions(key), 1);
  });
}

test('concurrent retries ask once', async () => {
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), 502, 'unknown');
  const asking = pay(key, { 'x-test-hold': key });
  await origin.arrived(key, 2);
  const others = await Promise.all(Array.from({ length: 10 }, () => pay(key)));
  for (const other of others) assertProblem(other, 409, 'in-progress');
  await origin.go(key);
  assert.equal((await asking).outcome, 'replayed');
  assert.deepEqual(await seen(key), ['POST /v1/payments', `GET /v1/payments/by-key/${key}`]);
});

test('concurrent retries that wait get what the one that asks has learnt', async () => {
  const key = freshKey();
  const path = '/v1/payment_intents';
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }, path), 502, 'unknown');
  const asking = pay(key, { 'x-test-hold': key }, path);
  await origin.arrived(key, 2);
  const others = Promise.all(Array.from({ length: 5 }, () => pay(key, {}, path)));
  await origin.go(key);
  const found = await asking;
  for (const other of await others) assertReplayed(other, found);
  assert.deepEqual(await seen(key), [`POST ${path}`, `GET /v1/payments/by-key/${key}`]);
});

test('a key goes into the address escaped, and one that cannot is held', async () => {
  const key = `${freshKey()}/b?c#d%2e&`;
  assertProblem(await pay(`"${key}"`, { 'x-test-hang-up': 'before', 'x-label': 'odd' }), 502, 'unknown');
  assertCreated(await pay(`"${key}"`, { 'x-label': 'odd' }));
  const [, asked] = await seen('odd');
  assert.equal(asked, `GET /v1/payments/by-key/${encodeURIComponent(key)}`);

  // An origin that decodes before it resolves dots would take the second for another key.
  for (const [label, dots] of [['dots', '..'], ['dots-between', 'a/../b']]) {
    assertProblem(await pay(`"${dots}"`, { 'x-test-hang-up': 'before', 'x-label': label }), 502, 'unknown');
    assertProblem(await pay(`"${dots}"`, { 'x-label': label }), 502, 'unknown');
    assert.deepEqual(await seen(label), ['POST /v1/payments']);
  }
});

test('another payload is a mismatch, and asks nothing', async () => {
  const key = freshKey();
  assertProblem(await pay(key, { 'x-test-hang-up': 'after' }), 502, 'unknown');
  const other = await gate.post('/v1/payments', { key, json: { ...PAYMENT, amount: 5 }, headers: { 'x-label': key } });
  assertProblem(other, 422, 'mismatch');
  assert.deepEqual(await seen(key), ['POST /v1/payments']);
});

test('the origin is told which attempt it is asked about, so that it can refuse that one from then on', async () => {
  const own = await serve([route('impatient', '/v1/payments', { on_unknown: { probe }, timeout: '300ms' })]);
  const key = freshKey();
  const late = await own.gate.post('/v1/payments', {
    key,
    json: PAYMENT,
    headers: { 'x-label': key, 'x-test-delay-before': '1s' },
  });
  assertProblem(late, 504, 'unknown');
  // The origin has not executed it yet, and says so.
  const retried = await own.gate.post('/v1/payments', { key, json: PAYMENT, headers: { 'x-label': key } });
  assertCreated(retried);
  const fences = (await own.origin.requests('x-label', key)).map(
    ({ headers }) => headers.find(([name]) => name.toLowerCase() === 'oncegate-fence')[1],
  );
  assert.equal(fences[1], fences[0]);
  assert.notEqual(fences[2], fences[0]);
});
