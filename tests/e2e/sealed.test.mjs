// Bodies that are sealed before they are stored: clients get them as they were, storage does not, and nothing that was
// changed in storage reaches a client.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { changeBodies, isOnDisk } from './support/ledgers.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';

const SEGMENT = 64 * 1024;
const ROW = 960 * 1024;
const newSecret = () => randomBytes(32).toString('base64');
const SECRET = newSecret();

// One ledger, so that two records always lie side by side.
const fields = { shards: 1, max_response: '32MiB', timeout: '60s' };
const ROUTES = [
  route('sealed', '/sealed', { ...fields, seal: true }),
  route('plain', '/plain', fields),
  route('small', '/small', { ...fields, seal: true, max_response: '1000' }),
  route('early', '/early', { ...fields, seal: true, reply: 'early' }),
  route('waiting', '/waiting', { ...fields, seal: true, on_duplicate: 'wait', wait: '30s' }),
];

/** What the origin answers to requests with a key: set by the test. */
const answers = new Map();
const executions = new Map();
const origin = await handmadeOrigin((incoming, outgoing) => {
  const key = incoming.headers['idempotency-key'];
  executions.set(key, (executions.get(key) ?? 0) + 1);
  const { status = 201, headers = {}, body, until: held } = answers.get(key);
  Promise.resolve(held).then(() => outgoing.writeHead(status, headers).end(body));
});
const gate = await startGate({ origin, routes: ROUTES, vars: { SEAL_KEY: SECRET } });
after(async () => {
  await gate.stop();
  await origin.stop();
});

const post = (key, path = '/sealed') => gate.post(path, { key, json: {} });

/** Has the origin answer a new key with this, once. Gives the key, and the first reply. */
async function answered(answer, path) {
  const key = freshKey();
  answers.set(key, answer);
  const first = await post(key, path);
  assertCreated(first, answer.status ?? 201);
  assert.ok(first.body.equals(answer.body ?? Buffer.alloc(0)), 'the first client got other bytes than the origin sent');
  return { key, first };
}

/** Asserts that a retry gets the first reply again, with its true length, and that the origin was asked once. */
async function assertReplays({ key, first }, path) {
  const retry = await post(key, path);
  assertReplayed(retry, first);
  if (first.status !== 204 && first.status !== 304) {
    assert.equal(retry.header('content-length'), String(first.body.length));
  }
  assert.deepEqual(
    retry.lines.filter(([name]) => name.startsWith('oncegate-')),
    [],
  );
  assert.equal(executions.get(key), 1);
}

/** Asserts that a retry is told that its request was executed and the answer cannot be shown, and that the log says why. */
async function assertNotShown({ key, first }, reason) {
  const problem = assertProblem(await post(key), 409, 'not-stored');
  assert.equal(problem.original_status, first.status);
  assert.equal(executions.get(key), 1);
  const line = await until('the log says why', () => {
    return gate.log.split('\n').find((each) => each.includes('sealed body cannot be opened') && reason.test(each));
  });
  assert.match(line, /"record":"[0-9a-f]{64}"/);
}

const lengths = [
  ...[0, 1, 300, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 5 * SEGMENT + 7],
  // Where a body no longer fits into a row: the plain one, and the sealed one with its 15 or 16 tags.
  ...[ROW - 16 * 16, ROW - 15 * 16, ROW - 15 * 16 + 1, ROW, ROW + 1, 4 * ROW - 62 * 16 + 1, 6_000_000],
];
for (const length of lengths) {
  test(`a sealed binary body of ${length} bytes is replayed to the byte`, async () => {
    const one = await answered({ headers: { 'content-type': 'application/octet-stream' }, body: binary(length) });
    await assertReplays(one);
    await assertReplays(one);
  });
}

test('a sealed body of max_response bytes is replayed, and one more is not kept, as without sealing', async () => {
  await assertReplays(await answered({ body: binary(1000) }, '/small'), '/small');
  const { key } = await answered({ body: binary(1001) }, '/small');
  assertProblem(await post(key, '/small'), 409, 'not-stored');
});

test('the largest body that may be kept is replayed', async () => {
  await assertReplays(await answered({ body: binary(32 * 1024 * 1024) }));
});

for (const size of [100, 400_000]) {
  test(`a compressed body, made of ${size} bytes, is replayed as it came`, async () => {
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
    await assertReplays(await answered({ headers, body: gzipSync(binary(size)) }));
  });
}

