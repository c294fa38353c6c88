// Records lie in many generations where some are kept for much longer than others. All of them are found, and of several rows of one
// key the newest counts.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertReplayed, route } from './support/expect.mjs';
import { send } from './support/http.mjs';
import { startOrigin } from './support/origin.mjs';
import { startWorkerd } from './support/workerd.mjs';

const LEDGER = 'payments/1/0';
const GENERATIONS = 12; // two statements' worth and more (src/ledger/generations.rs)

const origin = await startOrigin();
// A lease of 11 s and a ttl of 1 s: a generation is open for 3 s.
const fields = { ttl: '1s', guard: '0s', timeout: '1s', shards: 1 };
const gates = await startWorkerd({ origin, routes: [route('payments', '/v1/payments', fields)] });
after(async () => {
  await gates.stop();
  await origin.stop();
});

const pay = (key, keptFor) => {
  const headers = { 'x-test-reply': JSON.stringify({ 'oncegate-ttl': keptFor }) };
  return send(gates.url, 'POST', '/v1/payments', { key, json: PAYMENT, headers });
};

test('a key is found in whichever generation it is, and in the newest', async () => {
  const firsts = [];
  for (let wave = 0; wave < GENERATIONS; wave += 1) {
    await gates.tell(LEDGER, { step: wave * 4_000 });
    firsts.push(await pay(`of-wave-${wave}`, '1h'));
    assertCreated(firsts[wave]);
    // It is over at the next wave, and begins anew in the newest generation. The row before it stays with the others of its time.
    const anew = await pay('again-and-again', '1s');
    assertCreated(anew);
    assertReplayed(await pay('again-and-again', '1s'), anew);
  }
  const [{ tables }] = await gates.tell(LEDGER, {
    query: "SELECT count(*) AS tables FROM sqlite_master WHERE name GLOB 'g[0-9]*'",
  });
  assert.equal(tables, GENERATIONS);
  for (const [wave, first] of firsts.entries()) assertReplayed(await pay(`of-wave-${wave}`, '1h'), first);
  assert.equal(await origin.executions('again-and-again'), GENERATIONS);
});
