// What can be counted, and so is the same on every machine: calls to the ledger, written rows, the size of the Wasm.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { send } from '../tests/e2e/support/http.mjs';
import { until } from '../tests/e2e/support/until.mjs';
import { builtWorker } from '../tests/e2e/support/workerd.mjs';
import { payUnderKeys } from './keys.mjs';
import { startWorkerd } from './workerd.mjs';

const KEYS = 2000;
// All keys in one generation, which is gone within a minute.
const ROUTE = {
  name: 'payments',
  log: 0,
  path: '/v1/payments',
  scope: ['header:Authorization'],
  ttl: '15s',
  guard: '0s',
  timeout: '1s',
  shards: 1,
};

/**
 * Counts, and gives each count with its target. Most of the time it waits for records to expire, and takes nothing of the machine: then it
 * does `meanwhile`.
 */
export async function count({ origin, folder, meanwhile }) {
  const built = await builtWorker();
  const modules = [join(import.meta.dirname, 'workers/counting.js'), ...built];
  const bindings = { ORIGIN: origin.url, ROUTES: [ROUTE] };
  const gate = await startWorkerd({ name: 'the gate that is counted', modules, bindings, hasLedger: true, folder });
  const counted = await countRequests(gate, meanwhile).finally(() => gate.stop());
  const wasm = readFileSync(built.find((file) => file.endsWith('.wasm')));
  return [
    ...counted,
    { name: 'Wasm, gzip -9, bytes', value: gzipSync(wasm, { level: 9 }).length, most: 150_000 },
  ];
}

async function countRequests(gate, meanwhile) {
  const counts = async () => (await send(gate.url, 'GET', '/counts')).json;
  const ask = async (status) => {
    const before = await counts();
    await payUnderKeys(gate.url, KEYS, status);
    const after = await counts();
    return { calls: (after.calls - before.calls) / KEYS, rows: (after.rows - before.rows) / KEYS };
  };
  const first = await ask('created');
  const replay = await ask('replayed');
  const areGone = () => gate.log().includes('"generations":0');
  await Promise.all([until('the records are gone', areGone, { seconds: 120, everyMs: 250 }), meanwhile()]);
  const { rows } = await counts();
  return [
    { name: 'ledger calls of a first request', value: first.calls, most: 2 },
    { name: 'ledger calls of a replay', value: replay.calls, most: 1 },
    { name: 'rows written by a replay', value: replay.rows, most: 0 },
    { name: `rows written per key over its life (${KEYS} keys)`, value: rows / KEYS, most: 2.01 },
  ];
}
