// With `reply = "early"` the first client gets the answer as it comes, and the record gets it whatever the client does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { assertCreated, assertProblem, assertReplayed, freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { inChunks } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { startWorkerd } from './support/workerd.mjs';

const MIB = 1024 * 1024;
const LIMIT = 64 * 1024;
const SMALL = binary(10_000);
const LARGE = binary(1_000_000);
/** More than the sockets between the gate and its client hold. */
const HUGE = binary(30 * MIB);
const ENDLESS_MIB = 200;

/** What the origin waits for, by the label of a request: its answer is then held in the middle. */
const gates = new Map();
function gateOf(label) {
  if (!gates.has(label)) {
    let open;
    const opened = new Promise((resolve) => {
      open = resolve;
    });
    gates.set(label, { opened, open });
  }
  return gates.get(label);
}
const go = (label) => gateOf(label).open();
/** Those whose answer has been sent, by their label. */
const ended = new Set();
/** How many bytes of an answer without end the origin could send. */
let endless = 0;

/** Answers with half of these bytes, waits, and answers with the others. */
const held = (bytes, headers = {}) => {
  return async (outgoing, label) => {
    outgoing.writeHead(201, headers).write(bytes.subarray(0, bytes.length / 2));
    await gateOf(label).opened;
    outgoing.end(bytes.subarray(bytes.length / 2), () => ended.add(label));
  };
};
const announced = (bytes) => ({ 'content-length': bytes.length });
/** Answers with half of these bytes, waits, and ends the connection. */
const broken = (headers) => {
  return async (outgoing, label) => {
    outgoing.writeHead(201, headers).write(SMALL.subarray(0, 5000));
    await gateOf(label).opened;
    outgoing.destroy();
  };
};
const answers = {
  held: held(SMALL),
  'held, announced': held(SMALL, { ...announced(SMALL), 'content-type': 'x/y', etag: '"1"' }),
  'held, large': held(LARGE),
  'held, large and announced': held(LARGE, announced(LARGE)),
  huge: (outgoing, label) => outgoing.writeHead(201, announced(HUGE)).end(HUGE, () => ended.add(label)),
  broken: broken({}),
  'broken, announced': broken(announced(SMALL)),
  gzip: (outgoing) => outgoing.writeHead(201, { 'content-encoding': 'gzip' }).end(gzipSync(SMALL)),
  empty: (outgoing) => outgoing.writeHead(201, { 'content-length': 0 }).end(),
  'at the limit': (outgoing) => outgoing.writeHead(201).end(LARGE.subarray(0, LIMIT)),
  'over the limit': (outgoing) => outgoing.writeHead(201).end(LARGE.subarray(0, LIMIT + 1)),
  204: (outgoing) => outgoing.writeHead(204, { 'x-deleted': 'yes' }).end(),
  503: (outgoing) => outgoing.writeHead(503).end('later'),
  502: (outgoing) => outgoing.writeHead(502).end('bad gateway'),
  'many headers': (outgoing) => {
    for (let index = 0; index < 300; index += 1) outgoing.setHeader(`x-${index}`, '1');
    outgoing.writeHead(201).end(SMALL);
  },
  bytes: (outgoing) => {
    const head = 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    outgoing.socket.end(Buffer.concat([Buffer.from(head), inChunks(LARGE.subarray(0, 10_000), 1)]));
  },
  endless: (outgoing) => {
    const parts = function* () {
      for (endless = 0; endless < ENDLESS_MIB * MIB; endless += MIB) yield Buffer.alloc(MIB);
    };
    outgoing.writeHead(201);
    pipeline(Readable.from(parts()), outgoing).catch(() => {}); // its client hangs up
  },
};
const origin = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  answers[incoming.headers['x-answer']](outgoing, incoming.headers['x-label']);
});

const early = { reply: 'early' };
const routes = [
  route('plain', '/plain', early),
  route('waiting', '/waiting', { ...early, on_duplicate: 'wait' }),
  route('small', '/small', { ...early, max_response: `${LIMIT}B` }),
  route('huge', '/huge', { ...early, max_response: '32MiB' }),
  route('impatient', '/impatient', { ...early, timeout: '1s' }),
];
const gate = await startGate({ origin, routes });
after(async () => {
  await gate.stop();
  await origin.stop();
});

const optionsOf = (key, answer) => ({ key, json: {}, headers: { 'x-answer': answer, 'x-label': key } });
const open = (path, key, answer) => gate.open('POST', path, optionsOf(key, answer));
const post = (path, key, answer) => gate.post(path, optionsOf(key, answer));
const calls = (key) => origin.seen.filter(({ headers }) => headers['x-label'] === key).length;

