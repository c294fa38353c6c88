// docs/clients.md shows the code that the other tests here run.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { snippets } from './support/guide.mjs';

const FILES = ['guide/stripe.mjs', 'guide/axios.mjs', 'guide/payments.py', 'reqwest-retry/src/pay.rs', 'guide/pay.sh'];

test('the guide has these files as they are, in this order, and no other code', async () => {
  const read = (file) => readFile(join(import.meta.dirname, file), 'utf8');
  assert.deepEqual(await snippets(), await Promise.all(FILES.map(read)));
});
