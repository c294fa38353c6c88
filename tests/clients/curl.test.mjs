// curl, which retries when it is told to.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, freshKey, route } from '../e2e/support/expect.mjs';
import { serve } from '../e2e/support/gate.mjs';
import { Child } from '../e2e/support/processes.mjs';

const { gate, origin } = await serve([route('payments', '/v1/payments')]);

/** Pays by curl. Gives its exit code and the body that it printed. */
async function pay(key, ...options) {
  const headers = ['Content-Type: application/json', `Idempotency-Key: "${key}"`, `X-Label: ${key}`];
  const curl = new Child('curl', 'curl', [
    '--silent',
    '--fail-with-body',
    ...headers.flatMap((header) => ['--header', header]),
    ...['--data', JSON.stringify(PAYMENT)],
    ...['--retry-delay', '1'],
    ...options,
    `${gate.url}/v1/payments`,
  ]);
  const { code } = await curl.exited;
  return { code, output: curl.output };
}

test('a payment that the origin refuses twice is made at the third try', async () => {
  const key = freshKey();
  await origin.script({ fail: '503' }, { fail: '503' });
  const { code, output } = await pay(key, '--retry', '3');
  assert.equal(code, 0, output);
  assert.match(output, /"id":"pay_/);
  assert.equal(await origin.calls(key), 3);
  assert.equal(await origin.executions(key), 1);
});

test('a payment whose connection was lost is made once, and curl ends with an error', async () => {
  const key = freshKey();
  await origin.script({ 'hang-up': 'after' });
  const { code, output } = await pay(key, '--retry', '2');
  assert.equal(code, 22, output);
  assert.equal(await origin.calls(key), 1);
  assert.equal(await origin.executions(key), 1);
});

test('a payment that takes longer than curl waits is made once, and curl gets it by trying again', async () => {
  const key = freshKey();
  await origin.script({ delay: '2500ms' });
  const { code, output } = await pay(key, '--retry', '8', '--retry-all-errors', '--max-time', '1');
  assert.equal(code, 0, output);
  assert.match(output, /"id":"pay_/);
  assert.equal(await origin.calls(key), 1);
  assert.equal(await origin.executions(key), 1);
});
