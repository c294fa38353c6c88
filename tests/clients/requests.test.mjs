// Python's requests, with the retries of urllib3.

import { join } from 'node:path';

import { PAYMENT } from '../e2e/support/expect.mjs';
import { INSTALLED, payBy } from './support/programs.mjs';
import { testRetries } from './support/retries.mjs';

const PYTHON = join(INSTALLED, 'python/bin/python');
const PROGRAM = join(import.meta.dirname, 'requests_client.py');

await testRetries('requests', (rules, url, key, timeoutMs) =>
  payBy('requests', PYTHON, [PROGRAM, rules, url, key, JSON.stringify(PAYMENT), `${timeoutMs / 1000}`]),
);
