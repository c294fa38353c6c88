// A thousand answers, made from seeds: the first client gets what the origin sent, a retry gets that to the byte, and so does a
// retry after the gate was killed. What is expected comes from what the origin was told to send, not from what the gate says.
//
// ONCEGATE_SEED=417 runs one of them alone.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { EVERY_TRAIT, LIMITS, answerOf, byName, shown } from './support/answers.mjs';
import { assertProblem, originLines, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { inParallel } from './support/parallel.mjs';

const ALL = 1000;
const alone = process.env.ONCEGATE_SEED;
const answers = (alone ? [Number(alone)] : Array.from({ length: ALL }, (_, index) => index + 1)).map(answerOf);
const bySeed = new Map(answers.map((answer) => [String(answer.seed), answer]));

const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  outgoing.socket.end(bySeed.get(incoming.headers['idempotency-key']).bytes());
});
const pathOf = ({ isEarly, isSealed, keepsCookies, size }) => {
  return `/${[isEarly ? 'early' : 'durable', isSealed ? 'sealed' : 'plain', keepsCookies ? 'cookies' : 'none', size].join('-')}`;
};
const kinds = [true, false].flatMap((isEarly) => {
  return [true, false].flatMap((isSealed) => {
    return [true, false].flatMap((keepsCookies) => {
      return Object.keys(LIMITS).map((size) => ({ isEarly, isSealed, keepsCookies, size }));
    });
  });
});
const gate = await startGate({
  origin,
  routes: kinds.map((kind) => {
    const { isEarly, isSealed, keepsCookies, size } = kind;
    return route(pathOf(kind).slice(1), pathOf(kind), {
      ...{ timeout: '5m', shards: 1, max_response: `${LIMITS[size]}`, seal: isSealed },
      ...(isEarly && { reply: 'early' }),
      ...(keepsCookies && { keep_headers: ['set-cookie'] }),
      ...(keepsCookies && !isSealed && { replay_cache: '5m' }),
    });
  }),
  vars: { SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

/** The reply to the request of an answer's seed, when no earlier one is in progress any more: an early reply comes before its record. */
async function send({ seed, route: kind, accepted }) {
  const lines = [`Idempotency-Key: ${seed}`, ...(accepted === undefined ? [] : [`Accept-Encoding: ${accepted}`])];
  for (;;) {
    const reply = await gate.sendRaw(rawRequest('POST', pathOf(kind), lines, '{}'));
    if (reply.outcome !== 'in-progress') return reply;
  }
}

const text = ([name, value]) => `${name}: ${value}`;

/** How a reply says where its body ends. */
const framing = (reply) => [reply.header('content-length'), reply.header('transfer-encoding')];

function lengthOf({ status, body }) {
  if (status === 204 || status === 304) return [null, null];
  return [String(body.length), null];
}

function assertFirst(answer, reply) {
  const { status, headers, body, isKept, route: kind } = answer;
  assert.deepEqual([reply.status, reply.outcome], [status, 'created']);
  assert.deepEqual(byName(originLines(reply)).map(text), shown(headers).map(text));
  assert.ok(reply.body.equals(body), `${reply.body.length} other bytes than the ${body.length} that were sent`);
  const isStreamed = kind.isEarly || !isKept;
  const hasNoLength = isStreamed && ['chunked', 'to the end'].includes(answer.framing);
  assert.deepEqual(framing(reply), hasNoLength ? [null, 'chunked'] : lengthOf(answer));
}

function assertRetry(answer, reply, first) {
  const { status, body, isKept, route: kind } = answer;
  if (!isKept) {
    assert.equal(assertProblem(reply, 409, 'not-stored').original_status, status);
    return;
  }
  assert.deepEqual([reply.status, reply.outcome, reply.header('idempotency-replayed')], [status, 'replayed', 'true']);
  const kept = first.filter(([name]) => kind.keepsCookies || name !== 'set-cookie');
  assert.deepEqual(originLines(reply).map(text), kept.map(text)); // in the very same order, too
  assert.ok(reply.body.equals(body), `${reply.body.length} other bytes than the ${body.length} that were sent`);
  assert.deepEqual(framing(reply), lengthOf(answer));
}

/** Checks every answer, and tells of all that are not right. */
async function check(work) {
  const failures = [];
  await inParallel(answers, 8, async (answer) => {
    await work(answer).catch(({ message }) => {
      const { seed, route: kind, traits } = answer;
      failures.push(`ONCEGATE_SEED=${seed} (${pathOf(kind)}; ${[...new Set(traits)].join(', ')}): ${message.slice(0, 1500)}`);
    });
  });
  const command = 'node --test tests/e2e/byte-identity.test.mjs, with the seed in front, runs one alone';
  assert.equal(failures.length, 0, `${failures.length} of ${answers.length} are not right. ${command}.\n${failures.slice(0, 5).join('\n')}`);
}

const firsts = new Map();
const calls = () => origin.seen.length;

/** Retries of all of them. Some answers then come from the memory of the gate's isolate. */
async function checkRetries() {
  await check(async (answer) => assertRetry(answer, await send(answer), firsts.get(answer.seed)));
  assert.equal(calls(), answers.length);
}

test(`${ALL} answers reach their first client as the origin sent them`, async () => {
  if (!alone) assert.equal(bySeed.size, ALL);
  await check(async (answer) => {
    const reply = await send(answer);
    firsts.set(answer.seed, originLines(reply));
    assertFirst(answer, reply);
  });
  assert.equal(calls(), answers.length);
});

test(`${ALL} answers are replayed to the byte`, checkRetries);

test(`${ALL} answers are replayed to the byte after kill -9`, async () => {
  await gate.kill9();
  await gate.restart();
  await checkRetries();
});

test(`${ALL} answers are replayed to the byte once they have been replayed`, checkRetries);

test('the answers are of every kind, on every route, and on both sides of every limit', { skip: alone && 'one answer is run alone' }, () => {
  const traits = new Set(answers.flatMap((answer) => [...answer.traits, pathOf(answer.route)]));
  for (const trait of [...EVERY_TRAIT, ...kinds.map(pathOf)]) assert.ok(traits.has(trait), `there is none of ${trait}`);
});
