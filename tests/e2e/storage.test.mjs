// What a key costs in written rows, which is most of what a ledger costs: two over its whole life, and none for a replay.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { PAYMENT, assertCreated, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { until } from './support/until.mjs';

const KEYS = 1000;
const WAVES = 4;
const CLIENTS = 10;

// A lease of 12 s and a ttl of 1 s: a generation is open for 3.25 s and goes 13 s after it closed.
const { gate, origin } = await serve([
  route('payments', '/v1/payments', { ttl: '1s', guard: '0s', timeout: '2s', shards: 1 }),
]);

/** The counters that the ledger has written down at each sweep, oldest first. */
function sweeps() {
  const lines = gate.log.split('\n').filter((line) => line.includes('"oncegate":"swept"'));
  return lines.map((line) => JSON.parse(line.slice(line.indexOf('{'))).details);
}

test(`${KEYS} keys cost two rows each from claim to expiry, and their replays none`, async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  for (let wave = 0; wave < WAVES; wave += 1) {
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let pair = 0; pair < KEYS / WAVES / CLIENTS; pair += 1) {
          const key = freshKey();
          const first = await gate.post('/v1/payments', { key, json: PAYMENT, agent });
          assertCreated(first);
          assertReplayed(await gate.post('/v1/payments', { key, json: PAYMENT, agent }), first);
        }
      }),
    );
    // Each wave into a generation of its own.
    await sleep(Math.max(0, 3500 - (performance.now() - begun)));
  }
  agent.destroy();
  assert.equal(await origin.count(), KEYS);

  const last = await until('all generations are dropped', () => {
    return sweeps().find(({ generations, counters }) => generations === 0 && counters.completed === KEYS);
  }, { seconds: 40, everyMs: 200 });
  const { counters } = last;
  t.diagnostic(`rows: ${counters.record_rows} for records, ${counters.other_rows} for ${counters.dropped} generations`);
  assert.equal(counters.replayed, KEYS);
  assert.ok(counters.dropped >= WAVES, `only ${counters.dropped} generations`);
  assert.equal(counters.record_rows, 2 * KEYS);
  // The ledger's own table costs 2. A generation costs its table (2), a note of it and the alarm when it is opened, and the
  // same when it goes.
  assert.ok(counters.other_rows <= 2 + 6 * counters.dropped, `${counters.other_rows} rows beside the records`);
});
