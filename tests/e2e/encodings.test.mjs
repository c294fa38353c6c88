// A retry may accept other encodings than the first request did: it gets the same answer, in one that it accepts.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { assertCreated, assertReplayed, freshKey, originLines, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { handmadeOrigin } from './support/origin.mjs';

const TEXT = Buffer.from('compressible '.repeat(1000));
const LARGE = binary(3_000_000);
const HEADERS = { 'content-type': 'text/plain', vary: 'accept-encoding', etag: '"v1"', 'x-own': 'a' };

/** The coding and body of answers that are not what their coding says, by their name. */
const broken = {
  'text that is said to be gzip': ['gzip', TEXT],
  'text that is said to be deflate': ['deflate', TEXT],
  'gzip that lacks its end': ['gzip', gzipSync(LARGE).subarray(0, -1)],
  'gzip that lacks half of itself': ['gzip', gzipSync(LARGE).subarray(0, 1_500_000)],
  'gzip with another checksum': ['gzip', altered(gzipSync(TEXT), -8)],
  'gzip with something behind it': ['gzip', Buffer.concat([gzipSync(TEXT), TEXT])],
  'deflate that lacks its end': ['deflate', deflateSync(TEXT).subarray(0, -1)],
  'deflate with another checksum': ['deflate', altered(deflateSync(TEXT), -1)],
  'deflate with something behind it': ['deflate', Buffer.concat([deflateSync(TEXT), TEXT])],
  'raw deflate that lacks its end': ['deflate', deflateRawSync(TEXT).subarray(0, -1)],
};

function altered(bytes, at) {
  bytes[bytes.length + at] ^= 1;
  return bytes;
}

/** Status, headers and body of an answer, by its name. */
const answers = {
  gzip: [201, { ...HEADERS, 'content-encoding': 'gzip', 'content-digest': 'sha-256=:AA==:' }, gzipSync(TEXT)],
  'x-gzip': [201, { ...HEADERS, 'content-encoding': 'X-GZip' }, gzipSync(TEXT)],
  deflate: [201, { ...HEADERS, 'content-encoding': 'deflate', etag: 'W/"v1"' }, deflateSync(TEXT)],
  'gzip in members': [201, { ...HEADERS, 'content-encoding': 'gzip' }, Buffer.concat([gzipSync(TEXT), gzipSync(''), gzipSync(LARGE), gzipSync(TEXT)])],
  'large deflate': [201, { ...HEADERS, 'content-encoding': 'deflate' }, deflateSync(LARGE)],
  'raw deflate': [201, { ...HEADERS, 'content-encoding': 'deflate' }, deflateRawSync(TEXT)],
  br: [201, { ...HEADERS, 'content-encoding': 'br' }, brotliCompressSync(TEXT)],
  twice: [201, { ...HEADERS, 'content-encoding': 'deflate, gzip' }, gzipSync(deflateSync(TEXT))],
  'large gzip': [201, { ...HEADERS, 'content-encoding': 'gzip' }, gzipSync(LARGE)],
  'no-transform': [201, { 'content-encoding': 'gzip', 'cache-control': 'private, no-transform' }, gzipSync(TEXT)],
  part: [206, { 'content-encoding': 'gzip', 'content-range': 'bytes 0-9/99' }, gzipSync(TEXT).subarray(0, 10)],
  empty: [201, { 'content-encoding': 'gzip', 'content-length': 0 }, undefined],
  304: [304, { 'content-encoding': 'gzip', etag: '"v1"' }, undefined],
  plain: [201, HEADERS, TEXT],
  ...Object.fromEntries(Object.entries(broken).map(([name, [coding, body]]) => [name, [201, { 'content-encoding': coding }, body]])),
};
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  const [status, headers, body] = answers[incoming.headers['x-answer']];
  outgoing.writeHead(status, headers).end(body);
});
const gate = await startGate({
  origin,
  routes: [
    route('all', '/all', { methods: ['POST', 'HEAD'] }),
    route('sealed', '/sealed', { methods: ['POST', 'HEAD'], seal: true }),
  ],
  vars: { SEAL_KEY: Buffer.alloc(32, 'k').toString('base64') },
});
after(async () => {
  await gate.stop();
  await origin.stop();
});

