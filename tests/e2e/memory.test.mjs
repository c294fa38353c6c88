// An isolate has 128 MB for all its requests: what one request takes follows its bytes, however they come and go.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agent } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { inChunks, rawRequest } from './support/http.mjs';
import { mebibytes, peakGrowth } from './support/memory.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { inParallel } from './support/parallel.mjs';
import { until } from './support/until.mjs';

const MIB = 1024 * 1024;
const LARGE = binary(4 * MIB);
const HUGE = binary(30 * MIB);
const WAITERS = 60;
const READERS = 20;
const VAST = binary(64 * MIB);
/** How many answers of 64 MiB, and how many of them at a time. */
const [VAST_ANSWERS, AT_A_TIME] = [24, 6];

/** What a few hundred kilobytes decode to. */
const ZEROS = Buffer.alloc(256 * MIB);
const ZIPPED = gzipSync(ZEROS);

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Answers a request by its path: usually with the digest of its body. */
const held = [];
const handlers = {
  '/pieces': (incoming, outgoing) => {
    outgoing.socket.end(
      Buffer.concat([
        Buffer.from('HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'),
        inChunks(binary(Number(incoming.headers['x-bytes'])), 1),
      ]),
    );
  },
  '/sealed': (_, outgoing) => outgoing.writeHead(201).end(HUGE),
  '/vast': (_, outgoing) => outgoing.writeHead(201, { 'content-length': VAST.length }).end(VAST),
  '/vast-chunked': (_, outgoing) => {
    outgoing.writeHead(201).write(VAST, () => outgoing.end());
  },
  '/vast-early': (_, outgoing) => handlers['/vast-chunked'](_, outgoing),
  '/zipped': (_, outgoing) => outgoing.writeHead(201, { 'content-encoding': 'gzip' }).end(ZIPPED),
  '/wait': (_, outgoing) => held.push(() => outgoing.writeHead(201).end(LARGE)),
};
const origin = await handmadeOrigin(async (incoming, outgoing) => {
  const body = await buffer(incoming);
  const handler = handlers[incoming.url] ?? (() => outgoing.writeHead(201).end(digest(body)));
  handler(incoming, outgoing);
});
after(() => origin.stop());

