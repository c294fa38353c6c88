// Where a key is read from, which keys are one and the same, and what a key that is none gets.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';

const ORDERS = '/v1/orders/{id}';
const { gate, origin } = await serve([
  route('lenient', '/v1/payments'),
  route('strict', '/v1/payment_intents', { key_syntax: 'strict' }),
  route('uuid', '/uuid/echo', { key_format: 'uuid' }),
  route('ulid', '/ulid/echo', { key_format: 'ulid' }),
  route('other-header', '/other-header', { key: ['header:X-Request-Id'] }),
  route('json', '/json', { key: ['json:/order/ref~1no'] }),
  route('query', '/query', { key: ['query:reference'] }),
  route('path', ORDERS, { key: ['path:id'], methods: ['PATCH'] }),
  route('combined', '/combined/{id}', { key: ['header:X-Batch', 'header:X-Line', 'path:id'] }),
  route('optional', '/v1/orders', { required: false }),
  route('methods', '/methods', { methods: ['PUT', 'DELETE'] }),
]);

/** Sends a request under a label of its own, with which `calls` counts what reached the origin. */
async function labelled(method, path, { headers, ...options } = {}) {
  const label = freshKey('label');
  const reply = await gate.send(method, path, { ...options, headers: { ...headers, 'x-label': label } });
  return { reply, calls: await origin.calls(label) };
}

/** Asserts that a second request is taken for a retry of the first: same reply, and the origin not called. */
async function assertSameKey(method, path, first, second) {
  const one = await labelled(method, path, first);
  assert.equal(one.reply.outcome, 'created', one.reply.text);
  const other = await labelled(method, path, second);
  assertReplayed(other.reply, one.reply);
  assert.deepEqual([one.calls, other.calls], [1, 0]);
}

/** Asserts that a request is refused for its key, in words that fit `wording`, and never reaches the origin. */
async function assertRefused(method, path, options, outcome, wording) {
  const { reply, calls } = await labelled(method, path, options);
  const problem = assertProblem(reply, 400, outcome);
  assert.match(problem.detail, wording);
  assert.equal(calls, 0);
}

const pay = (key) => ({ key, json: PAYMENT });

test('a quoted key and the same key bare are one key', async () => {
  const [one, other] = [freshKey(), freshKey()];
  await assertSameKey('POST', '/v1/payments', pay(`"${one}"`), pay(one));
  await assertSameKey('POST', '/v1/payments', pay(other), pay(`"${other}"`));
});

test('escapes in a quoted key stand for what they escape', async () => {
  await assertSameKey('POST', '/v1/payments', pay(String.raw`"a \"b\" \\c"`), pay(String.raw`"a \"b\" \\c"`));
  assertCreated((await labelled('POST', '/v1/payments', pay(String.raw`"a b \\c"`))).reply);
});

test('keys differ by case', async () => {
  assertCreated((await labelled('POST', '/v1/payments', pay('case-a'))).reply);
  assertCreated((await labelled('POST', '/v1/payments', pay('CASE-A'))).reply);
});

test('a quoted key may hold a comma and spaces', async () => {
  await assertSameKey('POST', '/v1/payments', pay('"one, two"'), pay('"one, two"'));
});

test('strict takes quoted keys', async () => {
  const key = `"${freshKey()}"`;
  await assertSameKey('POST', '/v1/payment_intents', pay(key), pay(key));
});

test('strict refuses a bare key', async () => {
  await assertRefused('POST', '/v1/payment_intents', pay('bare'), 'malformed', /quot|string/i);
});

for (const [what, key, wording] of [
  ['an empty header', '', /empty/i],
  ['an empty quoted key', '""', /empty/i],
  ['a key of 256 characters', 'k'.repeat(256), /255/],
  ['a quoted key of 256 characters', `"${'k'.repeat(256)}"`, /255/],
  ['an unterminated string', '"abc', /quot|string|terminat/i],
  ['something after the string', '"abc" def', /./],
  ['an escape that is none', String.raw`"a\bc"`, /./],
  ['a bare key with a space', 'a b', /./],
  ['a bare key with a quote in it', 'a"b', /./],
]) {
  for (const path of ['/v1/payments', '/v1/payment_intents']) {
    if (path === '/v1/payment_intents' && key !== '' && !key.startsWith('"')) continue; // bare: refused as such
    test(`${what} is refused at ${path}`, () => assertRefused('POST', path, pay(key), 'malformed', wording));
  }
}

test('a key of 255 characters is taken', async () => {
  const key = 'k'.repeat(255);
  await assertSameKey('POST', '/v1/payments', pay(key), pay(`"${key}"`));
});

