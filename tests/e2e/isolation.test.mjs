// What one caller can learn of another's keys: nothing. And what the disk and the log can tell of anybody's: nothing either.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assertCreated, assertProblem, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const held = [];
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  const what = incoming.headers['x-what'];
  if (what === 'hangs up') outgoing.destroy();
  else if (what === 'is held') held.push(outgoing);
  else if (what === 'refuses') outgoing.writeHead(503).end();
  else outgoing.end(what === 'is large' ? 'x'.repeat(2_000) : 'done');
});
const gate = await startGate({
  origin,
  routes: [
    route('payments', '/v1/payments', {
      scope: ['header:Authorization', 'cookie:session'],
      max_response: 1_000,
    }),
    route('orders', '/v1/orders', { scope: ['header:Authorization'], key: ['json:/order', 'query:part'] }),
  ],
});
after(async () => {
  for (const outgoing of held) outgoing.end('late');
  await gate.stop();
  await origin.stop();
});

const pay = (who, key, { what, json = { amount: 1 }, session = 'one', method = 'POST' } = {}) => {
  const headers = { authorization: `Bearer ${who}`, cookie: `session=${session}`, ...(what && { 'x-what': what }) };
  return gate.send(method, '/v1/payments', { key, json, headers });
};

/** All that a client sees, but for the time. */
const seen = ({ status, lines, text }) => ({ status, lines: lines.filter(([name]) => name !== 'date'), text });

for (const [state, arrange] of [
  ['completed', async (key) => assertCreated(await pay('alice', key), 200)],
  ['too large to keep', async (key) => assertCreated(await pay('alice', key, { what: 'is large' }), 200)],
  ['released', async (key) => assert.equal((await pay('alice', key, { what: 'refuses' })).status, 503)],
  ['unknown', async (key) => assertProblem(await pay('alice', key, { what: 'hangs up' }), 502, 'unknown')],
  [
    'in progress',
    async (key) => {
      pay('alice', key, { what: 'is held' }).catch(() => {});
      while ((await pay('alice', key)).outcome !== 'in-progress');
    },
  ],
]) {
  test(`nobody else can tell a key that is ${state} from one that was never used`, async () => {
    const [used, free] = [freshKey(), freshKey()];
    await arrange(used);
    for (const [who, options] of [
      ['bob', {}],
      ['bob', { session: 'two' }],
      ['bob', { json: { amount: 2 } }],
      ['bob', { session: '' }],
      ['alice', { session: 'two' }],
      ['carol', { what: 'refuses' }],
      ['carol', { method: 'PATCH', what: 'is large' }],
    ]) {
      const [foreign, absent] = [await pay(who, used, options), await pay(who, free, options)];
      assert.deepEqual(seen(foreign), seen(absent), `${who} ${JSON.stringify(options)}`);
    }
  });
}

test('no key, credential, scope or request is on disk or in the log, in clear', async () => {
  const secrets = ['key-in-a-header', 'token-of-dave', 'session-of-dave', 'key-in-a-body', 'key-in-a-query', 'amount-987'];
  assertCreated(await pay('token-of-dave', 'key-in-a-header', { session: 'session-of-dave', json: 'amount-987' }), 200);
  assertProblem(await pay('token-of-dave', 'key-in-a-header', { session: 'session-of-dave', json: 'other' }), 422, 'mismatch');
  const unknown = { session: 'session-of-dave', what: 'hangs up' };
  assertProblem(await pay('token-of-dave', 'key-in-a-header-2', unknown), 502, 'unknown');
  const headers = { authorization: 'Bearer token-of-dave' };
  const order = { json: { order: 'key-in-a-body' }, headers };
  assertCreated(await gate.post('/v1/orders?part=key-in-a-query', order), 200);
  await gate.child.stop('SIGINT');

  const files = await readdir(gate.state, { recursive: true, withFileTypes: true });
  const stored = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  );
  assert.ok(stored.some((text) => text.includes('done')), 'the stored answers are not where this test looks');
  assert.match(gate.log, /outcome in doubt/);
  for (const secret of secrets) {
    for (const encoding of ['latin1', 'base64', 'hex']) {
      const written = Buffer.from(secret).toString(encoding).replace(/=+$/, '');
      assert.ok(!stored.some((text) => text.includes(written)), `${secret} is on disk`);
    }
    assert.ok(!gate.log.includes(secret), `${secret} is in the log`);
  }
});
