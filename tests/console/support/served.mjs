// A gate with some routes, its operator, and a browser that shows its console: for all tests of a file.

import assert from 'node:assert/strict';

import { PAYMENT, route } from '../../e2e/support/expect.mjs';
import { serve } from '../../e2e/support/gate.mjs';
import { TOKEN, operatorOf } from '../../e2e/support/operator.mjs';
import { startBrowser } from './browser.mjs';

export const ALICE = 'Bearer alices-credential';

const ROUTES = [
  route('payments', '/v1/payments', { scope: ['header:Authorization'] }),
  route('orders', '/v1/orders', { key: ['json:/order'], mode: 'observe' }),
  route('many', '/v1/payment_intents', { shards: 2 }),
];

export async function serveConsole() {
  const { gate, origin } = await serve(ROUTES, { vars: { ADMIN_TOKEN: TOKEN } });
  const operator = operatorOf(gate);
  const browser = await startBrowser();
  const pay = (key, headers = {}, json = PAYMENT) => {
    return gate.post('/v1/payments', { key, json, headers: { authorization: ALICE, ...headers } });
  };
  return {
    gate,
    origin,
    operator,
    browser,
    /** A payment of Alice's. */
    pay,
    /** One that executes, and of which the gate does not know that. */
    doubt: async (key) => assert.equal((await pay(key, { 'x-test-hang-up': 'after' })).outcome, 'unknown'),
    /** What the API says of a payment's record. */
    recordOf: async (key) => (await operator.find('payments', { 'header:Authorization': ALICE }, [key])).json,
  };
}