for (const values of [
  ['one', 'two'],
  ['same', 'same'],
  ['"one"', '"two"'],
  ['"same"', '"same"'],
]) {
  test(`a key sent twice, ${values.join(' and ')}, is refused`, async () => {
    await assertRefused(
      'POST',
      '/v1/payments',
      pay(values),
      'malformed',
      /twice|once|one |several|more than|multiple|comma/i,
    );
  });
}

for (const [encoding, bytes] of [
  ['UTF-8', 'k\u00c3\u00a4se'],
  ['Latin-1', 'k\u00e4se'],
  ['a control character', 'a\u0001b'],
]) {
  test(`a key in ${encoding} is refused`, async () => {
    const label = freshKey('label');
    const lines = [`Idempotency-Key: ${bytes}`, `X-Label: ${label}`, 'Content-Type: application/json'];
    const reply = await gate.sendRaw(rawRequest('POST', '/v1/payments', lines, JSON.stringify(PAYMENT)));
    assert.equal(reply.status, 400);
    assert.equal(await origin.calls(label), 0);
  });
}

test('a request without its key is refused where one is required', async () => {
  await assertRefused('POST', '/v1/payments', { json: PAYMENT }, 'missing', /Idempotency-Key/i);
});

test('PATCH is guarded by default as POST is', async () => {
  await assertRefused('PATCH', '/v1/payments', { json: PAYMENT }, 'missing', /Idempotency-Key/i);
});

test('methods says which methods are guarded', async () => {
  await assertRefused('PUT', '/methods', { json: {} }, 'missing', /Idempotency-Key/i);
  await assertRefused('DELETE', '/methods', {}, 'missing', /Idempotency-Key/i);
  const { reply, calls } = await labelled('POST', '/methods', { json: {} });
  assert.equal(reply.outcome, null);
  assert.equal(calls, 1);
});

test('where no key is required a request without one passes through, each time', async () => {
  for (let time = 0; time < 2; time += 1) {
    const { reply, calls } = await labelled('POST', '/v1/orders', { json: { item: 'book' } });
    assert.equal(reply.status, 201);
    assert.equal(reply.outcome, null);
    assert.equal(calls, 1);
  }
});

test('where no key is required a request with one is guarded, and with a bad one refused', async () => {
  const key = freshKey();
  await assertSameKey('POST', '/v1/orders', { key, json: {} }, { key, json: {} });
  await assertRefused('POST', '/v1/orders', { key: '"broken', json: {} }, 'malformed', /./);
});

const UUID = '0198a6b1-7c2e-7d3f-8a4b-5c6d7e8f9a0b';
test('key_format uuid takes a UUID, in either case', async () => {
  await assertSameKey('POST', '/uuid/echo', { key: UUID, json: {} }, { key: `"${UUID}"`, json: {} });
  assert.equal(
    (await labelled('POST', '/uuid/echo', { key: crypto.randomUUID().toUpperCase(), json: {} })).reply.outcome,
    'created',
  );
});

for (const key of [
  'not-a-uuid',
  UUID.slice(1),
  `${UUID}0`,
  UUID.replaceAll('-', ''),
  UUID.replace('b', 'g'),
  `{${UUID}}`,
]) {
  test(`key_format uuid refuses ${key}`, () =>
    assertRefused('POST', '/uuid/echo', { key, json: {} }, 'malformed', /uuid/i));
}

const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
test('key_format ulid takes a ULID', async () => {
  await assertSameKey('POST', '/ulid/echo', { key: ULID, json: {} }, { key: `"${ULID}"`, json: {} });
});

for (const key of ['not-a-ulid', ULID.slice(1), `${ULID}0`, ULID.replace('Z', 'U'), ULID.replace('0', '8')]) {
  test(`key_format ulid refuses ${key}`, () =>
    assertRefused('POST', '/ulid/echo', { key, json: {} }, 'malformed', /ulid/i));
}

test('a key may be in another header, and then Idempotency-Key is none', async () => {
  const headers = { 'x-request-id': freshKey() };
  await assertSameKey('POST', '/other-header', { headers, json: {} }, { headers, json: {} });
  await assertRefused('POST', '/other-header', { key: freshKey(), json: {} }, 'missing', /X-Request-Id/i);
});

test('a key may be in the JSON body', async () => {
  const json = { order: { 'ref/no': freshKey() } };
  await assertSameKey('POST', '/json', { json }, { json });
  const { reply } = await labelled('POST', '/json', { json: { order: { 'ref/no': freshKey() } } });
  assert.equal(reply.outcome, 'created');
});

