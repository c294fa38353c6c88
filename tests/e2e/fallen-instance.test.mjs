// After an exception out of the blue, such as for want of memory, the Wasm is started anew: the next request is served, by a ledger
// that knows what was stored.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertReplayed, freshKey, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const origin = await startOrigin();
const wrapper = [join(import.meta.dirname, 'support/throwing.js')];
const gates = await startWorkerd({ origin, routes: [route('payments', '/v1/payments')], wrapper });
after(async () => {
  await gates.stop();
  await origin.stop();
});

test('requests are served again after the platform has thrown out of the blue', async () => {
  const pay = (key, headers) => send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT, headers });
  const key = freshKey();
  const first = await pay(key);
  assertCreated(first);
  for (let round = 0; round < 3; round += 1) {
    const spoilt = await pay(freshKey(), { 'x-throw': '1' });
    assert.equal(spoilt.status, 500, 'it is seen that something went wrong');
    assertReplayed(await pay(key), first);
    assertCreated(await pay(freshKey()));
  }
});
