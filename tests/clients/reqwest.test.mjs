// Rust's reqwest with reqwest-retry.

import { join } from 'node:path';

import { PAYMENT } from '../e2e/support/expect.mjs';
import { INSTALLED, payBy } from './support/programs.mjs';
import { testRetries } from './support/retries.mjs';

const PROGRAM = join(INSTALLED, 'reqwest-retry/debug/reqwest-retry-client');

await testRetries('reqwest-retry', (rules, url, key, timeoutMs) =>
  payBy('reqwest-retry', PROGRAM, [rules, url, key, JSON.stringify(PAYMENT), `${timeoutMs}`]),
);
