// A retry gets the answer that the first request got: the same status, the same headers, the same bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const { gate, origin } = await serve([
  route('payments', '/v1/payments'),
  route('orders', '/v1/orders', { max_response: '64KiB' }),
  route('intents', '/v1/payment_intents', { keep_headers: ['set-cookie'] }),
]);

/** Pays, retries twice, and gives the first reply; the origin must have executed once. */
async function payAndRetry(headers = {}, path = '/v1/payments') {
  const key = freshKey();
  const pay = () => gate.post(path, { key, json: PAYMENT, headers });
  const first = await pay();
  const retries = [await pay(), await pay()];
  assert.equal(await origin.executions(key), 1);
  return { first, retries };
}

test('a first request reaches the origin and its retry is answered with the stored payment', async () => {
  const { first, retries } = await payAndRetry();
  assertCreated(first);
  assert.match(first.json.id, /^pay_/);
  assert.equal(first.header('location'), `/v1/payments/${first.json.id}`);
  for (const retry of retries) assertReplayed(retry, first);
});

test('another key is another payment', async () => {
  const [one, other] = [await payAndRetry(), await payAndRetry()];
  assert.notEqual(one.first.json.id, other.first.json.id);
});

for (const length of [0, 1, 255, 70_000, 1024 * 1024, 3 * 1024 * 1024]) {
  test(`a binary body of ${length} bytes is replayed whole`, async () => {
    const { first, retries } = await payAndRetry({ 'x-test-body': `binary:${length}` });
    assertCreated(first);
    assert.equal(first.header('content-type'), 'application/octet-stream');
    assert.ok(first.body.equals(binary(length)), 'the first client got other bytes than the origin sent');
    for (const retry of retries) assertReplayed(retry, first);
  });
}

test('an empty body is replayed as an empty body', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': 'empty' });
  assertCreated(first);
  assert.equal(first.body.length, 0);
  assert.equal(first.header('content-type'), 'text/plain');
  for (const retry of retries) assertReplayed(retry, first);
});

const decoders = { gzip: gunzipSync, br: brotliDecompressSync };
for (const encoding of ['gzip', 'br']) {
  // A retry that does not accept the encoding is in encodings.test.mjs.
  for (const accepted of [encoding, undefined]) {
    const client = accepted ? `that accepts ${accepted}` : 'that does not say what it accepts';
    test(`a body in ${encoding} is replayed as it was to a client ${client}`, async () => {
      const headers = { 'x-test-body': encoding, ...(accepted && { 'accept-encoding': accepted }) };
      const { first, retries } = await payAndRetry(headers);
      assertCreated(first);
      const decode = decoders[first.header('content-encoding')] ?? ((body) => body);
      assert.equal(JSON.parse(decode(first.body)).amount, PAYMENT.amount);
      if (accepted === encoding) assert.equal(first.header('content-encoding'), encoding);
      for (const retry of retries) assertReplayed(retry, first);
    });
  }
}

test('an encoding that the gate does not know is none of its business', async () => {
  const { first, retries } = await payAndRetry({
    'x-test-body': 'binary:500',
    'x-test-reply': '{"content-encoding": "own"}',
  });
  assertCreated(first);
  assert.equal(first.header('content-encoding'), 'own');
  assert.ok(first.body.equals(binary(500)));
  for (const retry of retries) assertReplayed(retry, first);
});

test('204 is replayed without a body', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': '204' });
  assertCreated(first, 204);
  assert.equal(first.header('x-deleted'), 'yes');
  for (const retry of retries) assertReplayed(retry, first);
});

test('304 is replayed with its validator', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': '304' });
  assertCreated(first, 304);
  assert.equal(first.header('etag'), '"v1"');
  for (const retry of retries) assertReplayed(retry, first);
});

test('a redirect is passed on and replayed, not followed', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': '303' });
  assertCreated(first, 303);
  assert.match(first.header('location'), /^\/v1\/payments\/pay_/);
  for (const retry of retries) assertReplayed(retry, first);
});

