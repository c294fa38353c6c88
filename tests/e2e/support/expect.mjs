// What the contract says about replies, as assertions, and the small things that every test needs.

import assert from 'node:assert/strict';

/** What belongs to one connection and not to the answer. */
const FRAMING = ['connection', 'keep-alive', 'transfer-encoding', 'content-length'];
const GATES_OWN = ['idempotency-status', 'idempotency-replayed'];

let keys = 0;

/** A key that no other test of the file uses. */
export function freshKey(prefix = 'key') {
  keys += 1;
  return `${prefix}-${keys}`;
}

export const PAYMENT = { amount: 1000, currency: 'eur' };

/** A route of the example origin's payments: only what has no default, and what the test is about. */
export function route(name, path, fields = {}) {
  return { name, path, scope: 'public', ...fields };
}

/** The header lines of a reply that the origin answers for. */
export function originLines(reply) {
  return reply.lines.filter(([name]) => !FRAMING.includes(name) && !GATES_OWN.includes(name));
}

/** The reply to the request that was executed. */
export function assertCreated(reply, status = 201) {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.outcome, 'created');
  assert.equal(reply.header('idempotency-replayed'), null);
}

/** The reply to a retry, which has to be that to the first request. */
export function assertReplayed(reply, first) {
  assert.equal(reply.outcome, 'replayed', `${reply.status} ${reply.text.slice(0, 500)}`);
  assert.equal(reply.header('idempotency-replayed'), 'true');
  assert.equal(reply.status, first.status);
  assert.deepEqual(originLines(reply), originLines(first));
  assert.ok(reply.body.equals(first.body), `${reply.body.length} other bytes than the first ${first.body.length}`);
}

/** An answer of the gate itself: RFC 9457. Gives the problem. */
export function assertProblem(reply, status, outcome) {
  assert.equal(reply.outcome, outcome, `${reply.status} ${reply.text.slice(0, 500)}`);
  assert.ok([status].flat().includes(reply.status), `status ${reply.status} instead of ${status}`);
  assert.match(reply.header('content-type') ?? '', /^application\/problem\+json\b/);
  assert.equal(reply.json.status, reply.status);
  return reply.json;
}
