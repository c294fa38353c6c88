// Tenants × routes × methods × keys × states: whatever becomes of one caller's key, every other caller sees what it would see if
// it were alone, and the one whose key it is sees no trace of the others. Nonces tell each request's answer from all others.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Caller, LIVES, MAX_RESPONSE, tellingOrigin } from './support/callers.mjs';
import { route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { TOKEN } from './support/operator.mjs';
import { inParallel } from './support/parallel.mjs';

/** An organisation and a user: parts that join to the same text, one that is the beginning of another, and another case. */
const TENANTS = [['a', 'bc'], ['ab', 'c'], ['a', 'b'], ['A', 'bc']];
const ROUTES = ['pay', 'accounts'];
const METHODS = ['POST', 'PUT'];
/** What stands before the number of a world: a tenant's last part and its key may join to the same text as another's. */
const KEYS = ['d', 'cd'];
const STATES = Object.keys(LIVES);
/** Who may have a record at the same time: under one key, a tenant's methods are requests for the same record. */
const OWNERS = TENANTS.flatMap((tenant) => ROUTES.flatMap((name) => KEYS.map((key) => ({ tenant, name, key }))));
const CELLS = OWNERS.length * METHODS.length;
const PAIRS = CELLS * (CELLS - 1) * STATES.length;
const WIDTH = 16; // worlds at a time, each with a few requests that are held

/**
 * By which method each owner sends in each of eight worlds, so that any two owners come by every pair of methods: words of
 * seven bits of which four are set. Of two such words each has a bit that the other has not; they have one in common, as
 * 4 + 4 > 7; and neither has the eighth.
 */
const WORDS = Array.from({ length: 128 }, (_, word) => word).filter((word) => word.toString(2).replaceAll('0', '').length === 4);
const methodOf = (owner, world) => METHODS[(WORDS[owner] >> world) & 1];

// One ledger for each route, so that all its records lie side by side.
const fields = { methods: METHODS, shards: 1, guard: '0s', timeout: '5m', max_response: `${MAX_RESPONSE}` };
const origin = await tellingOrigin();
const gate = await startGate({
  origin,
  routes: [
    route('pay', '/v1/pay', { ...fields, scope: ['header:X-Org', 'header:X-User'], seal: true }),
    route('accounts', '/v1/{org}/{user}/pay', { ...fields, scope: ['path:org', 'path:user'] }),
  ],
  vars: { ADMIN_TOKEN: TOKEN, SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

function callerOf({ tenant: [org, user], name, key }, method, world) {
  const [path, scope] =
    name === 'accounts'
      ? [`/v1/${org}/${user}/pay`, { 'path:org': org, 'path:user': user }]
      : ['/v1/pay', { 'header:X-Org': org, 'header:X-User': user }];
  const headers = { 'x-org': org, 'x-user': user };
  return new Caller(gate, origin, { route: name, scope, path, headers, method, key: `${key}.${world}` });
}

/** What a caller sees who is alone under its key and tenant, by route, method and state. */
const alone = new Map();
/** Each pair that was tried: the owner's cell, its state, and the cell of who asks. */
const tried = new Set();
const cellOf = (owner, method) => owner * METHODS.length + METHODS.indexOf(method);

before(async () => {
  const lives = ROUTES.flatMap((name) => METHODS.flatMap((method) => STATES.map((state) => ({ name, method, state }))));
  await inParallel(lives, WIDTH, async ({ name, method, state }, index) => {
    const caller = callerOf({ tenant: [`alone${index}`, 'z'], name, key: 'k' }, method, 'alone');
    await LIVES[state].enter(caller);
    await LIVES[state].leave(caller);
    alone.set(`${name} ${method} ${state}`, caller.seen);
  });
});

test('a caller who is alone is told what the contract says', () => {
  assert.equal(alone.size, ROUTES.length * METHODS.length * STATES.length);
  for (const [life, seen] of alone) {
    const { told, attempt } = Object.entries(LIVES).find(([state]) => life.endsWith(`T ${state}`))[1];
    const outcomes = seen.map(({ lines }) => lines.find((line) => line.startsWith('idempotency-status: '))?.slice(20));
    assert.deepEqual(outcomes, told, life);
    if (attempt) assert.ok(seen.at(-1).lines.includes(`x-attempt: ${attempt}`), life);
    const created = seen.filter((_, index) => outcomes[index] === 'created');
    for (const { status, calls } of created) assert.deepEqual([status, calls], [201, 1], life);
    const shown = seen.at(-1).text;
    if (told.at(-1) === 'replayed') assert.match(shown, /^(done|found) for #0/, life);
    if (told.at(-1) === 'created') assert.equal(shown, `done for #${seen.length - 1}`, life);
  }
});

/**
 * One after the other each owner brings its record into its state, and then each looks at it again, those without a record
 * first. So each asks while all that came before it are in their state, and is among those whom the next ones must not see.
 */
async function live({ rotation, reversed, methods }, world) {
  const owners = OWNERS.map((owner, index) => {
    const state = STATES[(index + rotation) % STATES.length];
    const method = methodOf(index, methods);
    return { index, state, life: LIVES[state], method, caller: callerOf(owner, method, `w${world}`) };
  });
  if (reversed) owners.reverse();
  const [absent, present] = [owners.filter(({ state }) => state === 'absent'), owners.filter(({ state }) => state !== 'absent')];
  for (const { life, caller } of present) await life.enter(caller);
  for (const { life, caller } of absent) await life.leave(caller);
  await Promise.all(present.map(({ life, caller }) => life.leave(caller)));

  const asked = [...present, ...absent];
  for (const { index, state, method, caller } of asked) {
    assert.deepEqual(caller.seen, alone.get(`${caller.cell.route} ${method} ${state}`), `${state}: ${JSON.stringify(caller.cell)}`);
  }
  for (const [at, asker] of asked.entries()) {
    // Who has no record is that before all others come, and after.
    const earlier = [...asked.slice(0, at), ...absent.filter(({ index }) => index !== asker.index)];
    for (const owner of earlier) note(owner, asker);
  }
}

function note(owner, asker) {
  tried.add(`${cellOf(owner.index, owner.method)} ${owner.state} ${cellOf(asker.index, asker.method)}`);
}

test(`whatever a caller's key has become, no other caller sees it, nor changes it: ${TENANTS.length} tenants, ${ROUTES.length} routes, ${METHODS.length} methods, ${KEYS.length} keys, ${STATES.length} states`, async () => {
  const worlds = STATES.flatMap((_, rotation) => {
    return [false, true].flatMap((reversed) => {
      return Array.from({ length: 8 }, (__, methods) => ({ rotation, reversed, methods }));
    });
  });
  await inParallel(worlds, WIDTH, live);
});

test('the same caller with another method, body or query is told no more than that they are others, whatever the state', async () => {
  const worlds = STATES.flatMap((state) => {
    return OWNERS.flatMap((owner, index) => METHODS.map((method) => ({ state, owner, index, method })));
  });
  const refusals = new Set();
  await inParallel(worlds, WIDTH, async ({ state, owner, index, method }, world) => {
    const other = METHODS.find((each) => each !== method);
    const one = callerOf(owner, method, `s${world}`);
    const another = callerOf(owner, other, `s${world}`);
    const life = LIVES[state];
    await life.enter(one);
    await another.send();
    for (const changed of [{ amount: 2 }, { path: `${one.cell.path}?a=1` }]) await another.send('is done', { method, ...changed });
    const [taken, ...rest] = another.seen;
    const lone = (by) => alone.get(`${owner.name} ${by} ${state}`);
    if (life.free) {
      assert.deepEqual({ ...taken, text: 'done for #' }, { ...lone(other).at(-1), text: 'done for #' }, state);
      assert.equal(taken.text, 'done for #0');
      await one.send();
      rest.push(one.seen.at(-1));
    } else {
      rest.push(taken);
      await life.leave(one);
      assert.deepEqual(one.seen, lone(method), state);
    }
    for (const seen of rest) refusals.add(JSON.stringify(seen));
    note({ index, method, state }, { index, method: other });
  });
  assert.equal(refusals.size, 1, [...refusals].join('\n'));
  const [{ status, lines, text, calls }] = [...refusals].map((seen) => JSON.parse(seen));
  assert.deepEqual([status, calls], [422, 0]);
  assert.ok(lines.includes('idempotency-status: mismatch'));
  assert.doesNotMatch(text, /done|large|found|forgotten|#/);
});

test(`all ${PAIRS} pairs of an owner in a state and one who asks were tried`, (t) => {
  t.diagnostic(`${tried.size} pairs of ${CELLS} cells in ${STATES.length} states, by ${origin.seen.length} executions`);
  assert.equal(tried.size, PAIRS);
});
