// No spelling of a path slips past its route, and no request reaches another host than the origin.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, assertProblem, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';

/** An origin as lenient as any: whatever can be read as /v1/payments is a payment, which it makes. */
const payments = [];
const origin = await handmadeOrigin((incoming, outgoing) => {
  const path = new URL(incoming.url.replaceAll('\\', '/').replace(/^\/+/, '/'), 'http://origin').pathname;
  const plain = new URL(decodeURIComponent(path).replace(/\/+/g, '/').replace(/\/$/, ''), 'http://origin').pathname;
  if (incoming.method === 'POST' && plain === '/v1/payments') payments.push(incoming.headers['x-label']);
  outgoing.writeHead(incoming.headers['x-redirect'] ? 307 : 201, { location: incoming.headers['x-redirect'] ?? '/' });
  outgoing.end('{}');
});
const stranger = await handmadeOrigin();
const gate = await startGate({
  origin,
  routes: [route('payments', '/v1/payments'), route('files', '/files/{*rest}')],
});
after(async () => {
  await gate.stop();
  await origin.stop();
  await stranger.stop();
});

/** Sends a POST with this target as it is. */
function post(target, lines = []) {
  return gate.sendRaw(
    rawRequest('POST', target, ['Content-Type: application/json', ...lines], JSON.stringify(PAYMENT)),
  );
}

for (const target of [
  '/v1/payments',
  '/v1/pay%6dents',
  '/v1/pay%6Dents',
  '/%76%31/%70%61%79%6d%65%6e%74%73',
  '/v1%2Fpayments',
  '/v1%2fpayments',
  '//v1/payments',
  '/v1//payments',
  '/v1///payments',
  '/v1/./payments',
  '/./v1/payments',
  '/v1/x/../payments',
  '/x/../v1/payments',
  '/../v1/payments',
  '/v1/%2e/payments',
  '/v1/x/%2e%2e/payments',
  '/v1/x/.%2E/payments',
  '/v1/x%2F..%2Fpayments',
  '/v1/payments/',
  '/v1/payments//',
  '/v1/payments/.',
  '/v1/payments/x/..',
  '/v1/payments//..',
  '/v1/payments//%2e%2e',
  '/v1/payments///../..',
  '/v1/x//../../payments',
  '/v1//x/../../../v1/payments',
  '/x//..//../v1/payments',
  '/v1/payments\\\\..',
  '/v1/x%2F%2F..%2F..%2Fpayments',
  '/v1/payments%2F',
  '/v1\\payments',
  '/v1%5Cpayments',
  '/v1/payments?x=1',
  '/v1/payments?/../..',
  '/v1/payments#part',
]) {
  test(`POST ${target} pays at most once, and not without a key`, async () => {
    const [keyless, keyed] = [freshKey('keyless'), freshKey('keyed')];
    await post(target, [`X-Label: ${keyless}`]);
    for (let time = 0; time < 2; time += 1) await post(target, [`X-Label: ${keyed}`, `Idempotency-Key: ${keyed}`]);
    assert.equal(payments.filter((label) => label === keyless).length, 0, 'it paid without a key');
    assert.ok(payments.filter((label) => label === keyed).length <= 1, 'it paid twice');
  });
}

test('the path that the origin gets is the path that was matched', async () => {
  for (const target of ['/v1/payments//..', '/v1/payments//%2e%2e', '/v1/x//../../payments', '/x//../..//v1/payments']) {
    const before = origin.seen.length;
    await post(target);
    assert.deepEqual(origin.seen.slice(before).map(({ url }) => url), [], target);
  }
});

for (const target of ['/v1/pay%6dents', '/v1/payments/', '/v1//payments', '/v1/x/../payments']) {
  test(`POST ${target} is told that its key is missing, as any on the route`, async () => {
    assertProblem(await post(target), 400, 'missing');
  });
}

test('a retry by another spelling of the path does not pay again', async () => {
  const key = freshKey();
  for (const target of ['/v1/payments', '/v1/pay%6dents', '/v1/payments/', '/v1//payments', '/v1/./payments']) {
    await post(target, [`X-Label: ${key}`, `Idempotency-Key: ${key}`]);
  }
  assert.deepEqual(
    payments.filter((label) => label === key),
    [key],
  );
});

test('a catch-all route guards everything below it', async () => {
  for (const target of ['/files/a', '/files/a/b/c', '/files//a', '/files/./a', '/%66iles/a']) {
    assertProblem(await post(target), 400, 'missing');
  }
});

test('a path that only begins like a route is another path', async () => {
  for (const target of ['/v1/payments2', '/v1/payments/1', '/v1/payment', '/v1']) {
    const reply = await post(target);
    assert.equal(reply.status, 201);
    assert.equal(reply.outcome, null);
  }
});

