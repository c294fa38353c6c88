// How long a body is, and that nothing of it is lost, is right in the first answer and in every replay.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { inChunks, rawRequest, send as sendTo } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { startWorkerd } from './support/workerd.mjs';

const KIB = 1024;
/** Bodies are stored in rows of so many bytes, and a large one is replayed in windows. */
const ROW = 960 * KIB;
const WINDOW = 128 * KIB;
const LIMIT = 2 * ROW;

/** Answers a request, by the name and with the number of bytes that it asks for. */
const answers = {
  announced: (outgoing, bytes) => outgoing.writeHead(201, { 'content-length': bytes }).end(binary(bytes)),
  chunked: (outgoing, bytes) => outgoing.writeHead(201).write(binary(bytes), () => outgoing.end()),
  head: (outgoing) => outgoing.writeHead(200, { 'content-length': 123_456_789, etag: '"1"', 'x-own': 'a' }).end(),
  'head without a length': (outgoing) => outgoing.writeHead(200, { 'transfer-encoding': 'chunked' }).end(),
  'head, refused': (outgoing) => outgoing.writeHead(503, { 'content-length': 77 }).end(),
  205: (outgoing) => outgoing.writeHead(205, { 'content-length': 0, 'x-own': 'a' }).end(),
  204: (outgoing) => outgoing.writeHead(204, { 'x-own': 'a' }).end(),
  304: (outgoing) => outgoing.writeHead(304, { etag: '"1"', 'x-own': 'a' }).end(),
  trailers: (outgoing) => {
    outgoing.writeHead(201, { trailer: 'x-sum', 'x-own': 'a' });
    outgoing.write('body');
    outgoing.addTrailers({ 'x-sum': '42' });
    outgoing.end();
  },
  echo: async (outgoing, _, incoming) => {
    let body = '';
    for await (const part of incoming) body += part;
    outgoing.writeHead(201).end(JSON.stringify({ body, trailers: incoming.trailers, names: Object.keys(incoming.headers) }));
  },
};
const origin = await handmadeOrigin((incoming, outgoing) => {
  const { 'x-answer': answer, 'x-bytes': bytes } = incoming.headers;
  if (answer !== 'echo') incoming.resume();
  answers[answer](outgoing, Number(bytes), incoming);
});
const fields = { methods: ['POST', 'HEAD'], max_response: `${LIMIT}B` };
const gate = await startGate({
  origin,
  routes: [
    route('stored', '/stored', fields),
    route('early', '/early', { ...fields, reply: 'early' }),
    route('sealed', '/sealed', { ...fields, seal: true }),
  ],
  vars: { SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

function send(method, path, key, answer, bytes = 0) {
  const headers = { 'x-answer': answer, 'x-bytes': bytes, 'x-label': key };
  return gate.send(method, path, { key, headers, ...(method === 'POST' && { body: '{}' }) });
}
const calls = (key) => origin.seen.filter(({ headers }) => headers['x-label'] === key).length;
const lengthOf = (reply) => reply.header('content-length');

/** A retry, when the first request is not in progress any more: an early reply comes before its record. */
async function retry(method, path, key, answer, bytes) {
  for (;;) {
    const reply = await send(method, path, key, answer, bytes);
    if (reply.outcome !== 'in-progress') return reply;
  }
}

const sizes = [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, ROW - 1, ROW, ROW + 1, LIMIT - 1, LIMIT];
for (const path of ['/stored', '/early', '/sealed']) {
  for (const bytes of sizes) {
    test(`${bytes} bytes come whole, with their length, first and replayed (${path})`, async () => {
      for (const answer of ['announced', 'chunked']) {
        const key = freshKey();
        const first = await send('POST', path, key, answer, bytes);
        assertCreated(first);
        assert.ok(first.body.equals(binary(bytes)), 'the first client got other bytes than the origin sent');
        if (answer === 'announced' || path !== '/early') assert.equal(lengthOf(first), String(bytes));
        const replay = await retry('POST', path, key, answer, bytes);
        assertReplayed(replay, first);
        assert.equal(lengthOf(replay), String(bytes));
        assert.equal(calls(key), 1);
      }
    });
  }

  for (const bytes of [LIMIT + 1, LIMIT + ROW, 5 * LIMIT]) {
    test(`${bytes} bytes, over max_response, come whole once and are never asked for again (${path})`, async () => {
      for (const answer of ['announced', 'chunked']) {
        const key = freshKey();
        const first = await send('POST', path, key, answer, bytes);
        assertCreated(first);
        assert.ok(first.body.equals(binary(bytes)), 'the first client got other bytes than the origin sent');
        assert.equal(lengthOf(first), answer === 'announced' ? String(bytes) : null);
        assertProblem(await retry('POST', path, key, answer, bytes), 409, 'not-stored');
        assert.equal(calls(key), 1);
      }
    });
  }

  for (const status of [204, 205, 304]) {
    test(`${status} has no body, first and replayed (${path})`, async () => {
      const key = freshKey();
      const first = await send('POST', path, key, String(status));
      assertCreated(first, status);
      const replay = await retry('POST', path, key, String(status));
      assertReplayed(replay, first);
      for (const reply of [first, replay]) {
        assert.equal(reply.body.length, 0);
        assert.ok([null, '0'].includes(lengthOf(reply)), `a length of ${lengthOf(reply)}`);
        assert.equal(reply.header('x-own'), 'a');
      }
    });
  }

  test(`an answer to HEAD has the length that the origin said, first and replayed (${path})`, async () => {
    const key = freshKey();
    const first = await send('HEAD', path, key, 'head');
    assertCreated(first, 200);
    const replay = await retry('HEAD', path, key, 'head');
    assertReplayed(replay, first);
    for (const reply of [first, replay]) {
      assert.equal(lengthOf(reply), '123456789');
      assert.equal(reply.body.length, 0);
    }
    assert.equal(calls(key), 1);
  });

  test(`an answer to HEAD of which the origin said no length has none, first and replayed (${path})`, async () => {
    const key = freshKey();
    const first = await send('HEAD', path, key, 'head without a length');
    assertCreated(first, 200);
    const replay = await retry('HEAD', path, key, 'head without a length');
    assertReplayed(replay, first);
    for (const reply of [first, replay]) assert.equal(lengthOf(reply), null);
  });

  test(`an answer to HEAD that frees the key has its length too (${path})`, async () => {
    const refused = await send('HEAD', path, freshKey(), 'head, refused');
    assert.deepEqual([refused.status, refused.outcome, lengthOf(refused)], [503, 'released', '77']);
  });

  test(`trailers of an answer go no further (${path})`, async () => {
    const key = freshKey();
    const post = () => gate.open('POST', path, { key, headers: { 'x-answer': 'trailers' }, body: '{}' }).response;
    for (const outcome of ['created', 'replayed']) {
      let incoming;
      do {
        incoming = await post();
        incoming.text = '';
        for await (const part of incoming) incoming.text += part;
      } while (incoming.headers['idempotency-status'] === 'in-progress');
      assert.equal(incoming.headers['idempotency-status'], outcome);
      assert.equal(incoming.text, 'body');
      assert.equal(incoming.headers['x-own'], 'a');
      assert.equal(incoming.headers.trailer, undefined);
      assert.deepEqual(incoming.trailers, {});
    }
  });
}

test('trailers of a request go no further', async () => {
  const lines = [`Idempotency-Key: ${freshKey()}`, 'X-Answer: echo', 'Transfer-Encoding: chunked', 'Trailer: X-Sum'];
  const body = inChunks(Buffer.from('body'), 4).toString().replace(/0\r\n\r\n$/, '0\r\nX-Sum: 42\r\n\r\n');
  const reply = await gate.sendRaw(rawRequest('POST', '/stored', lines, body));
  assertCreated(reply);
  assert.equal(reply.json.body, 'body');
  assert.deepEqual(reply.json.trailers, {});
  for (const name of ['trailer', 'x-sum', 'transfer-encoding']) assert.ok(!reply.json.names.includes(name), name);
});

for (const answer of ['trailers', 'announced', 'head']) {
  test(`what passes through unguarded keeps its framing (${answer})`, async () => {
    const method = answer === 'head' ? 'HEAD' : 'PUT';
    const reply = await send(method, '/elsewhere', freshKey(), answer, 1000);
    assert.equal(lengthOf(reply), { trailers: null, announced: '1000', head: '123456789' }[answer]);
    assert.equal(reply.body.length, { trailers: 4, announced: 1000, head: 0 }[answer]);
  });
}

test('a body that ends before its announced length, though nothing says that it broke off, is not kept as whole', async () => {
  // Only a Worker can answer so: over a network the connection tells.
  const service = `export default { async fetch() {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    (async () => { await writer.write(new TextEncoder().encode('short')); await writer.close(); })();
    return new Response(readable, { status: 201, headers: { 'content-length': '10' } });
  } };`;
  const gates = await startWorkerd({
    origin: { url: 'http://127.0.0.1:1' },
    service,
    routes: [route('stored', '/stored'), route('early', '/early', { reply: 'early' })],
  });
  after(() => gates.stop());
  const pay = (path, key) => sendTo(gates.url, 'POST', path, { key, json: PAYMENT });
  const stored = freshKey();
  for (let times = 0; times < 2; times += 1) assertProblem(await pay('/stored', stored), 502, 'unknown');
  const early = freshKey();
  await assert.rejects(pay('/early', early));
  await until('its outcome is unknown', async () => (await pay('/early', early)).outcome === 'unknown');
});
