// Where Workers Analytics Engine is bound, each keyed request is a data point. The binding is a mock: see support/analytics.js.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  routes: [route('payments', '/v1/payments', { log: 0 }), route('broken', '/v1/payment_intents')],
  wrapper: [join(import.meta.dirname, 'support/analytics.js')],
});
after(async () => {
  await gates.stop();
  await origin.stop();
});
const pay = (key, path = '/v1/payments') => send(gates.url, 'POST', path, { key, json: PAYMENT, headers: { 'x-test-delay': '60ms' } });

test('each keyed request is a data point of its route, outcome, status, attempt and times', async () => {
  const key = freshKey('secret');
  assertCreated(await pay(key));
  await pay(key);
  assertProblem(await pay(undefined), 400, 'missing');
  assert.equal((await send(gates.url, 'GET', '/v1/unguarded', {})).status, 404);
  const points = (await send(gates.url, 'GET', '/_points', {})).json;
  assert.deepEqual(
    points.map(({ indexes, blobs, doubles: [status, attempt] }) => [...indexes, ...blobs, status, attempt]),
    [
      ['payments', 'payments', 'created', 201, 1],
      ['payments', 'payments', 'replayed', 201, 0],
      ['payments', 'payments', 'missing', 400, 0],
    ],
  );
  const [, , total, ledger, ofOrigin] = points[0].doubles;
  assert.ok(ofOrigin >= 50 && total >= ofOrigin + ledger - 1, points[0].doubles.join());
  assert.ok(!JSON.stringify(points).includes(key));
});

test('a data point that is not taken changes nothing', async () => {
  const key = freshKey();
  const first = await pay(key, '/v1/payment_intents');
  assertCreated(first);
  assert.equal((await pay(key, '/v1/payment_intents')).outcome, 'replayed');
});