for (const status of [301, 302, 307, 308]) {
  test(`the redirect ${status} is passed on and replayed, not followed`, async () => {
    const { first, retries } = await payAndRetry({ 'x-test-status': String(status) });
    assertCreated(first, status);
    assert.match(first.header('location'), /^\/v1\/payments\/pay_/);
    for (const retry of retries) assertReplayed(retry, first);
  });
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`the redirect ${status} to an absolute address is passed on and replayed, not followed`, async () => {
    const target = `/elsewhere?${freshKey('redirected')}`;
    const location = `${origin.url}${target}`; // where a request that followed would be seen
    const { first, retries } = await payAndRetry({
      'x-test-status': String(status),
      'x-test-reply': JSON.stringify({ location }),
    });
    assertCreated(first, status);
    assert.equal(first.header('location'), location);
    for (const retry of retries) assertReplayed(retry, first);
    assert.deepEqual((await origin.requests()).filter(({ url }) => url === target), []);
  });
}

for (const status of [200, 202, 400, 402, 404, 409, 410, 418, 422, 500, 501, 505, 599]) {
  test(`the answer ${status} is stored and replayed`, async () => {
    const { first, retries } = await payAndRetry({ 'x-test-status': String(status) });
    assertCreated(first, status);
    for (const retry of retries) assertReplayed(retry, first);
  });
}

test('repeated headers keep every value', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': 'repeated' });
  assertCreated(first);
  assert.equal(first.header('link'), '</a>; rel="next", </b>; rel="prev"');
  assert.equal(first.header('x-many'), '1, 2, 3');
  for (const retry of retries) assertReplayed(retry, first);
});

test('cookies go to the first client only', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': 'cookies' });
  assertCreated(first);
  assert.deepEqual(first.all('set-cookie'), ['session=secret; Path=/; HttpOnly', 'theme=a, b; Path=/']);
  for (const retry of retries) {
    assert.equal(retry.outcome, 'replayed');
    assert.deepEqual(retry.all('set-cookie'), []);
    assert.ok(retry.body.equals(first.body));
  }
});

test('cookies are replayed, each on its own line, where keep_headers names them', async () => {
  const { first, retries } = await payAndRetry({ 'x-test-body': 'cookies' }, '/v1/payment_intents');
  assertCreated(first);
  assert.deepEqual(first.all('set-cookie'), ['session=secret; Path=/; HttpOnly', 'theme=a, b; Path=/']);
  for (const retry of retries) assertReplayed(retry, first);
});

test('a header value that is not ASCII is replayed as it was', async () => {
  // Node reads and writes header values as Latin-1: these are the two bytes of an "ä" in UTF-8.
  const { first, retries } = await payAndRetry({ 'x-test-reply': '{"x-note": "k\\u00c3\\u00a4se"}' });
  assertCreated(first);
  assert.equal(first.header('x-note'), 'k\u00c3\u00a4se');
  for (const retry of retries) assertReplayed(retry, first);
});

test('a body at max_response is stored', async () => {
  const key = freshKey();
  const order = () => gate.post('/v1/orders', { key, json: {}, headers: { 'x-test-body': `binary:${64 * 1024}` } });
  const first = await order();
  assertCreated(first);
  assertReplayed(await order(), first);
});

for (const length of [64 * 1024 + 1, 2_000_000]) {
  test(`a body of ${length} bytes, over max_response, goes whole to the first client and to no other`, async () => {
    const key = freshKey();
    const order = () => gate.post('/v1/orders', { key, json: {}, headers: { 'x-test-body': `binary:${length}` } });
    const first = await order();
    assertCreated(first);
    assert.ok(first.body.equals(binary(length)));
    for (let retry = 0; retry < 2; retry += 1) {
      const problem = assertProblem(await order(), 409, 'not-stored');
      assert.ok(Object.values(problem).includes(201), `the original status 201 is not in ${JSON.stringify(problem)}`);
    }
    assert.equal(await origin.executions(key), 1);
  });
}
