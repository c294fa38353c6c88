// The way from a client to the gate: what is asked and answered on it is noted, and an answer can be lost.

import { after } from 'node:test';
import { buffer } from 'node:stream/consumers';

import { originLines } from '../../e2e/support/expect.mjs';
import { send } from '../../e2e/support/http.mjs';
import { handmadeOrigin } from '../../e2e/support/origin.mjs';

/** What a key is, whether it comes quoted or bare. */
export const keyOf = (headers) => headers['idempotency-key']?.replaceAll('"', '');

/** Lays a way to `gate`, for all tests of a file. */
export async function layWire(gate) {
  const requests = [];
  const toLose = new Set();

  async function handOn(incoming, outgoing) {
    const { method, url, headers } = incoming;
    const request = { key: keyOf(headers), answer: null };
    requests.push(request);
    const gone = new AbortController();
    outgoing.on('close', () => gone.abort());
    const body = await buffer(incoming);
    const reply = await send(gate.url, method, url, { headers, body, signal: gone.signal });
    request.answer = { status: reply.status, outcome: reply.outcome };
    if (toLose.delete(request.key)) return incoming.socket.resetAndDestroy();
    const lines = [...originLines(reply).flat(), 'idempotency-status', reply.outcome];
    return outgoing.writeHead(reply.status, [...lines, 'content-length', reply.body.length]).end(reply.body);
  }

  const server = await handmadeOrigin((incoming, outgoing) => {
    handOn(incoming, outgoing).catch(() => outgoing.destroy()); // one side has hung up
  });
  after(() => server.stop());
  return {
    url: server.url,
    port: server.port,

    /** The requests with this key, each with the `answer` that came back, if one did. */
    requests: (key) => requests.filter((request) => request.key === key),

    /** Whether one of them was answered with this status. */
    hasAnswered: (key, status) => requests.some((request) => request.key === key && request.answer?.status === status),

    /** Loses the next answer to this key, and its connection. */
    loseAnswer: (key) => toLose.add(key),
  };
}
