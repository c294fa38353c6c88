// Requests with keys, as fast as they are answered: for what is counted, and is no load to be measured.

import { Agent } from 'node:http';

import { send } from '../tests/e2e/support/http.mjs';
import { inParallel } from '../tests/e2e/support/parallel.mjs';

/** Sends a payment under each of so many keys, the same ones each time. Fails where one does not end like this. */
export async function payUnderKeys(url, count, outcome) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const headers = { authorization: 'Bearer alice' };
  try {
    await inParallel(Array.from({ length: count }, (_, key) => key), 16, async (key) => {
      const reply = await send(url, 'POST', '/v1/payments', { key: `key-${key}`, json: { amount: 1 }, headers, agent });
      if (reply.outcome !== outcome) throw new Error(`not ${outcome}, but ${reply.status}: ${reply.text}`);
    });
  } finally {
    agent.destroy();
  }
}
