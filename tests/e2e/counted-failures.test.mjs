// Calls to a ledger that fail are counted by it when it is told of them: with the next claim that reaches it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const origin = await startOrigin();
const gates = await startWorkerd({ origin, adminToken: TOKEN, routes: [route('payments', '/v1/payments', { shards: 1 })] });
after(async () => {
  await gates.stop();
  await origin.stop();
});
const gate = { send: (method, path, options) => send(gates.url, method, path, options) };
const operator = operatorOf(gate);
const pay = () => gate.send('POST', '/v1/payments', { key: freshKey(), json: PAYMENT });
const failures = async () => (await operator.counters('payments')).ledger_failures;

test('each failed call is counted once, when another claim tells of it', async () => {
  assertCreated(await pay());
  assert.equal(await failures(), 0);
  await gates.tell('payments/1/0', { plan: { begin: ['lost', 'lost'] } });
  assertCreated(await pay());
  assertCreated(await pay());
  assert.equal(await failures(), 2);
  assertCreated(await pay());
  assert.equal(await failures(), 2);
});