test('a sealed body is decoded for a client that does not accept its encoding', async () => {
  for (const size of [100, 400_000]) {
    const one = await answered({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(binary(size)) });
    const retry = await gate.post('/sealed', { key: one.key, json: {}, headers: { 'accept-encoding': 'identity' } });
    assert.equal(retry.outcome, 'replayed');
    assert.equal(retry.header('content-encoding'), null);
    assert.ok(retry.body.equals(binary(size)));
  }
});

test('status and headers are replayed with a sealed body', async () => {
  const headers = { 'content-type': 'text/plain', link: ['</a>', '</b>'], 'x-note': 'one, two', 'x-empty': '' };
  for (const status of [200, 303, 402, 500]) {
    await assertReplays(await answered({ status, headers, body: Buffer.from('so it is') }));
  }
});

for (const status of [204, 304]) {
  test(`${status}, which has no body, is replayed`, async () => {
    await assertReplays(await answered({ status, headers: { etag: '"v1"' } }));
  });
}

test('duplicates that waited get the opened body', async () => {
  const key = freshKey();
  let go;
  const held = new Promise((resolve) => {
    go = resolve;
  });
  answers.set(key, { body: binary(200_000), until: held });
  const first = post(key, '/waiting');
  await until('the first is at the origin', () => executions.get(key) === 1);
  const waiting = Array.from({ length: 5 }, () => post(key, '/waiting'));
  go();
  for (const reply of await Promise.all(waiting)) assertReplayed(reply, await first);
  assert.equal(executions.get(key), 1);
});

for (const length of [0, 100, 300_000, 2_000_000]) {
  test(`an answer of ${length} bytes that streams to its first client while it is stored is sealed too`, async () => {
    const marker = `<${randomBytes(12).toString('hex')}>`;
    const body = Buffer.from(marker.repeat(Math.ceil(length / marker.length)));
    const one = await answered({ body }, '/early');
    await until('it is stored', async () => (await post(one.key, '/early')).outcome === 'replayed');
    await assertReplays(one, '/early');
    assert.ok(!(await isOnDisk(gate, marker)), 'it is on disk');
  });
}

test('a client who hangs up in the middle of a large body harms nobody', async () => {
  const one = await answered({ body: binary(20_000_000) });
  for (let time = 0; time < 5; time += 1) {
    const { request, response } = gate.open('POST', '/sealed', { key: one.key, json: {} });
    const incoming = await response;
    incoming.on('error', () => {});
    request.destroy();
  }
  await assertReplays(one);
});

for (const length of [100, 3_000_000]) {
  test(`what ${length} bytes say is on disk where they are not sealed, and nowhere where they are`, async () => {
    const marked = () => {
      const marker = `<${randomBytes(12).toString('hex')}>`;
      return { marker, body: Buffer.from(marker.repeat(Math.ceil(length / marker.length))) };
    };
    const [open, closed] = [marked(), marked()];
    const [plain, sealed] = [await answered({ body: open.body }, '/plain'), await answered({ body: closed.body })];
    await assertReplays(plain, '/plain');
    await assertReplays(sealed);
    assert.ok(await isOnDisk(gate, open.marker), 'a body that is not sealed is not found: the test shows nothing');
    assert.ok(!(await isOnDisk(gate, closed.marker)), 'a sealed body is on disk');
    await gate.child.stop('SIGINT');
    assert.ok(!(await isOnDisk(gate, closed.marker)), 'a sealed body is on disk after a restart');
    await gate.restart();
    await assertReplays(sealed);
  });
}

test('a route may begin and cease to seal while records live', async () => {
  const [plain, sealed] = [await answered({ body: binary(100) }, '/plain'), await answered({ body: binary(100_000) })];
  const turned = ROUTES.map((each) => {
    return { sealed: { ...each, seal: false }, plain: { ...each, seal: true } }[each.name] ?? each;
  });
  await gate.redeploy(turned);
  await assertReplays(plain, '/plain');
  await assertReplays(sealed);
  const nowPlain = await answered({ body: binary(300) });
  await gate.redeploy(ROUTES);
  await assertReplays(nowPlain);
});

test('records of the previous key are replayed until it is gone, and are then neither shown nor executed again', async () => {
  const [second, third] = [newSecret(), newSecret()];
  const old = await answered({ body: binary(200_000) });
  await gate.redeploy(ROUTES, { SEAL_KEY: second, SEAL_KEY_PREVIOUS: SECRET });
  await assertReplays(old);
  const young = await answered({ body: binary(150_000) });

  await gate.redeploy(ROUTES, { SEAL_KEY: second });
  await assertReplays(young); // so the new key sealed it
  await assertNotShown(old, /neither SEAL_KEY nor SEAL_KEY_PREVIOUS/);

  await gate.redeploy(ROUTES, { SEAL_KEY: third, SEAL_KEY_PREVIOUS: SECRET });
  await assertReplays(old);
  await assertNotShown(young, /neither SEAL_KEY nor SEAL_KEY_PREVIOUS/);

  assert.ok(![SECRET, second, third].some((secret) => gate.log.includes(secret)), 'a key is in the log');
  await gate.redeploy(ROUTES, { SEAL_KEY: SECRET });
});

