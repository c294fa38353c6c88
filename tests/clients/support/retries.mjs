// Whether a client that retries by its own rules, through the gate, gets its payment home, and makes it once.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { freshKey, route } from '../../e2e/support/expect.mjs';
import { serve } from '../../e2e/support/gate.mjs';
import { send } from '../../e2e/support/http.mjs';
import { until } from '../../e2e/support/until.mjs';
import { faults } from './faults.mjs';
import { sentAgain } from './guide.mjs';
import { keyOf, layWire } from './wire.mjs';

/** Where the gate asks the origin what became of an unknown outcome, and where it does not. */
const ASKED_ABOUT = '/v1/payments';
const HELD = '/v1/payment_intents';

/** Longer than anything here takes. */
const PATIENT_MS = 60_000;

/**
 * Tests `client`, a name in docs/clients.md. `pay(rules, url, key, timeoutMs)` pays by it: with the client's own rules
 * and one retry (`default`), or by the snippet of the guide (`guide`). It promises the payment, or an error.
 * Gives the way to the gate, and the origin, for tests that only this client has.
 */
export async function testRetries(client, pay) {
  const { gate, origin } = await serve([
    route('payments', ASKED_ABOUT, { on_unknown: { probe: '/v1/payments/by-key/{key}' } }),
    route('held', HELD, { unknown: [503] }),
  ]);
  const wire = await layWire(gate);
  const scene = { wire, origin, pay: (rules, path, ...args) => pay(rules, `${wire.url}${path}`, ...args) };

  const rows = { default: `${client}, by default`, guide: `${client}, as below` };
  for (const [rules, row] of Object.entries(rows)) {
    const expected = await sentAgain(row);
    for (const name of Object.keys(faults)) {
      const again = expected.get(name);
      test(`${row}, ${name}: ${again ? 'asks again' : 'does not ask again'}, and no payment is made twice`, () =>
        meet(scene, rules, name, again));
    }
  }
  test(`${client}: a payment that is refused twice is made at the third try`, () => refusedTwice(scene));
  test(`${client}: a payment that the origin says it has not made is made`, () => notExecuted(scene));
  test(`${client}: a payment whose outcome stays unknown ends as an error, and is made once`, () => unknown(scene));
  return { wire, origin };
}

/** Pays while the fault of this name happens, after which the client asks `again` or not. */
async function meet(scene, rules, name, again) {
  const { wire, origin, pay } = scene;
  const { script, losesAnswer, isConcurrent, isHeld, isRefused, isFinal, timeoutMs = PATIENT_MS } = faults[name];
  const key = freshKey();
  if (script) await origin.script(script(key));
  if (losesAnswer) wire.loseAnswer(key);

  const paying = [];
  if (isConcurrent) {
    paying.push(pay(rules, ASKED_ABOUT, key, PATIENT_MS));
    await until('the first is executed', async () => (await origin.executions(key)) === 1);
  }
  const askedBefore = wire.requests(key).length;
  paying.push(pay(rules, ASKED_ABOUT, key, timeoutMs));
  const ended = Promise.allSettled(paying);
  if (isHeld) await letGo(scene, key, paying.at(-1));
  const results = await ended;

  const asked = wire.requests(key).slice(askedBefore);
  if (/^\d/.test(name)) assert.equal(shown(asked[0]), name, told(scene, key));
  assert.equal(asked.length > 1, again, told(scene, key));
  assert.equal(await origin.executions(key), isRefused && !again ? 0 : 1, told(scene, key));
  if (rules === 'guide' && again && !isFinal) await assertHome(scene, key, results);
  if (!again && !isFinal) assert.equal(results.at(-1).status, 'rejected', told(scene, key));
  if (isFinal) assert.equal(asked.at(-1).answer.status, asked[0].answer.status, told(scene, key));
}

/** Lets the origin answer when a client has been told that its payment is still running, or has given up before. */
async function letGo({ wire, origin }, key, paying) {
  let isOver = false;
  paying.finally(() => (isOver = true)).catch(() => {});
  await until('a client is told 409', () => isOver || wire.hasAnswered(key, 409), { seconds: PATIENT_MS / 1000 });
  await origin.go(key);
}

async function refusedTwice(scene) {
  const key = freshKey();
  await scene.origin.script({ fail: '503' }, { fail: '503' });
  await assertHome(scene, key, await Promise.allSettled([scene.pay('guide', ASKED_ABOUT, key, PATIENT_MS)]));
  assert.equal(await payCalls(scene, key), 3);
}

async function notExecuted(scene) {
  const key = freshKey();
  await scene.origin.script({ 'hang-up': 'before' });
  await assertHome(scene, key, await Promise.allSettled([scene.pay('guide', ASKED_ABOUT, key, PATIENT_MS)]));
  assert.equal(await payCalls(scene, key), 2);
}

/** The origin executes, and says 503 all the same: what else frees a key is unknown on a route that says so. */
async function unknown(scene) {
  const { wire, origin, pay } = scene;
  const key = freshKey();
  await origin.script({ status: '503' });
  await assert.rejects(pay('guide', HELD, key, PATIENT_MS));
  assert.ok(wire.requests(key).length > 1, told(scene, key));
  for (const { answer } of wire.requests(key)) {
    assert.ok([502, 504].includes(answer.status) && answer.outcome === 'unknown', told(scene, key));
  }
  assert.equal(await payCalls(scene, key), 1);
  assert.equal(await origin.executions(key), 1);
}

/** Asserts that all who paid under `key` have the payment that the origin has made, and that there is one. */
async function assertHome(scene, key, results) {
  const made = (await send(scene.origin.url, 'GET', `/v1/payments/by-key/${key}`)).json;
  for (const { value, reason } of results) assert.equal(value?.id, made.id, `${reason}\n${told(scene, key)}`);
  assert.equal(await scene.origin.executions(key), 1);
}

/** How often the origin was told to pay. */
async function payCalls({ origin }, key) {
  const requests = await origin.requests();
  const keyIn = (headers) => keyOf(Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])));
  return requests.filter(({ method, headers }) => method === 'POST' && keyIn(headers) === key).length;
}

/** What was answered, for the report of a test that fails. */
function told({ wire }, key) {
  return `answers: ${wire.requests(key).map(shown).join(', ')}`;
}

function shown({ answer }) {
  return answer ? `${answer.status} ${answer.outcome}` : 'no answer';
}
