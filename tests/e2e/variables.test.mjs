// A Worker whose variables are wrong answers 500 to everything, and says why in its log only.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { startOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';

const origin = await startOrigin();
after(() => origin.stop());

const good = route('payments', '/v1/payments');
const other = (fields = {}) => JSON.stringify([route('other', '/v1/other', fields)]);

test('a Worker with a bad configuration answers 500 to everything, and says why in its log only', async () => {
  const gate = await startGate({ origin, routes: [good], vars: { ROUTES_1: 'these are no routes' } });
  const headers = { 'x-label': freshKey('label') };
  const replies = [
    await gate.post('/v1/payments', { key: 'k', json: PAYMENT, headers }),
    await gate.send('GET', '/elsewhere', { headers }),
    await gate.send('DELETE', '/v1/payments/1', { headers }),
  ];
  await until('the log says why', () => /ROUTES_1/.test(gate.log), { seconds: 5 });
  await gate.stop();
  for (const reply of replies) {
    assert.equal(reply.status, 500);
    assert.doesNotMatch(`${reply.text} ${reply.rawHeaders}`, /ROUTES|these are no routes/);
  }
  assert.equal(await origin.calls(headers['x-label']), 0);
});

for (const [what, [variable, value], ...wordings] of [
  ['a variable with the number 0', ['ROUTES_0', other()], 'ROUTES_0', 'ROUTES_1'],
  ['a variable whose number has a zero before it', ['ROUTES_01', other()], 'ROUTES_01'],
  ['a variable with the number 100', ['ROUTES_100', other()], 'ROUTES_100', 'ROUTES_99'],
  ['a variable with a letter for its number', ['ROUTES_A', other()], 'ROUTES_A'],
  ['a parameter with an ending', ['ROUTES_1', other({ path: '/f/{id}.json' })], 'ROUTES_1', 'path', '/f/{id}.json'],
  ['a parameter in two pairs of braces', ['ROUTES_1', other({ path: '/p/{{id}}' })], 'ROUTES_1', 'path', '/p/{{id}}'],
  ['a route that seals, and no key', ['ROUTES_1', other({ seal: true })], 'ROUTES_1', 'seal', 'the secret SEAL_KEY'],
  ['a key that is too short', ['SEAL_KEY', 'c2VjcmV0'], 'SEAL_KEY', '6 bytes', 'openssl rand -base64 32'],
  ['a previous key that is no base64', ['SEAL_KEY_PREVIOUS', 'sesame'], 'SEAL_KEY_PREVIOUS', 'openssl rand -base64 32'],
  ["a path of the gate's own", ['ROUTES_1', other({ path: '/_oncegate/x' })], 'ROUTES_1', 'path', '/_oncegate/x'],
]) {
  test(`a Worker with ${what} answers 500, and its log says what is wrong`, async (t) => {
    const gate = await startGate({ origin, routes: [good], vars: { [variable]: value } });
    t.after(() => gate.stop());
    assert.equal((await gate.post('/v1/payments', { key: 'k', json: PAYMENT })).status, 500);
    const isReason = (line) => line.includes('misconfigured');
    const logged = await until('the log says why', () => gate.log.split('\n').find(isReason), { seconds: 5 });
    for (const wording of wordings) assert.ok(logged.includes(wording), `${wording} is not in: ${logged}`);
    if (variable.startsWith('SEAL_KEY')) assert.ok(!gate.log.includes(value), 'the key is in the log');
  });
}

test('a Worker takes routes from ROUTES_1 to ROUTES_99', async (t) => {
  const last = JSON.stringify([route('last', '/v1/last')]);
  const gate = await startGate({ origin, routes: [good], vars: { ROUTES_1: other(), ROUTES_99: last } });
  t.after(() => gate.stop());
  for (const path of ['/v1/payments', '/v1/other', '/v1/last']) {
    assert.equal((await gate.post(path, { json: {} })).outcome, 'missing', path);
  }
});
