// A client that hangs up does not cut its request off: what was begun is finished and recorded.
//
// Standalone workerd does not notice a plain HTTP disconnect, so the client here is another Worker, which calls the gate
// through a service binding and aborts the call. Both run in one workerd.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, freshKey, route } from './support/expect.mjs';
import { startOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { IMPATIENT_CALLER, startWorkerd } from './support/workerd.mjs';

const origin = await startOrigin();
after(() => origin.stop());

/** A gate, and what pays through it. */
async function start(options) {
  const routes = [route('payments', '/v1/payments', { on_duplicate: 'wait', ...options })];
  const { url, stop } = await startWorkerd({ caller: IMPATIENT_CALLER, origin, routes });
  after(stop);
  return async (key, headers = {}) => {
    const response = await fetch(new URL('/v1/payments', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `"${key}"`, ...headers },
      body: JSON.stringify(PAYMENT),
    });
    return { status: response.status, outcome: response.headers.get('idempotency-status'), text: await response.text() };
  };
}

// Where answers may be remembered a request is read before it is put inside waitUntil.
for (const [where, options] of [
  ['', {}],
  [' where answers may be remembered', { replay_cache: '30s' }],
]) {
  const pay = await start(options);

  test(`a payment whose client hangs up while the origin works is recorded, and its retry replayed${where}`, async () => {
    const key = freshKey();
    const gone = pay(key, { 'x-patience': '300', 'x-test-hold': key, 'x-label': key });
    await origin.arrived(key);
    assert.deepEqual(await gone, { status: 499, outcome: null, text: 'TimeoutError' });
    await origin.go(key);
    const retry = await until('the answer is recorded', async () => {
      const reply = await pay(key);
      return reply.outcome === 'replayed' && reply;
    });
    assert.equal(retry.status, 201);
    assert.equal(await origin.executions(key), 1);
  });

  test(`a client that hangs up before the origin was reached has paid once or not at all${where}`, async () => {
    for (const patience of [0, 1, 2, 5, 10, 20]) {
      const key = freshKey();
      await pay(key, { 'x-patience': String(patience) });
      const retry = await until('the key is settled', async () => {
        const reply = await pay(key);
        return ['created', 'replayed'].includes(reply.outcome) && reply;
      });
      assert.equal(retry.status, 201, `${patience} ms: ${retry.text}`);
      assert.equal(await origin.executions(key), 1);
    }
  });
}
