// workerd is killed (kill -9) before and after each step of a request, and started again on the same ledgers. Then each
// who may come next comes: what they are told, and how often the origin executes, is in the tables below, from GUARANTEES.md.
//
// One kill serves the requests of all cells, each held at its point. Only where workerd itself stands still, in the midst
// of a body, can there be but one at a time. The lease's end is a step of the clock; restart.test.mjs waits for a real one.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { HALF_WRITTEN, LEASE_MS, crash, startCrashing } from './support/crash.mjs';
import { assertCreated, assertProblem, assertReplayed } from './support/expect.mjs';
import { inParallel } from './support/parallel.mjs';

/** The points, what is on disk when workerd dies there, and how often the origin has executed by then or yet will. */
const POINTS = [
  ['the request has half come', 'nothing', 0],
  ['the claim is on its way', 'nothing', 0],
  ['the claim is written, not durable', 'nothing', 0],
  ['the claim is durable, its answer on its way', 'the claim', 0],
  ['the origin is called', 'the claim', 1],
  ['the origin has executed', 'the claim', 1],
  ['the origin is answering', 'the claim', 1],
  ['the outcome is on its way', 'the claim', 1],
  [HALF_WRITTEN, 'the claim', 1],
  ['the outcome is written, not durable', 'the claim', 1],
  ['the outcome is durable, its answer on its way', 'the answer', 1],
  ['the reply is given', 'the answer', 1],
];

/** What is said to each who comes then, by what is on disk. */
const SAID = [
  ['a retry at once', { nothing: 'created', 'the claim': 'in-progress', 'the answer': 'replayed' }],
  ['another body at once', { nothing: 'created', 'the claim': 'mismatch', 'the answer': 'mismatch' }],
  ['another tenant at once', { nothing: 'created', 'the claim': 'created', 'the answer': 'created' }],
  ['a retry after the lease', { nothing: 'created', 'the claim': 'unknown', 'the answer': 'replayed' }],
  ['another body after the lease', { nothing: 'created', 'the claim': 'mismatch', 'the answer': 'mismatch' }],
];

/**
 * Answers in the record's own row, and in rows of their own; given when they are stored, and while they are. How large an answer
 * is makes no difference before it begins.
 */
const MODES = ['small, stored', 'small, early', 'large, stored', 'large, early'];
const WITHOUT_SIZE = /^the request|^the claim|^the origin (is called|has)/;

/** So many of them come at a time: a busy machine shall not be taken for one that has failed. */
const AT_A_TIME = 4;

const STATUS = { 'in-progress': 409, mismatch: 422, unknown: [502, 504] };
const WHOLE_FOR_EARLY = /^the outcome is (?!half)|^the reply/;

const cells = POINTS.flatMap(([point, left, executions]) => {
  const unneeded = WITHOUT_SIZE.test(point) ? 'large' : point === HALF_WRITTEN ? 'small' : undefined;
  const modes = MODES.filter((mode) => !mode.startsWith(unneeded));
  return modes.flatMap((mode) => {
    return SAID.map(([who, said]) => ({ point, mode, who, left, executions, outcome: said[left] }));
  });
});

const crashing = await startCrashing(POINTS.map(([point]) => point));
after(() => crashing.stop());
before(letHappen);

test('no cell of the matrix is missing', () => {
  assert.equal(cells.length, 5 * (6 * 2 + 5 * 4 + 1 * 2));
  assert.equal(new Set(cells.map(({ point, mode, who }) => `${point} ${mode} ${who}`)).size, 170);
  assert.ok(cells.every(({ reply }) => reply));
});

for (const cell of cells) {
  const { point, mode, who, executions, outcome } = cell;
  test(`workerd is killed when ${point} (${mode}): ${who} is told ${outcome}`, () => {
    const { origin } = crashing;
    const { key, reply, first } = cell;
    const [ours, theirs] = ['alice', 'bob'].map((tenant) => origin.executions(tenant, key));

    if (outcome === 'created') {
      assertCreated(reply);
      assert.ok(reply.body.equals((isOther(who) ? theirs : ours).at(-1)), 'its own execution answers it');
      assertReplayed(cell.again, reply);
    } else if (outcome === 'replayed') {
      if (first.reply) assertReplayed(reply, first.reply);
      assert.equal(reply.status, 201);
      assert.equal(reply.header('x-execution'), ours[0].toString('hex', 0, 8));
      assert.ok(reply.body.equals(ours[0]));
    } else {
      assertProblem(reply, STATUS[outcome], outcome);
    }
    assert.equal(ours.length, executions + (outcome === 'created' && !isOther(who) ? 1 : 0));
    if (isOther(who)) assert.equal(theirs.length, 1);

    // A machine so busy that a Worker gives up before it is killed changes nothing but what that one says: no promise.
    const isPromised = point === 'the reply is given' || mode.endsWith('early');
    if (!isPromised) assert.notEqual(first.reply?.outcome, 'created');
    else if (WHOLE_FOR_EARLY.test(point)) assert.ok(first.received.equals(ours[0]));
    else if (executions > 0) assert.ok(first.received.equals(ours[0].subarray(0, first.received.length)));
  });
}

/** Two crashes, and all who come afterwards. */
async function letHappen() {
  const isSecond = ({ point, mode }) => point === HALF_WRITTEN && mode.endsWith('early');
  for (const round of [cells.filter((cell) => !isSecond(cell)), cells.filter(isSecond)]) {
    await crash(crashing, round);
    await come(round.filter(({ who }) => who.endsWith('at once')));
  }
  crashing.origin.go();
  await crashing.gates.tell(crashing.ledger(cells[0]), { step: LEASE_MS });
  await come(cells.filter(({ who }) => who.endsWith('after the lease')));
}

async function come(those) {
  await inParallel(those, AT_A_TIME, comeTo);
}

async function comeTo(cell) {
  const request = { tenant: isOther(cell.who) ? 'bob' : 'alice', amount: cell.who.startsWith('another body') ? 2 : 1 };
  cell.reply = await crashing.pay(cell, request);
  if (cell.reply.outcome === 'created') cell.again = await crashing.pay(cell, request);
}

function isOther(who) {
  return who.startsWith('another tenant');
}
