// A reverse proxy that retries by itself, also what is not idempotent, in front of two gates, which share their ledgers. The
// way to the first can fail.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, freshKey, route } from '../e2e/support/expect.mjs';
import { temporaryFolder } from '../e2e/support/gate.mjs';
import { send } from '../e2e/support/http.mjs';
import { startOrigin } from '../e2e/support/origin.mjs';
import { freePort } from '../e2e/support/port.mjs';
import { Child } from '../e2e/support/processes.mjs';
import { until } from '../e2e/support/until.mjs';
import { startWorkerd } from '../e2e/support/workerd.mjs';

const origin = await startOrigin();
const gates = await startWorkerd({
  origin,
  routes: [
    route('payments', '/v1/payments'),
    route('intents', '/v1/payment_intents', { on_duplicate: 'wait', wait: '10s' }),
  ],
});
after(async () => {
  await gates.stop();
  await origin.stop();
});

/** What the bad way does with a connection whose request it has handed on: see `ways`. */
let fault;
const connections = { bad: 0, good: 0 };

const ways = {
  /** Hands everything on, both ways. */
  good: (client, upstream) => upstream.pipe(client),
  /** Hands the request on, and drops the client as soon as the origin has it. */
  async dropWhileRunning(client, upstream, label) {
    upstream.resume();
    await origin.arrived(label);
    client.resetAndDestroy();
  },
  /** Hands the request on, and drops the client when the gate has answered. */
  dropAfterAnswer(client, upstream) {
    upstream.once('data', () => client.resetAndDestroy()).resume();
  },
  /** Hands the request on, and never says anything. */
  keepSilent: (_, upstream) => upstream.resume(),
};

/** A way to a gate: a port on which `way` decides what comes back. */
async function listen(name, gatePort, way) {
  const server = createServer((client) => {
    connections[name] += 1;
    const upstream = connect(gatePort, '127.0.0.1');
    for (const socket of [client, upstream]) socket.on('error', () => {});
    client.pipe(upstream, { end: false });
    way()(client, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return server.address().port;
}

const badPort = await listen('bad', gates.ports[0], () => fault);
const goodPort = await listen('good', gates.ports[1], () => ways.good);
const nginx = await startNginx(`127.0.0.1:${badPort}`, `127.0.0.1:${goodPort}`);

/** Starts nginx with these gates, of which it asks the first and then, when that fails, the second. */
async function startNginx(first, second) {
  const folder = await temporaryFolder();
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${what};`);
  await writeFile(
    join(folder.path, 'nginx.conf'),
    `
    daemon off;
    master_process off;
    pid nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.join(' ')}
      upstream gates {
        server ${first} max_fails=0;
        server ${second} max_fails=0 backup;
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://gates;
          proxy_http_version 1.1;
          proxy_read_timeout 1s;
          proxy_next_upstream error timeout http_502 http_504 non_idempotent;
        }
      }
    }`,
  );
  const child = new Child('nginx', 'nginx', ['-p', folder.path, '-c', 'nginx.conf', '-e', 'stderr'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  after(async () => {
    await child.stop();
    folder.forget();
  });
  const url = `http://127.0.0.1:${port}`;
  await until('nginx listens', () => {
    if (child.end) throw new Error(`nginx (Debian: apt-get install nginx-light) has ended:\n${child.lastLines()}`);
    const { promise, resolve } = Promise.withResolvers();
    const probe = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    return promise.finally(() => probe.destroy());
  });
  return { url };
}

beforeEach(() => Object.assign(connections, { bad: 0, good: 0 }));

const pay = (key, headers = {}, path = '/v1/payments') => {
  return send(nginx.url, 'POST', path, { key, json: PAYMENT, headers: { 'x-label': key, ...headers } });
};

/** Asserts that nginx has tried both ways, that the gates let one request through, and that it was executed once. */
async function assertRetriedAndExecutedOnce(key) {
  assert.deepEqual(connections, { bad: 1, good: 1 });
  assert.equal(await origin.calls(key), 1);
  assert.equal(await origin.executions(key), 1);
}

test('without a fault nginx asks once', async () => {
  fault = ways.good;
  const key = freshKey();
  assertCreated(await pay(key));
  assert.deepEqual(connections, { bad: 1, good: 0 });
  assert.equal(await origin.executions(key), 1);
});

test('a connection lost after the answer: the retry gets the answer', async () => {
  fault = ways.dropAfterAnswer;
  const key = freshKey();
  const reply = await pay(key);
  assert.equal(reply.status, 201);
  assert.equal(reply.outcome, 'replayed');
  await assertRetriedAndExecutedOnce(key);
});

test('a connection lost while the origin works: the retry is told to come back', async () => {
  const key = freshKey();
  fault = (client, upstream) => ways.dropWhileRunning(client, upstream, key);
  const reply = await pay(key, { 'x-test-hold': key });
  assertProblem(reply, 409, 'in-progress');
  await assertRetriedAndExecutedOnce(key);

  await origin.go(key);
  fault = ways.good;
  const later = await until('it is done', async () => {
    const retry = await pay(key);
    return retry.status !== 409 && retry;
  });
  assert.equal(later.status, 201);
  assert.equal(later.outcome, 'replayed');
  assert.equal(await origin.executions(key), 1);
});

test('a connection lost while the origin works: where duplicates wait, the retry gets the answer', async () => {
  const key = freshKey();
  fault = (client, upstream) => ways.dropWhileRunning(client, upstream, key);
  const reply = await pay(key, { 'x-test-delay': '500ms' }, '/v1/payment_intents');
  assert.equal(reply.status, 201);
  assert.equal(reply.outcome, 'replayed');
  await assertRetriedAndExecutedOnce(key);
});

test('a gate that seems dead for longer than nginx waits: the retry gets the answer', async () => {
  fault = ways.keepSilent;
  const key = freshKey();
  const reply = await pay(key);
  assert.equal(reply.status, 201);
  assert.equal(reply.outcome, 'replayed');
  await assertRetriedAndExecutedOnce(key);
});

test('an origin that hangs up: nginx takes the 502 to the other way, and nothing is executed again', async () => {
  fault = ways.good;
  const key = freshKey();
  await origin.script({ 'hang-up': 'after' });
  const reply = await pay(key);
  assert.ok([502, 504].includes(reply.status), `status ${reply.status}`);
  assert.equal(reply.outcome, 'unknown');
  await assertRetriedAndExecutedOnce(key);
});
