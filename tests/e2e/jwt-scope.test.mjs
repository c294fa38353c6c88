// A claim of a token is a scope once the token's signature is verified, and never before.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { send } from './support/http.mjs';
import { makeKey, signed, signedWithPublicKey, startKeyServer, unsecured } from './support/issuer.mjs';
import { until } from './support/until.mjs';
import { IMPATIENT_CALLER, startWorkerd } from './support/workerd.mjs';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'payments';
const keys = ['RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'EdDSA'].map((alg) => makeKey(alg));
const [key] = keys;

const server = await startKeyServer();
after(() => server.stop());
const elsewhere = server.at('/elsewhere', [key]);
const main = server.at('/main', [...keys, makeKey('RS256')]);

/** A route whose scope is a claim, with a key set of its own under its name. */
function claimed(name, path, set, fields = {}) {
  const jwt = { jwks: set.url, issuer: ISSUER, audience: AUDIENCE };
  return route(name, path, { scope: ['jwt:sub'], jwt, ...fields });
}

const outages = ['down', 'redirects', 'broken', 'endless', 'hangs'];
const unserved = outages.map((fault) => Object.assign(server.at(`/${fault}`, [key]), { fault }));
const [rotating, cached, burst] = ['/rotating', '/cached', '/burst'].map((path) => server.at(path, [key]));
const unused = server.at('/unused', [key]);
const compressed = Object.assign(server.at('/compressed', [key]), { fault: 'compressed' });

const { gate, origin } = await serve([
  claimed('payments', '/v1/payments', main),
  claimed('orders', '/v1/orders', main, { jwt: { jwks: main.url, issuer: ISSUER } }),
  claimed('tenants', '/tenants', main, { scope: [`jwt:${ISSUER}/tenant`, 'header:X-Shop'], required: false }),
  claimed('rotating', '/rotating', rotating),
  claimed('cached', '/cached', cached),
  claimed('burst', '/burst', burst),
  claimed('unused', '/unused', unused),
  claimed('compressed', '/v1/compressed', compressed),
  claimed('remembered', '/v1/payment_intents', main, { replay_cache: '5m' }),
  claimed('observed', '/v1/observed', main, { mode: 'observe' }),
  ...unserved.map((set) => claimed(`never-${set.fault}`, `/never/${set.fault}`, set)),
]);

const seconds = () => Math.floor(Date.now() / 1000);

/** The claims of a good token, with some changed, or taken out by undefined. */
function claims(changed = {}) {
  return { iss: ISSUER, aud: AUDIENCE, sub: 'ann', iat: seconds(), exp: seconds() + 300, ...changed };
}

/** Sends a request with this token, labelled by its key. */
function pay(idempotencyKey, token, { path = '/v1/payments', headers = {}, url = gate.url } = {}) {
  const authorization = token && { authorization: `Bearer ${token}` };
  const all = { 'x-label': idempotencyKey, ...authorization, ...headers };
  return send(url, 'POST', path, { key: idempotencyKey, json: PAYMENT, headers: all });
}

for (const signer of keys) {
  test(`by ${signer.alg}, a renewed token gets its subject's answer and no other subject does`, async () => {
    const id = freshKey();
    const ann = await pay(id, signed(signer, claims({ jti: 'one' })));
    assertCreated(ann);
    const ben = await pay(id, signed(signer, claims({ sub: 'ben' })));
    assertCreated(ben);
    assert.notEqual(ann.json.id, ben.json.id);
    const renewed = signed(signer, claims({ jti: 'two', iat: seconds() + 1, exp: seconds() + 900 }));
    assertReplayed(await pay(id, renewed), ann);
    assertReplayed(await pay(id, signed(signer, claims({ sub: 'ben', aud: ['other', AUDIENCE] }))), ben);
    assert.equal(await origin.executions(id), 2);
  });
}

test('keys may come compressed', async () => {
  const id = freshKey();
  const path = '/v1/compressed';
  const first = await pay(id, signed(key, claims()), { path });
  assert.equal(first.outcome, 'created', first.text);
  assertReplayed(await pay(id, signed(key, claims()), { path }), first);
});

test('a text and a number are two subjects', async () => {
  const id = freshKey();
  const number = await pay(id, signed(key, claims({ sub: 7 })));
  assertCreated(number);
  assertCreated(await pay(id, signed(key, claims({ sub: '7' }))));
  assertReplayed(await pay(id, signed(key, claims({ sub: 7 }))), number);
});

test('a request without a token is told what is missing', async () => {
  for (const headers of [{}, { authorization: 'Basic YW5uOmE=' }, { authorization: 'Bearer ' }]) {
    const id = freshKey();
    const reply = await pay(id, undefined, { headers });
    assert.match(assertProblem(reply, 400, 'unscoped').detail, /bearer token/);
    assert.equal(reply.header('www-authenticate'), null);
    assert.equal(await origin.calls(id), 0);
  }
});

test('where tokens are only observed, all is sent on, and a token that does not hold is reported', async () => {
  const id = freshKey();
  const path = '/v1/observed';
  const observed = async (token) => {
    const reply = await pay(id, token, { path });
    assert.equal(reply.status, 404, 'the origin has no such address');
    return reply.header('oncegate-observed');
  };
  const tokens = { good: signed(key, claims()), expired: signed(key, claims({ exp: seconds() - 3600 })), forged: signed(makeKey('RS256'), claims()) };
  for (const [name, value] of [['good', 'created'], ['expired', 'unscoped'], ['forged', 'unscoped']]) {
    const seen = await observed(tokens[name]);
    assert.ok([value, 'pending'].includes(seen), `${name}: ${seen}`);
  }
  await until('the retry is seen', async () => (await observed(tokens.good)) === 'replayed;duplicate');
  assert.ok((await origin.calls(id)) >= 4);
});

test('an answer that the gate remembers is given to nobody whose token has expired, or who is somebody else', async () => {
  const id = freshKey();
  const path = '/v1/payment_intents';
  const first = await pay(id, signed(key, claims()), { path });
  assertCreated(first);
  assertReplayed(await pay(id, signed(key, claims({ jti: 'renewed' })), { path }), first);
  assertProblem(await pay(id, signed(key, claims({ exp: seconds() - 120 })), { path }), 401, 'unscoped');
  assertProblem(await pay(id, signed(forger, claims()), { path }), 401, 'unscoped');
  assertCreated(await pay(id, signed(key, claims({ sub: 'ben' })), { path }));
});

const good = signed(key, claims());
const [header, payload, signature] = good.split('.');
const forger = makeKey('RS256', key.kid);
const eve = Buffer.from(JSON.stringify(claims({ sub: 'eve' }))).toString('base64url');
const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;

for (const [what, token, wording] of [
  ['with a signature that was changed', `${header}.${payload}.${flipped}`, /signature/],
  ['with claims that were changed', `${header}.${eve}.${signature}`, /signature/],
  ['with an empty signature', `${header}.${payload}.`, /signature/],
  ["signed by somebody else under the issuer's key id", signed(forger, claims()), /signature/],
  ['that brings its own key', signed(forger, claims(), { kid: 'own', jwk: forger.jwk, jku: unused.url }), /kid/],
  ['without any signature', unsecured(key, claims()), /signed by/],
  ['signed with the public key as a shared secret', signedWithPublicKey(key, claims()), /signed by/],
  ['by an algorithm that is not that of its key', signed({ ...keys[2], kid: key.kid }, claims()), /alg/],
  ['that does not say which of several keys', signed(key, claims(), { kid: undefined }), /kid/],
  ['with an extension that must be understood', signed(key, claims(), { crit: ['exp'] }), /crit/],
  ['of another issuer', signed(key, claims({ iss: 'https://evil.example' })), /iss/],
  ['for another audience', signed(key, claims({ aud: ['other'] })), /aud/],
  ['for no audience', signed(key, claims({ aud: undefined })), /aud/],
  ['that has expired', signed(key, claims({ exp: seconds() - 120 })), /exp/],
  ['that never expires', signed(key, claims({ exp: undefined })), /exp/],
  ['that is not valid yet', signed(key, claims({ nbf: seconds() + 900 })), /nbf/],
  ['without the claim', signed(key, claims({ sub: undefined })), /claim sub/],
  ['with an empty claim', signed(key, claims({ sub: '' })), /claim sub/],
  ['with a claim that is a list', signed(key, claims({ sub: ['ann'] })), /claim sub/],
  ['with a claim twice', signed(key, JSON.stringify(claims()).replace('{', '{"sub":"eve",')), /each name once/],
  ['beyond all measure', signed(key, claims({ more: 'x'.repeat(14_000) })), /longer/],
  ['that is none', 'ann', /three parts/],
]) {
  test(`a token ${what} is refused, and the origin is not called`, async () => {
    const id = freshKey();
    assertCreated(await pay(id, signed(key, claims({ sub: 'ann' }))));
    const reply = await pay(id, token);
    const problem = assertProblem(reply, 401, 'unscoped');
    assert.match(problem.detail, wording);
    assert.equal(reply.header('www-authenticate'), 'Bearer error="invalid_token"');
    assert.doesNotMatch(reply.text, /\b(ann|eve|evil)\b/);
    assert.equal(await origin.calls(id), 1);
  });
}

test('where no audience is named, a token that is for one is refused', async () => {
  const order = (token) => pay(freshKey(), token, { path: '/v1/orders' });
  assert.match(assertProblem(await order(signed(key, claims())), 401, 'unscoped').detail, /aud/);
  assertCreated(await order(signed(key, claims({ aud: undefined }))));
});

test('a claim may be one part of a scope, and a request without a key needs no token', async () => {
  const id = freshKey();
  const visit = (tenant, shop) =>
    pay(id, signed(key, claims({ [`${ISSUER}/tenant`]: tenant })), {
      path: '/tenants',
      headers: { 'x-shop': shop },
    });
  const first = await visit('a', 'b');
  assert.equal(first.outcome, 'created');
  assert.equal((await visit('b', 'a')).outcome, 'created');
  assert.equal((await visit('a', 'c')).outcome, 'created');
  assertReplayed(await visit('a', 'b'), first);
  assert.equal((await gate.post('/tenants', { json: {} })).outcome, null);
});

// Side by side: each has to wait until the gate asks its key server again.
suite('key servers', { concurrency: true }, () => {
  test('a key that the issuer has added is taken without a restart, and one that it took back is not', async () => {
    const path = '/rotating';
    const [old, next] = [key, makeKey('ES256')];
    const id = freshKey();
    const first = await pay(id, signed(old, claims()), { path });
    assert.equal(first.outcome, 'created');
    rotating.keys = [next];
    const renewed = await until('the new key is known', async () => {
      const reply = await pay(id, signed(next, claims()), { path });
      if (reply.status === 401) return undefined; // the keys were fetched a moment ago
      return reply;
    });
    assertReplayed(renewed, first);
    assertProblem(await pay(id, signed(old, claims()), { path }), 401, 'unscoped');
    assert.equal(rotating.asked, 2);
  });

  for (const set of unserved) {
    test(`no key set, as its server ${set.fault}, is no scope: refused until there are keys`, async () => {
      const path = `/never/${set.fault}`;
      const id = freshKey();
      const refused = await pay(id, signed(key, claims()), { path });
      assert.match(assertProblem(refused, 503, 'unavailable').detail, /keys/);
      assert.ok(Number(refused.header('retry-after')) > 0);
      assert.equal(await origin.calls(id), 0);
      await until('the log says why', () =>
        gate.log.split('\n').some((line) => line.includes('no keys for tokens') && line.includes(set.url)),
      );
      assert.equal(elsewhere.asked, 0);
      set.fault = undefined;
      const reply = await until('the keys have come', async () => {
        const again = await pay(id, signed(key, claims()), { path });
        return again.status !== 503 && again;
      });
      assert.equal(reply.outcome, 'created');
    });
  }

  test('keys that are known go on serving while their server is down', async () => {
    const path = '/cached';
    assert.equal((await pay(freshKey(), signed(key, claims()), { path })).outcome, 'created');
    cached.fault = 'down';
    const stranger = signed(makeKey('ES256'), claims());
    // Asking for an unknown key has the key set fetched again, in vain.
    await until('it was asked for in vain', async () => (await pay(freshKey(), stranger, { path })).status === 503);
    assert.ok(cached.asked > 1);
    const id = freshKey();
    const first = await pay(id, signed(key, claims()), { path });
    assert.equal(first.outcome, 'created');
    assertReplayed(await pay(id, signed(key, claims()), { path }), first);
  });
});

test('many requests at once have the keys fetched once', async () => {
  const path = '/burst';
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => pay(freshKey(), signed(key, claims()), { path })),
  );
  assert.deepEqual(new Set(replies.map(({ outcome }) => outcome)), new Set(['created']));
  assert.equal(burst.asked, 1);
});