/** Sends a request whose client accepts this; undefined: does not say. */
function send(key, answer, accepted, method = 'POST', path = '/all') {
  const headers = { 'x-answer': answer, ...(accepted !== undefined && { 'accept-encoding': accepted }) };
  return gate.send(method, path, { key, headers, ...(method === 'POST' && { body: '{}' }) });
}

for (const [answer, decoded] of [
  ['gzip', TEXT],
  ['x-gzip', TEXT],
  ['deflate', TEXT],
  ['large gzip', LARGE],
  ['gzip in members', Buffer.concat([TEXT, LARGE, TEXT])],
  ['large deflate', LARGE],
  ['raw deflate', TEXT],
]) {
  // An empty Accept-Encoding would say the same as identity, but workerd does not show it to the gate.
  for (const accepted of ['identity', 'br', '*;q=0.5, gzip;q=0, deflate;q=0.0']) {
    test(`an answer in ${answer} is decoded for a retry that accepts ${accepted}`, async () => {
      const key = freshKey();
      const first = await send(key, answer, 'gzip, deflate');
      assertCreated(first);
      assert.ok(first.body.equals(answers[answer][2]), 'the first client got other bytes than the origin sent');
      const retry = await send(key, answer, accepted);
      assert.deepEqual([retry.status, retry.outcome], [201, 'replayed']);
      assert.ok(retry.body.equals(decoded), `${retry.body.length} other bytes than the ${decoded.length} decoded ones`);
      const lines = originLines(first).filter(([name]) => !['content-encoding', 'content-digest'].includes(name));
      const weak = lines.map(([name, value]) => [name, name === 'etag' ? 'W/"v1"' : value]);
      assert.deepEqual(originLines(retry), weak);
      const length = retry.header('content-length');
      assert.ok(length === null || Number(length) === decoded.length, `the length is said to be ${length}`);
      assertReplayed(await send(key, answer, 'gzip, deflate'), first);
    });
  }
}

test('an answer that is kept sealed is opened, and then decoded', async () => {
  const key = freshKey();
  assertCreated(await send(key, 'large gzip', 'gzip', 'POST', '/sealed'));
  const retry = await send(key, 'large gzip', 'identity', 'POST', '/sealed');
  assert.equal(retry.outcome, 'replayed');
  assert.ok(retry.body.equals(LARGE));
});

for (const answer of Object.keys(broken)) {
  test(`a replay of ${answer} breaks off where it should be decoded`, async () => {
    const key = freshKey();
    const first = await send(key, answer, 'gzip, deflate');
    assertCreated(first);
    await assert.rejects(send(key, answer, 'identity'), { code: 'ECONNRESET' });
    assertReplayed(await send(key, answer, 'gzip, deflate'), first);
  });
}

for (const accepted of ['gzip', 'x-gzip', '*', 'br, gzip;q=0.1', undefined, 'identity;q=0, br', '*;q=0']) {
  test(`an answer in gzip stays so for a retry that accepts ${accepted ?? 'nothing it would name'}`, async () => {
    const key = freshKey();
    const first = await send(key, 'gzip', 'gzip');
    assertCreated(first);
    assertReplayed(await send(key, 'gzip', accepted), first);
  });
}

for (const answer of ['br', 'twice', 'no-transform', 'part', 'empty', '304', 'plain']) {
  test(`an answer that cannot or must not be decoded (${answer}) stays as it is`, async () => {
    const key = freshKey();
    const first = await send(key, answer, 'gzip');
    assert.equal(first.outcome, 'created');
    assertReplayed(await send(key, answer, 'identity'), first);
  });
}

test('an answer to HEAD keeps the headers of what GET would get', async () => {
  const key = freshKey();
  const first = await send(key, 'gzip', 'gzip', 'HEAD');
  assertCreated(first);
  const retry = await send(key, 'gzip', 'identity', 'HEAD');
  assertReplayed(retry, first);
  assert.equal(retry.header('content-encoding'), 'gzip');
});

test("what an origin sends to a client that does not accept it is the origin's business", async () => {
  const first = await send(freshKey(), 'gzip', 'identity');
  assertCreated(first);
  assert.ok(first.body.equals(answers.gzip[2]));
});