/** The reply to a retry, as soon as the first request is not in progress any more. */
function settled(path, key, send = post) {
  return until('the first request is settled', async () => {
    const reply = await send(path, key, 'none');
    return reply.outcome !== 'in-progress' && reply;
  });
}

/** Begins a request whose answer is held in the middle, and gives it when `bytes` of its body are here. */
async function begin(path, key, answer, bytes) {
  const incoming = await open(path, key, answer).response;
  const parts = [];
  let length = 0;
  incoming.on('data', (part) => {
    parts.push(part);
    length += part.length;
  });
  await until('the first part is here', () => length >= bytes);
  return { incoming, body: () => Buffer.concat(parts) };
}

for (const [path, answer, bytes] of [
  ['/plain', 'held', SMALL],
  ['/plain', 'held, announced', SMALL],
  ['/small', 'held, large', LARGE],
  ['/small', 'held, large and announced', LARGE],
]) {
  test(`the first bytes of an answer (${answer}) are with the client before the origin has sent its last`, async () => {
    const key = freshKey();
    const { incoming, body } = await begin(path, key, answer, bytes.length / 2);
    assert.equal(incoming.headers['idempotency-status'], 'created');
    assert.equal(incoming.headers['content-length'], answer.includes('announced') ? String(bytes.length) : undefined);
    assert.ok(!ended.has(key));
    go(key);
    await once(incoming, 'end');
    assert.ok(body().equals(bytes));
    const retry = await settled(path, key);
    assert.equal(retry.outcome, path === '/small' ? 'not-stored' : 'replayed');
    assert.equal(calls(key), 1);
  });
}

for (const [answer, status] of [
  ['held, announced', 201],
  ['gzip', 201],
  ['empty', 201],
  ['bytes', 201],
  ['204', 204],
]) {
  test(`an answer (${answer}) that was streamed is replayed as it was`, async () => {
    const key = freshKey();
    go(key);
    const first = await post('/plain', key, answer);
    assertCreated(first, status);
    if (answer === 'bytes') assert.ok(first.body.equals(LARGE.subarray(0, 10_000)));
    assertReplayed(await settled('/plain', key), first);
    assert.equal(calls(key), 1);
  });
}

test('a retry that comes while the answer streams is told that it is in progress', async () => {
  const key = freshKey();
  const { incoming } = await begin('/plain', key, 'held', SMALL.length / 2);
  assertProblem(await post('/plain', key, 'held'), 409, 'in-progress');
  go(key);
  await once(incoming, 'end');
});

test('a retry that waits while the answer streams gets the answer', async () => {
  const key = freshKey();
  const { incoming, body } = await begin('/waiting', key, 'held', SMALL.length / 2);
  const waiting = post('/waiting', key, 'held');
  // That it waits can only be seen by looking for a while.
  assert.equal(await Promise.race([waiting, sleep(300, 'nobody')]), 'nobody');
  go(key);
  await once(incoming, 'end');
  const retry = await waiting;
  assert.equal(retry.outcome, 'replayed');
  assert.ok(retry.body.equals(body()));
});

test('a client that hangs up in the middle leaves a completed record', async () => {
  const key = freshKey();
  const { incoming } = await begin('/plain', key, 'held', SMALL.length / 2);
  incoming.destroy();
  assertProblem(await post('/plain', key, 'held'), 409, 'in-progress');
  go(key);
  const retry = await settled('/plain', key);
  assert.equal(retry.outcome, 'replayed');
  assert.ok(retry.body.equals(SMALL));
  assert.equal(calls(key), 1);
});

test('a Worker that hangs up in the middle leaves a completed record', async (t) => {
  // It hangs up when it has the first part; see client-gone.test.mjs.
  const caller = `export default {
    async fetch(request, env) {
      const patience = request.headers.get('x-answer') === 'held' ? new AbortController() : undefined;
      const response = await env.GATE.fetch(request, { signal: patience?.signal });
      if (!patience) return response;
      const { value } = await response.body.getReader().read();
      patience.abort();
      return new Response(String(value.length));
    },
  };`;
  const workerd = await startWorkerd({ caller, origin, routes });
  t.after(() => workerd.stop());
  const send = async (path, key, answer) => {
    const { headers } = optionsOf(key, answer);
    const response = await fetch(new URL(path, workerd.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
      body: '{}',
    });
    const outcome = response.headers.get('idempotency-status');
    return { outcome, body: Buffer.from(await response.arrayBuffer()) };
  };
  const key = freshKey();
  const { body } = await send('/plain', key, 'held');
  assert.match(body.toString(), /^[1-9]\d*$/);
  go(key);
  const retry = await settled('/plain', key, send);
  assert.equal(retry.outcome, 'replayed');
  assert.ok(retry.body.equals(SMALL));
  assert.equal(calls(key), 1);
});