test('no Worker meets a key that it does not know while the key is changed as docs/deployment.md says', async () => {
  const next = newSecret();
  const steps = [
    { SEAL_KEY: SECRET },
    { SEAL_KEY: SECRET, SEAL_KEY_PREVIOUS: next },
    { SEAL_KEY: next, SEAL_KEY_PREVIOUS: SECRET },
  ];
  const records = [];
  for (const vars of steps) {
    await gate.redeploy(ROUTES, vars);
    records.push(await answered({ body: binary(100) }));
  }
  // What a Worker of the last step has sealed comes to one of the step before.
  for (const vars of steps.slice(1).reverse()) {
    await gate.redeploy(ROUTES, vars);
    for (const record of records) await assertReplays(record);
  }
  await gate.redeploy(ROUTES, { SEAL_KEY: SECRET });
});

/** Changes what is stored, as `change` of ledgers.mjs does, while the gate is stopped. */
async function changeStored(change) {
  await gate.child.stop('SIGINT');
  await changeBodies(gate, change);
  await gate.restart();
}

for (const [what, length, at] of [
  ['the only byte', 1, 0],
  ['the tag', 1001, 1001 + 15],
  ['the tag of an empty body', 0, 3],
  ['the first segment of several', 3 * SEGMENT + 11, SEGMENT + 15],
]) {
  test(`a body of which ${what} was changed in storage is not shown`, async () => {
    const one = await answered({ body: binary(length) });
    await assertReplays(one);
    const sealedLength = length + 16 * Math.max(1, Math.ceil(length / SEGMENT));
    await changeStored((bodies) => {
      // Another test's may have this length too.
      const found = bodies.filter(({ bytes }) => bytes.length === sealedLength);
      for (const { bytes } of found) bytes[at] ^= 1;
    });
    await assertNotShown(one, /segment 0 is not what was sealed/);
  });
}

test('a body of which a later segment was changed in storage breaks off before it', async () => {
  const length = 40 * SEGMENT + 100;
  const one = await answered({ body: binary(length) });
  await changeStored((bodies) => {
    // It lies in pieces: the last one has the last segment.
    const last = bodies.find(({ bytes }) => bytes.length === (length + 41 * 16) % ROW);
    last.bytes[last.bytes.length - 50] ^= 1;
  });
  const { response } = gate.open('POST', '/sealed', { key: one.key, json: {} });
  const incoming = await response;
  assert.equal(Number(incoming.headers['content-length']), length);
  const got = [];
  await new Promise((over) => {
    incoming.on('data', (piece) => got.push(piece)).on('error', over).on('end', over);
  });
  const bytes = Buffer.concat(got);
  assert.ok(!incoming.complete, 'the reply claims to be whole');
  assert.ok(bytes.length <= 40 * SEGMENT, 'the changed segment was sent');
  assert.ok(bytes.equals(binary(length).subarray(0, bytes.length)), 'other bytes came');
  await until('the log says why', () => /segment 40 .*sealed body cannot be opened/.test(gate.log));
  assert.equal(executions.get(one.key), 1);
});

test('bodies that were exchanged in storage are not shown', async () => {
  const length = 12_345;
  const pair = [await answered({ body: binary(length) }), await answered({ body: Buffer.alloc(length, 'x') })];
  await changeStored((bodies) => {
    const two = bodies.filter(({ bytes }) => bytes.length === length + 16);
    assert.equal(two.length, 2);
    [two[0].bytes, two[1].bytes] = [two[1].bytes, two[0].bytes];
  });
  for (const one of pair) await assertNotShown(one, /segment 0 is not what was sealed/);
});

test('a body that was cut off in storage is not shown', async () => {
  const one = await answered({ body: binary(2 * SEGMENT + 777) });
  await changeStored((bodies) => {
    const cut = bodies.find(({ bytes }) => bytes.length === 2 * SEGMENT + 777 + 3 * 16);
    cut.bytes = cut.bytes.subarray(0, 2 * (SEGMENT + 16));
  });
  assertProblem(await post(one.key), 409, 'not-stored');
  assert.equal(executions.get(one.key), 1);
});