test('keys are not fetched for requests that have no use for them', async () => {
  const path = '/unused';
  assertProblem(await pay(freshKey(), undefined, { path }), 400, 'unscoped');
  assertProblem(await pay(freshKey(), signed(key, claims({ exp: 1 })), { path }), 401, 'unscoped');
  assertProblem(await gate.post(path, { json: {}, headers: { authorization: `Bearer ${good}` } }), 400, 'missing');
  assert.equal(unused.asked, 0);
});

test('nothing of a token is in the log or in the storage', async () => {
  const secret = 'subject-that-nobody-may-read';
  const token = signed(key, claims({ sub: secret }));
  const id = freshKey();
  assertCreated(await pay(id, token));
  assertCreated(await pay(freshKey(), token));
  const [head, body, end] = token.split('.');
  const forged = `${head}.${body}.${flipped}`;
  assertProblem(await pay(id, forged), 401, 'unscoped');
  const found = files(gate.state).filter((file) => {
    const content = readFileSync(file);
    return [secret, body, end, flipped, good].some((text) => content.includes(text));
  });
  assert.ok(files(gate.state).length > 0);
  assert.deepEqual(found, []);
  for (const text of [secret, body, end, flipped, good, payload]) assert.ok(!gate.log.includes(text));
});

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('keys come from their own address also where the origin is a service binding', async () => {
  const set = server.at('/service', [key]);
  const service = `export default { fetch: (request) => new Response(request.url, { status: 201 }) };`;
  const workerd = await startWorkerd({ origin, service, routes: [claimed('r', '/v1/payments', set)] });
  try {
    const id = freshKey();
    const first = await pay(id, signed(key, claims()), { url: workerd.url });
    assertCreated(first);
    assert.equal(first.text, `${origin.url}/v1/payments`);
    assertReplayed(await pay(id, signed(key, claims({ iat: 1 })), { url: workerd.url }), first);
    assertProblem(await pay(id, `${header}.${eve}.${signature}`, { url: workerd.url }), 401, 'unscoped');
    assert.equal(set.asked, 1);
  } finally {
    await workerd.stop();
  }
});

test('keys that are being fetched come also when who asked for them first hangs up', async () => {
  const set = Object.assign(server.at('/gone', [key]), { fault: 'hangs' });
  const routes = [claimed('r', '/v1/payments', set)];
  const workerd = await startWorkerd({ origin, caller: IMPATIENT_CALLER, routes });
  try {
    const [first, second] = [freshKey(), freshKey()];
    const gone = await pay(first, good, { url: workerd.url, headers: { 'x-patience': '300' } });
    assert.equal(gone.status, 499);
    const other = pay(second, good, { url: workerd.url });
    set.go();
    assertCreated(await other);
    assert.equal(set.asked, 1);
    assert.equal(await origin.calls(first), 0);
  } finally {
    await workerd.stop();
  }
});
