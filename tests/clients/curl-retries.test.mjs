// curl's own retries.

import { join } from 'node:path';

import { PAYMENT } from '../e2e/support/expect.mjs';
import { payBy } from './support/programs.mjs';
import { testRetries } from './support/retries.mjs';

const SCRIPT = join(import.meta.dirname, 'guide/pay.sh');

const payment = JSON.stringify(PAYMENT);

function payByDefault(url, key, seconds) {
  const options = ['--silent', '--fail', '--retry', '1', '--retry-delay', '1', '--max-time', seconds];
  const headers = ['--header', 'Content-Type: application/json', '--header', `Idempotency-Key: "${key}"`];
  return payBy('curl', 'curl', [...options, ...headers, '--data', payment, url]);
}

await testRetries('curl', (rules, url, key, timeoutMs) => {
  const seconds = `${timeoutMs / 1000}`;
  return rules === 'guide' ? payBy('curl', SCRIPT, [url, key, payment, seconds]) : payByDefault(url, key, seconds);
});
