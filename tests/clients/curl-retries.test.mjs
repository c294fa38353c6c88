// curl's own retries.

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, freshKey } from '../e2e/support/expect.mjs';
import { freePort } from '../e2e/support/port.mjs';
import { Child } from '../e2e/support/processes.mjs';
import { payBy } from './support/programs.mjs';
import { testRetries } from './support/retries.mjs';

const SCRIPT = join(import.meta.dirname, 'guide/pay.sh');

const payment = JSON.stringify(PAYMENT);

function payByDefault(url, key, seconds) {
  const options = ['--silent', '--fail', '--retry', '1', '--retry-delay', '1', '--max-time', seconds];
  const headers = ['--header', 'Content-Type: application/json', '--header', `Idempotency-Key: "${key}"`];
  return payBy('curl', 'curl', [...options, ...headers, '--data', payment, url]);
}

const { wire, origin } = await testRetries('curl', (rules, url, key, timeoutMs) => {
  const seconds = `${timeoutMs / 1000}`;
  return rules === 'guide' ? payBy('curl', SCRIPT, [url, key, payment, seconds]) : payByDefault(url, key, seconds);
});

test('curl, as below, connection refused: asks again, and the payment is made', async () => {
  const [key, port] = [freshKey(), await freePort()];
  const curl = new Child('curl', SCRIPT, [`http://127.0.0.1:${port}/v1/payments`, key, payment]);
  await curl.says(/^curl: \(7\)/m);

  const way = createServer((client) => {
    const toGate = connect(wire.port, '127.0.0.1');
    for (const socket of [client, toGate]) socket.on('error', () => {});
    client.pipe(toGate).pipe(client);
  });
  after(() => way.close());
  way.listen(port, '127.0.0.1');
  assert.equal((await curl.exited).code, 0, curl.output);
  assert.match(curl.output, /"id":"pay_/);
  assert.equal(await origin.executions(key), 1);
});
