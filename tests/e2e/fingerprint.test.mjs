// A key belongs to one payload; `fingerprint` says what of it counts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const { gate, origin } = await serve([
  route('raw', '/raw/{id}', { methods: ['POST', 'PUT'] }),
  route('json', '/json', { fingerprint: 'json' }),
  route('include', '/include', { fingerprint: { include: ['/amount', '/payer/id'] } }),
  route('exclude', '/exclude', { fingerprint: { exclude: ['/sent_at', '/meta/trace'] } }),
  route('none', '/none', { fingerprint: 'none' }),
]);

/** Sends one body and then another under one key, and gives both replies and how often the origin was called. */
async function inTurn(path, one, other, second = {}) {
  const key = freshKey();
  const send = (method, target, body) => gate.send(method, target, { key, body, headers: { 'x-label': key } });
  const first = await send('POST', path, one);
  assert.equal(first.outcome, 'created', first.text);
  const reply = await send(second.method ?? 'POST', second.path ?? path, other);
  return { first, reply, calls: await origin.calls(key) };
}

async function assertSame(path, one, other) {
  const { first, reply, calls } = await inTurn(path, one, other);
  assertReplayed(reply, first);
  assert.equal(calls, 1);
}

async function assertOther(path, one, other, second) {
  const { reply, calls } = await inTurn(path, one, other, second);
  assertProblem(reply, 422, 'mismatch');
  assert.equal(calls, 1);
}

test('raw compares every byte', async () => {
  await assertSame('/raw/1', '{"a": 1}', '{"a": 1}');
  await assertOther('/raw/1', '{"a": 1}', '{"a":1}');
  await assertOther('/raw/1', 'a', '');
  await assertOther('/raw/1', Buffer.from([0xff, 0]), Buffer.from([0xfe, 0]));
});

test('another path is another request', () => assertOther('/raw/1', '{}', '{}', { path: '/raw/2' }));
test('another method is another request', () => assertOther('/raw/1', '{}', '{}', { method: 'PUT' }));
test('another query is another request', () => assertOther('/raw/1?a=1', '{}', '{}', { path: '/raw/1?a=2' }));
test('no query is another request', () => assertOther('/raw/1?a=1', '{}', '{}', { path: '/raw/1' }));

test('what moves between query and body is another request', () => {
  return assertOther('/raw/1?a', 'b', '', { path: '/raw/1?ab' });
});

test('json ignores white space and the order of members, at every depth', () => {
  return assertSame('/json', '{"a": 1, "b": {"c": [1, 2], "d": null}}', ' {"b":{"d":null,"c":[1,2]},\n"a":1}');
});

test('json takes the ways to write a number or a string for one', () => {
  return assertSame('/json', '{"n": 100, "s": "/ä"}', String.raw`{"n": 1.0e2, "s": "\/\u00e4"}`);
});

for (const [what, one, other] of [
  ['another value', '{"a": 1}', '{"a": 2}'],
  ['a number as a string', '{"a": 1}', '{"a": "1"}'],
  ['null instead of nothing', '{}', '{"a": null}'],
  ['another order in a list', '[1, 2]', '[2, 1]'],
  ['another letter case', '{"a": "x"}', '{"a": "X"}'],
]) {
  test(`json tells ${what} apart`, () => assertOther('/json', one, other));
}

test('include compares the members it names and no others', async () => {
  const body = (amount, payer, note) => JSON.stringify({ note, payer: { name: note, id: payer }, amount });
  await assertSame('/include', body(1, 'p', 'first'), body(1, 'p', 'second'));
  await assertOther('/include', body(1, 'p', 'first'), body(2, 'p', 'first'));
  await assertOther('/include', body(1, 'p', 'first'), body(1, 'q', 'first'));
  await assertOther('/include', '{"amount": 1}', '{"amount": 1, "payer": {"id": null}}');
});

test('members that include names are told apart by their place', () => {
  return assertOther('/include', '{"amount": 1}', '{"payer": {"id": 1}}');
});

test('exclude compares everything but the members it names', async () => {
  const body = (amount, sentAt, trace) => JSON.stringify({ amount, sent_at: sentAt, meta: { trace, kind: 'x' } });
  await assertSame('/exclude', body(1, '10:00', 't1'), body(1, '10:05', 't2'));
  await assertSame('/exclude', body(1, '10:00', 't1'), '{"amount": 1, "meta": {"kind": "x"}}');
  await assertOther('/exclude', body(1, '10:00', 't1'), body(2, '10:00', 't1'));
  await assertOther('/exclude', body(1, '10:00', 't1'), '{"amount": 1}');
});

test('none compares no bodies', () => assertSame('/none', '{"a": 1}', 'something else'));
test('none compares the query all the same', () => assertOther('/none', 'a', 'a', { path: '/none?b=1' }));

for (const path of ['/json', '/include', '/exclude']) {
  for (const [what, body, wording] of [
    ['a body that is no JSON', '{"a": ', /JSON/],
    ['no body', '', /JSON/],
    ['a member twice', '{"a": 1, "a": 1}', /twice|duplicate/i],
    ['bytes that are not UTF-8', Buffer.from('{"a": "\u00e4"}', 'latin1'), /JSON|UTF-8/],
  ]) {
    test(`${what} is refused at ${path}`, async () => {
      const key = freshKey();
      const reply = await gate.post(path, { key, body, headers: { 'x-label': key } });
      assert.match(assertProblem(reply, 400, 'malformed').detail, wording);
      assert.equal(await origin.calls(key), 0);
    });
  }
}
