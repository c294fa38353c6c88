// Many clients retry many keys at the same moment.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { test } from 'node:test';

import { PAYMENT, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const KEYS = 100;
const RETRIES = 50;
const CONNECTIONS = 500;

const { gate, origin } = await serve([route('payments', '/v1/payments')]);

test(`${RETRIES} concurrent retries of each of ${KEYS} keys make ${KEYS} payments`, async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const keys = Array.from({ length: KEYS }, () => freshKey());
  const begun = performance.now();
  // Round by round over all keys, so that those of one key are as far apart as the whole storm is wide.
  const sent = Array.from({ length: RETRIES }, () => {
    return keys.map((key) =>
      gate.post('/v1/payments', { key, json: PAYMENT, agent }).then((reply) => ({ key, reply })),
    );
  });
  const replies = await Promise.all(sent.flat());
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();

  assert.equal(await origin.count(), KEYS);
  const outcomes = { created: 0, replayed: 0, 'in-progress': 0 };
  for (const key of keys) {
    assert.equal(await origin.executions(key), 1, key);
    const mine = replies.filter((each) => each.key === key).map(({ reply }) => reply);
    const created = mine.filter((reply) => reply.outcome === 'created');
    assert.equal(created.length, 1, `${created.length} of ${key} were told that theirs was executed`);
    for (const reply of mine) {
      outcomes[reply.outcome] += 1;
      if (reply.outcome === 'in-progress') assertProblem(reply, 409, 'in-progress');
      else if (reply !== created[0]) assertReplayed(reply, created[0]);
    }
    const later = await gate.post('/v1/payments', { key, json: PAYMENT });
    assertReplayed(later, created[0]);
  }
  assert.equal(await origin.count(), KEYS);
  t.diagnostic(
    `${replies.length} replies in ${seconds.toFixed(1)} s, ${Math.round(replies.length / seconds)}/s: ` +
      JSON.stringify(outcomes),
  );
});
