// Callers who could be mistaken for one another, by every kind of scope: each has records, waiting duplicates and a quota of its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Caller, MAX_RESPONSE, tellingOrigin } from './support/callers.mjs';
import { route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { makeKey, signed, startKeyServer } from './support/issuer.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { inParallel } from './support/parallel.mjs';
import { until } from './support/until.mjs';

/** An organisation and a user. */
const TENANTS = [
  ...[['a', 'bc'], ['ab', 'c'], ['abc', 'd'], ['a', 'b'], ['bc', 'a']], // parts that join to the same, begin another, change places
  ...[['A', 'bc'], ['a', 'BC']],
  ...[['a b', 'c'], ['a', 'b c'], ['a+b', 'c'], ['a%20b', 'c'], ['a%2520b', 'c']],
  ...[['a:b', 'c'], ['a', 'b:c'], ['a|b', 'c'], ['a,b', 'c'], ['a, b', 'c'], ['a=b', 'c'], ['a&user=b', 'c']],
  ...[['0', '0'], ['-', '-'], ['null', 'undefined'], ['""', '""']],
  ...[['\u00e9', 'c'], ['e\u0301', 'c']], // one letter in two ways
];
/** What follows the parts: together with them it may be the same text as with others. */
const KEYS = ['d', 'cd'];
const QUOTA = 3;

const servers = await startKeyServer();
const signer = makeKey('EdDSA');
const set = servers.at('/keys', [signer]);
const ISSUER = 'https://issuer.example';
const tokenOf = (sub) => signed(signer, { iss: ISSUER, sub, exp: Math.floor(Date.now() / 1000) + 3600 });
const inUtf8 = (text) => Buffer.from(text).toString('latin1'); // as Node writes header values

/** By the name of a route: its scope, and where a tenant says who it is, as [path, headers]. */
const PLACES = {
  pay: [['header:X-Org', 'header:X-User'], ([org, user]) => ['/v1/pay', { 'x-org': inUtf8(org), 'x-user': inUtf8(user) }]],
  payments: [['header:X-Org', 'header:X-User'], ([org, user]) => ['/v1/payments', { 'x-org': inUtf8(org), 'x-user': inUtf8(user) }]],
  accounts: [['path:org', 'path:user'], ([org, user]) => [`/v1/${encodeURIComponent(org)}/${encodeURIComponent(user)}/pay`, {}]],
  tokens: [['jwt:sub', 'header:X-User'], ([org, user]) => ['/v1/tokens', { authorization: `Bearer ${tokenOf(org)}`, 'x-user': inUtf8(user) }]],
  sessions: [['cookie:org', 'cookie:user'], ([org, user]) => ['/v1/sessions', { cookie: inUtf8(`org=${org}; user=${user}`) }]],
};
const fields = { shards: 1, timeout: '5m', max_response: `${MAX_RESPONSE}` };
const origin = await tellingOrigin();
const gate = await startGate({
  origin,
  routes: [
    ...Object.entries(PLACES).map(([name, [scope]]) => {
      const path = name === 'accounts' ? '/v1/{org}/{user}/pay' : `/v1/${name}`;
      return route(name, path, { ...fields, scope, ...(name === 'tokens' && { jwt: { jwks: set.url, issuer: ISSUER } }) });
    }),
    route('queue', '/v1/queue', { ...fields, scope: PLACES.pay[0], on_duplicate: 'wait', wait: '1m' }),
    route('few', '/v1/few', { ...fields, scope: PLACES.pay[0], keys_per_scope: { keys: QUOTA, window: '1h' } }),
  ],
  vars: { ADMIN_TOKEN: TOKEN },
});
after(async () => {
  await gate.stop();
  await origin.stop();
  await servers.stop();
});

function callerOf(tenant, name, key, place = name) {
  const [sources, at] = PLACES[place];
  const [path, headers] = at(tenant);
  const scope = Object.fromEntries(sources.map((source, index) => [source, tenant[index]]));
  return new Caller(gate, origin, { route: name, scope, path: place === name ? path : `/v1/${name}`, headers, method: 'POST', key });
}

const callers = TENANTS.flatMap((tenant) => Object.keys(PLACES).flatMap((name) => KEYS.map((key) => callerOf(tenant, name, key))));
const cellOf = ({ cell }) => `${cell.route} ${JSON.stringify(cell.scope)} ${cell.key}`;

before(async () => {
  const visitor = callerOf(['nobody', 'else'], 'tokens', 'k');
  await until('the gate has the keys for tokens', async () => (await visitor.send()).status !== 503, { seconds: 60 });
});

test(`${callers.length} callers with like names execute once each, and each gets its own answer back`, async (t) => {
  t.diagnostic(`${callers.length * (callers.length - 1)} ordered pairs`);
  assert.equal(callers.length, TENANTS.length * Object.keys(PLACES).length * KEYS.length);
  for (const outcome of ['created', 'replayed']) {
    await inParallel(callers, 16, async (caller) => {
      const reply = await caller.send();
      const { status, text } = caller.seen.at(-1);
      const seen = [status, reply.outcome, reply.header('x-attempt'), text];
      assert.deepEqual(seen, [201, outcome, '1', 'done for #0'], cellOf(caller));
    });
  }
  for (const caller of callers) assert.deepEqual(caller.seen.map(({ calls }) => calls), [1, 0], cellOf(caller));
});

test('an operator finds the record of each under its own name, and under no other', async () => {
  const ids = new Set();
  await inParallel(callers, 16, async (caller) => {
    const { id, state, attempt, fence } = await caller.find();
    assert.deepEqual([state, attempt, fence], ['completed', 1, origin.calls(caller.nonces[0])[0]], cellOf(caller));
    ids.add(id);
  });
  assert.equal(ids.size, callers.length);

  const [owner, ...others] = TENANTS.flatMap((tenant) => Object.keys(PLACES).map((name) => callerOf(tenant, name, 'one')));
  await owner.send();
  assert.equal((await owner.find()).state, 'completed');
  await inParallel(others, 16, async (caller) => assert.equal(await caller.find(), undefined, cellOf(caller)));
});

test('whoever waits for its own request is woken by no other', async () => {
  const waiting = TENANTS.slice(0, 4).map((tenant) => ({ caller: callerOf(tenant, 'queue', 'd', 'pay'), answered: false }));
  for (const one of waiting) {
    one.first = one.caller.begin('is held');
    await origin.arrived(one.first.nonce);
    one.duplicate = one.caller.begin('is done').reply.finally(() => {
      one.answered = true;
    });
  }
  const operator = operatorOf(gate);
  await until('all wait', async () => (await operator.counters('queue')).waited === waiting.length);
  for (const [index, one] of waiting.entries()) {
    await origin.go(one.first.nonce);
    const first = await one.first.reply;
    assert.deepEqual([first.outcome, first.text], ['created', `done for ${one.first.nonce}`]);
    const duplicate = await one.duplicate;
    assert.deepEqual([duplicate.outcome, duplicate.text], ['replayed', first.text]);
    for (const other of waiting.slice(index + 1)) assert.ok(!other.answered, cellOf(other.caller));
  }
});

test(`each has its own ${QUOTA} new keys, whatever the others use`, async () => {
  const use = (key, told) => {
    return inParallel(TENANTS, 16, async (tenant) => {
      const caller = callerOf(tenant, 'few', key, 'pay');
      assert.equal((await caller.send()).outcome, told, cellOf(caller));
    });
  };
  for (let used = 0; used < QUOTA; used += 1) await use(`key-${used}`, 'created');
  await use('another', 'limited');
  await use('key-0', 'replayed');
});
