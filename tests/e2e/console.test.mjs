// The files of the operator's console: where they are, what they may do, and that they are nowhere else. tests/console/ uses them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { route } from './support/expect.mjs';
import { serve, startGate } from './support/gate.mjs';
import { TOKEN, assertOperatorProblem } from './support/operator.mjs';

const ROUTES = [route('payments', '/v1/payments')];
const { gate, origin } = await serve(ROUTES, { vars: { ADMIN_TOKEN: TOKEN } });

const FILES = [
  ['', 'text/html; charset=utf-8'],
  ['console.css', 'text/css; charset=utf-8'],
  ['console.js', 'text/javascript; charset=utf-8'],
];

test('the files of the console are there for everybody, since they have no secret', async () => {
  for (const [name, type] of FILES) {
    const reply = await gate.send('GET', `/_oncegate/${name}`);
    assert.equal(reply.status, 200, name);
    assert.equal(reply.header('content-type'), type);
    assert.ok(reply.body.length > 1000 && !reply.text.includes(TOKEN), name);
    const head = await gate.send('HEAD', `/_oncegate/${name}`);
    assert.deepEqual([head.status, head.header('content-type'), head.body.length], [200, type, 0]);
  }
});

test('the page may load its own files, ask its own address, and do nothing else', async () => {
  for (const [name] of FILES) {
    const reply = await gate.send('GET', `/_oncegate/${name}`);
    const policy = reply.header('content-security-policy').split('; ');
    const expected = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"];
    expected.push("frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'");
    expected.push("require-trusted-types-for 'script'", "trusted-types 'none'");
    assert.deepEqual(policy, expected);
    assert.equal(reply.header('x-content-type-options'), 'nosniff');
    assert.equal(reply.header('referrer-policy'), 'no-referrer');
    assert.equal(reply.header('cache-control'), 'no-store');
    assert.equal(reply.header('cross-origin-opener-policy'), 'noopener-allow-popups');
    assert.equal(reply.header('cross-origin-resource-policy'), 'same-origin');
  }
});

test('other methods, and addresses that are only like those of the files, are for the API', async () => {
  const asked = [['POST', ''], ['PUT', 'console.js'], ['GET', 'console'], ['GET', 'console.js/'], ['GET', 'index.html']];
  for (const [method, name] of asked) {
    assertOperatorProblem(await gate.send(method, `/_oncegate/${name}`), 401, 'unauthorized');
  }
});

test('without a token set there is no console: its addresses are as any unknown one', async (t) => {
  const off = await startGate({ origin, routes: ROUTES });
  t.after(() => off.stop());
  const lines = (reply) => reply.lines.filter(([name]) => name !== 'date');
  const nothing = await off.send('GET', '/_oncegate/no/such/address');
  assert.equal(nothing.status, 404);
  for (const [name] of FILES) {
    const reply = await off.send('GET', `/_oncegate/${name}`);
    assert.equal(reply.status, 404);
    assert.deepEqual(lines(reply), lines(nothing));
    assert.ok(reply.body.equals(nothing.body));
  }
});