test('a client that does not read leaves a completed record, and gets its answer when it does', async () => {
  const key = freshKey();
  const incoming = await open('/huge', key, 'huge').response; // paused: nobody reads it yet
  const retry = await settled('/huge', key);
  assert.equal(retry.outcome, 'replayed');
  assert.ok(retry.body.equals(HUGE));
  const parts = [];
  for await (const part of incoming) parts.push(part);
  assert.ok(Buffer.concat(parts).equals(HUGE));
  assert.equal(calls(key), 1);
});

test('what is over max_response comes no faster than the client reads it', async () => {
  const key = freshKey();
  const incoming = await open('/small', key, 'endless').response; // paused
  assertProblem(await settled('/small', key), 409, 'not-stored');
  let seen = -1;
  await until('the origin can send no more', () => endless === seen || ((seen = endless), false), { everyMs: 500 });
  assert.ok(endless < (ENDLESS_MIB * MIB) / 4, `the origin sent ${endless} bytes to a client that does not read`);
  incoming.destroy();
});

for (const answer of ['broken', 'broken, announced']) {
  test(`a body that breaks off (${answer}) breaks off for the client, and leaves the outcome unknown`, async () => {
    const key = freshKey();
    const { incoming } = await begin('/plain', key, answer, 5000);
    const end = once(incoming, 'end'); // rejects where the connection ends before the body does
    go(key);
    await assert.rejects(end, { code: 'ECONNRESET' });
    assertProblem(await settled('/plain', key), 502, 'unknown');
    assert.equal(calls(key), 1);
  });
}

test('a body that is not whole at timeout breaks off, and leaves the outcome unknown', async () => {
  const key = freshKey();
  const { incoming } = await begin('/impatient', key, 'held', SMALL.length / 2);
  await assert.rejects(once(incoming, 'end'), { code: 'ECONNRESET' });
  assertProblem(await settled('/impatient', key), 504, 'unknown');
  go(key);
  assertProblem(await post('/impatient', key, 'held'), 504, 'unknown');
  assert.equal(calls(key), 1);
});

for (const answer of ['held, large', 'held, large and announced']) {
  test(`an answer over max_response (${answer}) is not-stored for retries before it has ended`, async () => {
    const key = freshKey();
    const { incoming, body } = await begin('/small', key, answer, LARGE.length / 2);
    assert.equal(assertProblem(await settled('/small', key), 409, 'not-stored').original_status, 201);
    assert.ok(!ended.has(key));
    go(key);
    await once(incoming, 'end');
    assert.ok(body().equals(LARGE));
    assertProblem(await post('/small', key, answer), 409, 'not-stored');
    assert.equal(calls(key), 1);
  });
}

test('an answer at max_response is stored, and one byte more is not', async () => {
  const [at, over] = [freshKey(), freshKey()];
  const first = await post('/small', at, 'at the limit');
  assert.equal(first.body.length, LIMIT);
  assertReplayed(await settled('/small', at), first);
  assert.equal((await post('/small', over, 'over the limit')).body.length, LIMIT + 1);
  assertProblem(await settled('/small', over), 409, 'not-stored');
});

test('an answer with more headers than are kept goes through, and is not-stored for retries', async () => {
  const key = freshKey();
  const first = await post('/plain', key, 'many headers');
  assertCreated(first);
  assert.ok(first.body.equals(SMALL));
  assertProblem(await settled('/plain', key), 409, 'not-stored');
});

test('an answer that frees the key, or leaves the outcome open, is dealt with as ever', async () => {
  const [released, unknown] = [freshKey(), freshKey()];
  const refused = await post('/plain', released, '503');
  assert.deepEqual([refused.status, refused.outcome, refused.text], [503, 'released', 'later']);
  go(released);
  assertCreated(await post('/plain', released, 'held'));
  for (let time = 0; time < 2; time += 1) assertProblem(await post('/plain', unknown, '502'), 502, 'unknown');
  assert.deepEqual([calls(released), calls(unknown)], [2, 1]);
});

test('kill -9 in the middle of the answer leaves the outcome unknown after the lease, and never executes again', async () => {
  const key = freshKey();
  const { incoming } = await begin('/impatient', key, 'held', SMALL.length / 2);
  const end = once(incoming, 'end');
  end.catch(() => {});
  await gate.kill9();
  await assert.rejects(end, { code: 'ECONNRESET' });
  await gate.restart();
  assertProblem(await post('/impatient', key, 'held'), 409, 'in-progress');
  const retry = await until(
    'the lease is over',
    async () => {
      const reply = await post('/impatient', key, 'held');
      return reply.status !== 409 && reply;
    },
    { seconds: 20, everyMs: 100 },
  );
  assertProblem(retry, 504, 'unknown');
  assert.equal(calls(key), 1);
});