/** A gate for one test: what the one before has taken would hide what this one takes. It has served a request. */
async function freshGate(t) {
  const gate = await startGate({
    origin,
    routes: [
      route('plain', '/plain'),
      route('pieces', '/pieces'),
      route('json', '/json', { fingerprint: 'json' }),
      route('vast', '/vast'),
      route('vast-chunked', '/vast-chunked'),
      route('vast-early', '/vast-early', { reply: 'early' }),
      route('wait', '/wait', { on_duplicate: 'wait', wait: '30s' }),
      route('zipped', '/zipped'),
      route('sealed', '/sealed', { seal: true, max_response: '32MiB' }),
    ],
    vars: { SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
  });
  t.after(() => gate.stop());
  for (const path of ['/plain', '/json']) assertCreated(await gate.post(path, { key: freshKey(), json: {} }));
  return gate;
}

/** Does `work`, and asserts that workerd grew by fewer MiB than `most` meanwhile. Gives what `work` gave. */
async function within(most, t, gate, work) {
  const { result, bytes } = await peakGrowth(gate, work);
  t.diagnostic(`workerd grew by ${mebibytes(bytes)}`);
  assert.ok(bytes < most * MIB, `workerd grew by ${mebibytes(bytes)}, more than ${most} MiB`);
  return result;
}

/** Sends a request, and gives what came back with the digest of its body: the clients would else need more memory than the gate. */
async function digested(gate, path, key, agent) {
  const incoming = await gate.open('POST', path, { key, json: {}, agent }).response;
  const hash = createHash('sha256');
  for await (const part of incoming) hash.update(part);
  return `${incoming.statusCode} ${incoming.headers['idempotency-status']} ${hash.digest('hex')}`;
}

/** How many milliseconds the slowest of other requests took, sent one after the other while `busy` was pending. */
async function slowestBeside(busy, gate) {
  let ended = false;
  const end = busy.finally(() => {
    ended = true;
  });
  end.catch(() => {}); // whoever awaits `busy` sees the failure
  let slowest = 0;
  while (!ended) {
    const begun = performance.now();
    assertCreated(await gate.post('/plain', { key: freshKey(), json: {} }));
    slowest = Math.max(slowest, performance.now() - begun);
    await sleep(50); // the memory that they take themselves is not what is measured
  }
  return slowest;
}

for (const bytes of [32 * 1024, 200_000]) {
  test(`a body of ${bytes} bytes in chunks of one byte is taken as what it is, and holds up nobody`, async (t) => {
    const gate = await freshGate(t);
    const [key, body] = [freshKey(), binary(bytes)];
    const lines = [`Idempotency-Key: ${key}`, 'Transfer-Encoding: chunked'];
    const request = rawRequest('POST', '/plain', lines, inChunks(body, 1));
    const begun = performance.now();
    const first = await within(60, t, gate, async () => {
      const upload = gate.sendRaw(request);
      const slowestMs = await slowestBeside(upload, gate);
      t.diagnostic(`another request took ${Math.round(slowestMs)} ms`);
      assert.ok(slowestMs < 3000, `another request took ${slowestMs} ms`);
      return upload;
    });
    const tookMs = performance.now() - begun;
    t.diagnostic(`it took ${Math.round(tookMs)} ms`);
    assertCreated(first);
    assert.equal(first.text, digest(body));
    assert.ok(tookMs < 10_000, `it took ${tookMs} ms`);
    assertReplayed(await gate.sendRaw(request), first);
    assertReplayed(await gate.post('/plain', { key, body }), first);
  });
}

test('an answer of 100 KB in chunks of one byte is kept as what it is', async (t) => {
  const gate = await freshGate(t);
  const post = (key) => gate.post('/pieces', { key, json: {}, headers: { 'x-bytes': 100_000 } });
  const key = freshKey();
  const first = await within(60, t, gate, () => post(key));
  assertCreated(first);
  assert.ok(first.body.equals(binary(100_000)));
  assertReplayed(await post(key), first);
});

test(`${WAITERS} duplicates that wait for an answer of 4 MiB all get it whole`, async (t) => {
  const gate = await freshGate(t);
  const key = freshKey();
  const agent = new Agent({ maxSockets: WAITERS + 1 });
  const post = () => digested(gate, '/wait', key, agent);
  const replies = await within(250, t, gate, async () => {
    const first = post();
    const [go] = await until('the first is at the origin', () => held.length > 0 && held);
    const waiting = Array.from({ length: WAITERS }, post);
    // That they wait can only be seen by looking for a while.
    assert.equal(await Promise.race([...waiting, sleep(500, 'nobody')]), 'nobody');
    go();
    return Promise.all([first, ...waiting]);
  });
  agent.destroy();
  const [created, replayed] = ['created', 'replayed'].map((outcome) => `201 ${outcome} ${digest(LARGE)}`);
  assert.deepEqual(replies, [created, ...Array.from({ length: WAITERS }, () => replayed)]);
  assert.equal(held.length, 1);
});

test(`${READERS} clients who read a sealed answer of 30 MiB at once get it piece by piece`, async (t) => {
  const gate = await freshGate(t);
  const [key, agent] = [freshKey(), new Agent({ maxSockets: READERS })];
  const post = async () => {
    const incoming = await gate.open('POST', '/sealed', { key, json: {}, agent }).response;
    const hash = createHash('sha256');
    for await (const part of incoming) hash.update(part);
    return `${incoming.headers['idempotency-status']} ${hash.digest('hex')}`;
  };
  assert.equal(await within(350, t, gate, post), `created ${digest(HUGE)}`);
  const replies = await within(100, t, gate, () => Promise.all(Array.from({ length: READERS }, post)));
  agent.destroy();
  assert.deepEqual(replies, Array.from({ length: READERS }, () => `replayed ${digest(HUGE)}`));
});

test('a replay that is decoded takes no more memory than its window, however much comes of it', async (t) => {
  const gate = await freshGate(t);
  const key = freshKey();
  const send = (coding) => gate.open('POST', '/zipped', { key, json: {}, headers: { 'accept-encoding': coding } });
  const first = await send('gzip').reply();
  assertCreated(first);
  assert.ok(first.body.equals(ZIPPED));
  const unread = Array.from({ length: 10 }, () => send('identity'));
  await within(100, t, gate, async () => {
    for (const { response } of unread) assert.equal((await response).headers['idempotency-status'], 'replayed');
    // What grows meanwhile can only be seen by looking for a while.
    await sleep(1000);
  });
  for (const { request } of unread) request.destroy();
  await within(100, t, gate, async () => {
    const hash = createHash('sha256');
    for await (const part of await send('identity').response) hash.update(part);
    assert.equal(hash.digest('hex'), digest(ZEROS));
  });
});

for (const path of ['/vast', '/vast-chunked', '/vast-early']) {
  test(`${VAST_ANSWERS} answers of 64 MiB, ${AT_A_TIME} at a time, go through ${path} whole and are not held`, async (t) => {
    const gate = await freshGate(t);
    const keys = Array.from({ length: VAST_ANSWERS }, () => freshKey());
    const calls = origin.seen.length;
    const ask = (key) => digested(gate, path, key);
    const replies = await within(160, t, gate, () => inParallel(keys, AT_A_TIME, ask));
    assert.deepEqual(replies, keys.map(() => `201 created ${digest(VAST)}`));
    for (const key of keys) assertProblem(await gate.post(path, { key, json: {} }), 409, 'not-stored');
    assert.equal(origin.seen.length, calls + VAST_ANSWERS);
  });
}

/** A JSON list of so many zeros; the list itself is one value more. */
const zeros = (count) => `[${'0,'.repeat(count - 1)}0]`;

test('a JSON body of more than 50,000 values is refused where it must be read as JSON', async (t) => {
  const gate = await freshGate(t);
  const callsBefore = origin.seen.length;
  for (const body of [zeros(60_000), zeros(500_000), `[${'{"":0},'.repeat(148_000)}0]`]) {
    const reply = await within(60, t, gate, () => gate.post('/json', { key: freshKey(), body }));
    assert.match(assertProblem(reply, 400, 'malformed').detail, /\b50,?000\b/);
  }
  assert.equal(origin.seen.length, callsBefore);
});

test('a JSON body of 40,000 values is taken', async (t) => {
  const gate = await freshGate(t);
  const [key, body] = [freshKey(), zeros(40_000)];
  const first = await within(60, t, gate, () => gate.post('/json', { key, body }));
  assertCreated(first);
  assertReplayed(await gate.post('/json', { key, body: body.replaceAll(',', ', ') }), first);
});