for (const [what, body, outcome, wording] of [
  ['JSON without the member', '{"order": {}}', 'missing', /\/order\/ref~1no/],
  ['JSON in which it is empty', '{"order": {"ref/no": ""}}', 'malformed', /empty/i],
  ['JSON in which it is an object', '{"order": {"ref/no": {"a": 1}}}', 'malformed', /string/i],
  ['JSON in which it is too long', `{"order": {"ref/no": "${'k'.repeat(256)}"}}`, 'malformed', /255/],
  ['a body that is no JSON', '{"order": {"ref/no": "a"}', 'malformed', /JSON/],
  ['an empty body', '', 'malformed', /JSON/],
  ['JSON with something after it', '{"order": {"ref/no": "a"}} {}', 'malformed', /JSON/],
  ['JSON with the member twice', '{"order": {"ref/no": "a", "ref/no": "b"}}', 'malformed', /twice|duplicate/i],
  ['JSON with another member twice', '{"order": {"ref/no": "a"}, "x": 1, "x": 2}', 'malformed', /twice|duplicate/i],
  [
    'JSON with a member twice, once escaped',
    String.raw`{"order": {"ref/no": "a"}, "x": 1, "\u0078": 2}`,
    'malformed',
    /twice|duplicate/i,
  ],
  ['JSON that is not UTF-8', Buffer.from('{"order": {"ref/no": "\u00e4"}}', 'latin1'), 'malformed', /JSON|UTF-8/],
  ['JSON nested a hundred thousand deep', `{"a": ${'['.repeat(100_000)}`, 'malformed', /JSON/],
]) {
  test(`${what} is refused where the key is in it`, () => assertRefused('POST', '/json', { body }, outcome, wording));
}

test('a key may be in the query', async () => {
  const path = `/query?a=1&reference=${freshKey()}`;
  await assertSameKey('POST', path, { json: {} }, { json: {} });
});

for (const [what, query, outcome, wording] of [
  ['no query', '', 'missing', /reference/],
  ['a query without it', '?other=1', 'missing', /reference/],
  ['an empty one', '?reference=', 'malformed', /empty/i],
  ['two of them', '?reference=a&reference=b', 'malformed', /twice|once|one |several|more than|multiple/i],
]) {
  test(`${what} is refused where the key is in the query`, () => {
    return assertRefused('POST', `/query${query}`, { json: {} }, outcome, wording);
  });
}

test('a key may be in the path', async () => {
  const id = freshKey();
  await assertSameKey('PATCH', `/v1/orders/${id}`, { json: { item: 'b' } }, { json: { item: 'b' } });
  assertProblem((await labelled('PATCH', `/v1/orders/${id}`, { json: { item: 'c' } })).reply, 422, 'mismatch');
  assert.equal((await labelled('PATCH', `/v1/orders/${freshKey()}`, { json: { item: 'b' } })).reply.outcome, 'created');
});

test('a key in the path is the same key percent-encoded', async () => {
  const first = await labelled('PATCH', '/v1/orders/encoded', { json: {} });
  const second = await labelled('PATCH', '/v1/orders/%65ncoded', { json: {} });
  assert.deepEqual([first.calls, second.calls], [1, 0]);
});

test('keys combine, and none of their parts can be left out', async () => {
  const headers = { 'x-batch': freshKey(), 'x-line': '1' };
  await assertSameKey('POST', '/combined/7', { headers, json: {} }, { headers, json: {} });
  const other = await labelled('POST', '/combined/7', { headers: { ...headers, 'x-line': '2' }, json: {} });
  assert.equal(other.reply.outcome, 'created');
  const elsewhere = await labelled('POST', '/combined/8', { headers, json: {} });
  assert.equal(elsewhere.reply.outcome, 'created');
  await assertRefused('POST', '/combined/7', { headers: { 'x-batch': 'b' }, json: {} }, 'missing', /X-Line/i);
  await assertRefused('POST', '/combined/7', { headers: { 'x-line': '1' }, json: {} }, 'missing', /X-Batch/i);
});

test('the parts of a combined key cannot be mistaken for one another', async () => {
  const send = (batch, line) =>
    labelled('POST', '/combined/7', { headers: { 'x-batch': batch, 'x-line': line }, json: {} });
  for (const [batch, line] of [
    ['ab', 'c'],
    ['a', 'bc'],
    ['c', 'ab'],
    ['a.b', 'c'],
    ['a', 'b.c'],
    ['a:b', 'c'],
    ['a', 'b:c'],
  ]) {
    assert.equal((await send(batch, line)).reply.outcome, 'created', `${batch} and ${line}`);
  }
});
