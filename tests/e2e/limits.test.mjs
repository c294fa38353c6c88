// A body over `max_request` is refused before anything is recorded, and harms nobody else.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const LIMIT = 16 * 1024;
const { gate, origin } = await serve([
  route('payments', '/v1/payments', { max_request: '16KiB' }),
  route('orders', '/v1/orders'),
]);

/** A payment whose JSON has this many bytes. */
function paymentOf(bytes) {
  const empty = JSON.stringify({ ...PAYMENT, note: '' }).length;
  return JSON.stringify({ ...PAYMENT, note: 'x'.repeat(bytes - empty) });
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends a body in chunks, without saying how long it is. */
function sendChunked(key, body) {
  const { request, reply } = gate.open('POST', '/v1/payments', { key, headers: { ...JSON_TYPE, 'x-label': key } });
  for (let at = 0; at < body.length; at += 4000) request.write(body.slice(at, at + 4000));
  request.end();
  return reply();
}

/** Asserts that nothing is left of a refused request: its key is as good as new. */
async function assertNothingRecorded(key) {
  assert.equal(await origin.calls(key), 0);
  assertCreated(await gate.post('/v1/payments', { key, json: PAYMENT }));
  assert.equal(await origin.executions(key), 1);
}

for (const bytes of [LIMIT - 1, LIMIT]) {
  test(`a body of ${bytes} bytes, of max_request ${LIMIT}, is taken`, async () => {
    const key = freshKey();
    const pay = () => gate.post('/v1/payments', { key, body: paymentOf(bytes), headers: JSON_TYPE });
    const first = await pay();
    assertCreated(first);
    assertReplayed(await pay(), first);
  });

  test(`a chunked body of ${bytes} bytes, of max_request ${LIMIT}, is taken`, async () => {
    assertCreated(await sendChunked(freshKey(), paymentOf(bytes)));
  });
}

test('a body one byte over max_request is refused', async () => {
  const key = freshKey();
  const reply = await gate.post('/v1/payments', {
    key,
    body: paymentOf(LIMIT + 1),
    headers: { ...JSON_TYPE, 'x-label': key },
  });
  const { detail } = assertProblem(reply, 413, 'too-large');
  assert.match(detail, /16384|16 ?KiB/);
  await assertNothingRecorded(key);
});

test('a chunked body one byte over max_request is refused', async () => {
  const key = freshKey();
  assertProblem(await sendChunked(key, paymentOf(LIMIT + 1)), 413, 'too-large');
  await assertNothingRecorded(key);
});

test('a chunked body that goes on and on is refused before it ends', async () => {
  const key = freshKey();
  const { request, reply } = gate.open('POST', '/v1/payments', { key, headers: { ...JSON_TYPE, 'x-label': key } });
  request.write('x'.repeat(4 * LIMIT));
  const refused = await reply(); // the request has not been ended
  request.destroy();
  assertProblem(refused, 413, 'too-large');
  await assertNothingRecorded(key);
});

test('a body with a Content-Length far over max_request is refused before it is all there', async () => {
  const key = freshKey();
  const headers = { ...JSON_TYPE, 'x-label': key, 'content-length': 50_000_000 };
  const { request, reply } = gate.open('POST', '/v1/payments', { key, headers });
  request.write('x'.repeat(4 * LIMIT));
  const refused = await reply();
  request.destroy();
  assertProblem(refused, 413, 'too-large');
  await assertNothingRecorded(key);
});

test('a body of 50 MB leaves nothing behind, whether its client reads the answer or not', async () => {
  const key = freshKey();
  const upload = gate.post('/v1/payments', { key, body: Buffer.alloc(50_000_000), headers: { 'x-label': key } });
  // The gate does not read all of it, so the client may find its connection closed before it has looked for the answer.
  const reply = await upload.catch(({ code }) => code);
  if (typeof reply === 'string') assert.match(reply, /^(EPIPE|ECONNRESET)$/);
  else assertProblem(reply, 413, 'too-large');
  await assertNothingRecorded(key);
});

test('a body that is cut off before its Content-Length is not executed', async () => {
  const key = freshKey();
  const socket = connect(gate.port, '127.0.0.1');
  const lines = ['Host: gate.test', `Idempotency-Key: ${key}`, `X-Label: ${key}`, 'Content-Length: 1000'];
  socket.write(`POST /v1/payments HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${JSON.stringify(PAYMENT)}`);
  socket.end();
  socket.resume();
  await once(socket, 'close');
  await assertNothingRecorded(key);
});

test('others are served while large bodies come in', async () => {
  const keys = Array.from({ length: 8 }, () => freshKey());
  const uploads = keys.map((key) => {
    const upload = gate.open('POST', '/v1/payments', { key, headers: { ...JSON_TYPE, 'x-label': key } });
    upload.request.write('x'.repeat(LIMIT - 1));
    return upload;
  });
  const good = freshKey();
  assertCreated(await gate.post('/v1/payments', { key: good, json: PAYMENT }));

  for (const { request } of uploads) request.end('xx');
  for (const { reply } of uploads) assertProblem(await reply(), 413, 'too-large');
  for (const key of keys) assert.equal(await origin.calls(key), 0);
});

test('max_request is 1 MiB by default', async () => {
  const order = (bytes) => gate.post('/v1/orders', { key: freshKey(), body: paymentOf(bytes), headers: JSON_TYPE });
  assertCreated(await order(1024 * 1024));
  assertProblem(await order(1024 * 1024 + 1), 413, 'too-large');
});