/** Whatever comes back, the stranger has not been asked, and the gate is there for the next request. */
async function assertNoStranger(bytes) {
  await gate.sendRaw(bytes).catch(() => {});
  assert.deepEqual(stranger.seen, []);
  assert.equal((await gate.post('/v1/payments', { key: freshKey(), json: PAYMENT })).outcome, 'created');
}

const host = `127.0.0.1:${stranger.port}`;
for (const path of ['/v1/payments', '/elsewhere']) {
  for (const target of [
    `http://${host}${path}`,
    `HTTP://${host}${path}`,
    `//${host}${path}`,
    `///${host}${path}`,
    `/\\${host}${path}`,
    `\\\\${host}${path}`,
    `/@${host}${path}`,
    `@${host}${path}`,
    `:80@${host}${path}`,
    `http://gate.test@${host}${path}`,
    `/http://${host}${path}`,
    `/%2F${host}${path}`,
    `/.//${host}${path}`,
    `/..//${host}${path}`,
  ]) {
    test(`POST ${target.replaceAll(String(stranger.port), 'PORT')} does not reach another host`, () => {
      return assertNoStranger(rawRequest('POST', target, [`Idempotency-Key: ${freshKey()}`], '{}'));
    });
  }

  test(`a Host header does not choose the origin of ${path}`, async () => {
    const lines = [
      `Host: ${host}`,
      `X-Forwarded-Host: ${host}`,
      `Forwarded: host=${host}`,
      `Idempotency-Key: ${freshKey()}`,
    ];
    await assertNoStranger(rawRequest('POST', path, lines, '{}'));
  });

  test(`a redirect of the origin to another host is not followed for ${path}`, async () => {
    const headers = { 'x-redirect': `${stranger.url}/` };
    const reply = await gate.post(path, { key: freshKey(), json: PAYMENT, headers });
    assert.equal(reply.status, 307);
    assert.equal(reply.header('location'), `${stranger.url}/`);
    assert.deepEqual(stranger.seen, []);
  });
}

test('no path leads out of the path that the origin has, nor around the gate to what is below it', async () => {
  const below = await handmadeOrigin();
  const based = await startGate({ origin: { url: `${below.url}/base` }, routes: [route('pay', '/pay')] });
  after(async () => {
    await based.stop();
    await below.stop();
  });
  const send = (method, target, lines = []) => {
    const body = method === 'POST' ? JSON.stringify(PAYMENT) : '';
    return based.sendRaw(rawRequest(method, target, ['content-type: application/json', ...lines], body));
  };
  const targets = ['/../base/pay', '/../secret', '/%2e%2e/secret', '/..\\secret', '/x/../../secret', '/..%2fbase%2fpay', '/..;/secret'];
  for (const target of targets) {
    assert.equal((await send('GET', target)).status, 400, target);
    assert.equal((await send('POST', target, [`idempotency-key: ${freshKey()}`])).status, 400, target);
  }
  assert.deepEqual(below.seen, []);
  assert.equal((await send('GET', '/x/../open')).status, 200);
  assert.deepEqual(below.seen.map(({ url }) => url), ['/base/open']);
});

test("no spelling of the gate's own addresses reaches the origin", async () => {
  const seen = origin.seen.length;
  for (const target of [
    '/_oncegate',
    '//_oncegate/config',
    '/x/../_oncegate/config',
    '/./_oncegate/config',
    '/%2e/_oncegate/config',
    '/_oncegate\\config',
    '/%5foncegate/config',
    '/%5F%6F%6E%63%65%67%61%74%65/config',
    '/_oncegate%2fconfig',
    '/_ONCEGATE/config',
    '/_oncegate;a/config',
  ]) {
    const reply = await gate.sendRaw(rawRequest('GET', target, ['authorization: Bearer the-operators-token']));
    assert.equal(reply.status, 404, target);
  }
  assert.equal(origin.seen.length, seen);
});

test('a path that names two tenants, as it is read, is nobody\'s', async () => {
  const shops = await handmadeOrigin();
  const own = await startGate({ origin: shops, routes: [route('pay', '/m/{shop}/pay', { scope: ['path:shop'] })] });
  after(async () => {
    await own.stop();
    await shops.stop();
  });
  const send = (target) => {
    return own.sendRaw(rawRequest('POST', target, [`idempotency-key: ${freshKey()}`], JSON.stringify(PAYMENT)));
  };
  assertProblem(await send('/m/alice;%2F..%2Fbob/pay;x'), 400, 'malformed');
  assertProblem(await send('/m/a%EF%BF%BFb/pay'), 400, 'unscoped');
  assert.deepEqual(shops.seen, []);
});
