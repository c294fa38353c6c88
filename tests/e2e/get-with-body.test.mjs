// A GET or HEAD cannot be sent on with a body: on a route it is refused, and leaves its key free.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';

const { gate, origin } = await serve([
  route('reads', '/echo', { methods: ['GET', 'HEAD', 'POST'] }),
  route('json', '/json', { methods: ['GET', 'POST'], key: ['json:/id'], required: false }),
  route('compared', '/compared', { methods: ['GET'], fingerprint: 'json' }),
]);

/** Sends a request, whose body comes with its length or in chunks. */
function request(method, path, key, lines) {
  const keyLine = key === undefined ? [] : [`Idempotency-Key: ${key}`];
  return (body) => gate.sendRaw(rawRequest(method, path, [...keyLine, ...lines], body));
}

for (const path of ['/echo', '/compared']) {
  test(`a GET with a body to ${path} is refused and leaves its key free`, async () => {
    const key = freshKey();
    const label = `X-Label: ${key}`;
    const get = request('GET', path, key, [label]);
    assertProblem(await get('{"a":1}'), 400, 'malformed');
    const chunked = request('GET', path, key, [label, 'Transfer-Encoding: chunked']);
    assertProblem(await chunked('7\r\n{"a":1}\r\n0\r\n\r\n'), 400, 'malformed');
    assert.equal(await origin.calls(key), 0);
  });
}

test('a GET without a body executes under the key of one that was refused', async () => {
  const key = freshKey();
  const get = request('GET', '/echo', key, [`X-Label: ${key}`]);
  assertProblem(await get('abc'), 400, 'malformed');
  const first = await gate.send('GET', '/echo', { key, headers: { 'x-label': key } });
  assertCreated(first, 200);
  assertReplayed(await gate.send('GET', '/echo', { key }), first);
  assert.equal(await origin.calls(key), 1);
});

test('a HEAD with a body is refused and leaves its key free', async () => {
  const key = freshKey();
  const head = request('HEAD', '/echo', key, [`X-Label: ${key}`]);
  const refused = await head('abc');
  assert.equal(refused.status, 400);
  assert.equal(refused.outcome, 'malformed');
  assert.equal(await origin.calls(key), 0);
  assertCreated(await gate.send('HEAD', '/echo', { key }), 200);
});

test('a POST under that key executes too: nothing was recorded', async () => {
  const key = freshKey();
  assertProblem(await request('GET', '/echo', key, [])('abc'), 400, 'malformed');
  assertCreated(await gate.post('/echo', { key, json: {} }), 200);
});

for (const [what, body] of [
  ['without a key', '{"a":1}'],
  ['with a key', '{"id":"k"}'],
  ['that is no JSON', 'abc'],
]) {
  test(`a GET with a body ${what}, where the key would be in the body, is refused and not a failure`, async () => {
    const label = freshKey('label');
    const get = request('GET', '/json', undefined, [`X-Label: ${label}`]);
    assertProblem(await get(body), 400, 'malformed');
    assert.equal(await origin.calls(label), 0);
  });
}
