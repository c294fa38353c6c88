// What no route guards goes through as if there were no gate.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';

import { binary } from '../../examples/payments/misbehaviour.mjs';
import { freshKey, route } from './support/expect.mjs';
import { startGate } from './support/gate.mjs';
import { rawRequest } from './support/http.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';

/** What the origin does with a request of a path; any other path answers with the request's own body. */
const handlers = new Map();
const origin = await handmadeOrigin(async (incoming, outgoing) => {
  const handler = handlers.get(incoming.url);
  if (handler) handler(incoming, outgoing);
  else outgoing.end(await buffer(incoming));
});
const gate = await startGate({
  origin,
  routes: [route('payments', '/v1/payments'), route('off', '/off', { mode: 'off' })],
});
const sockets = new WebSocketServer({ server: origin.server, path: '/ws' });
after(async () => {
  await gate.stop();
  await origin.stop();
});

/** The requests that reached the origin for a path that no other test uses. */
const seen = (url) => origin.seen.filter((request) => request.url === url);

for (const method of [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'MKCOL',
  'REPORT',
  'SEARCH',
  'PURGE',
]) {
  test(`${method} outside of the routes passes through`, async () => {
    const path = `/other/${method}?a=%20b&c`;
    const body = ['GET', 'DELETE', 'OPTIONS'].includes(method) ? undefined : 'body';
    const reply = await gate.send(method, path, { key: freshKey(), body });
    assert.equal(reply.status, 200);
    assert.equal(reply.text, body ?? '');
    assert.equal(reply.outcome, null);
    assert.deepEqual(
      seen(path).map((request) => request.method),
      [method],
    );
  });
}

for (const method of ['GET', 'PUT', 'DELETE', 'PROPFIND']) {
  test(`${method} on a route's path passes through when the route does not guard it`, async () => {
    const before = seen('/v1/payments').length;
    for (let time = 0; time < 2; time += 1) {
      const reply = await gate.send(method, '/v1/payments', { key: 'same' });
      assert.equal(reply.outcome, null);
    }
    const methods = seen('/v1/payments')
      .slice(before)
      .map((request) => request.method);
    assert.deepEqual(methods, [method, method]);
  });
}

test('a route that is off lets everything through', async () => {
  for (const key of ['same', 'same', undefined])
    assert.equal((await gate.post('/off', { key, body: 'x' })).outcome, null);
  assert.equal(seen('/off').length, 3);
});

test('HEAD passes through with the length of what GET would give', async () => {
  handlers.set('/head', (_, outgoing) => outgoing.writeHead(200, { 'content-length': '12345' }).end());
  const reply = await gate.send('HEAD', '/head');
  assert.equal(reply.status, 200);
  assert.equal(reply.header('content-length'), '12345');
  assert.deepEqual(
    seen('/head').map((request) => request.method),
    ['HEAD'],
  );
});

test('a method that nobody knows is not turned into another one', async () => {
  const reply = await gate.sendRaw(rawRequest('FROBNICATE', '/frobnicate'));
  assert.ok(reply.status >= 400, `status ${reply.status}`);
  assert.deepEqual(seen('/frobnicate'), []);
});

test('the headers of a request arrive as they were sent', async () => {
  const headers = {
    accept: 'text/plain;q=0.5, */*',
    'accept-language': 'de, en;q=0.8',
    authorization: 'Basic dXNlcjpwYXNz',
    cookie: 'a=1; b="2"',
    'content-type': 'text/x-own; charset=utf-8',
    'if-none-match': 'W/"abc"',
    range: 'bytes=0-9',
    'user-agent': 'own/1.0',
    'x-empty': '',
    'x-spaces': 'a  b',
  };
  await gate.post('/headers', { headers, body: 'x' });
  const [request] = seen('/headers');
  for (const [name, value] of Object.entries(headers)) assert.equal(request.headers[name], value, name);
});

test('Idempotency-Key is a header like any other where nothing is guarded', async () => {
  await gate.post('/unguarded-key', { key: '"broken', body: '' });
  assert.equal(seen('/unguarded-key')[0].headers['idempotency-key'], '"broken');
});

test('what only the gate may tell an origin is removed from what clients send', async () => {
  // Origins that hand headers on as variables read an underscore as a hyphen.
  const forged = ['Oncegate-Attempt', 'oncegate-fence', 'ONCEGATE-DEADLINE', 'Oncegate_Attempt', 'oncegate_fence', 'oncegate_Deadline'];
  await gate.post('/forged', { headers: Object.fromEntries(forged.map((name) => [name, '1'])), body: '' });
  const names = Object.keys(seen('/forged')[0].headers);
  assert.deepEqual(
    names.filter((name) => name.startsWith('oncegate')),
    [],
  );
});

test('the headers and the status of a reply arrive as they were sent', async () => {
  const headers = {
    'cache-control': 'no-store',
    'content-type': 'text/x-own',
    etag: '"1"',
    'set-cookie': ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'],
    vary: 'accept, origin',
    'www-authenticate': 'Basic realm="a, b"',
    'x-own': 'value',
  };
  handlers.set('/reply-headers', (_, outgoing) => outgoing.writeHead(207, headers).end('multi'));
  const reply = await gate.send('GET', '/reply-headers');
  assert.equal(reply.status, 207);
  for (const [name, value] of Object.entries(headers)) assert.deepEqual(reply.all(name), [value].flat(), name);
  assert.equal(reply.text, 'multi');
});

test("a redirect is the client's business", async () => {
  handlers.set('/redirect', (_, outgoing) => outgoing.writeHead(302, { location: '/redirected' }).end());
  const reply = await gate.send('GET', '/redirect');
  assert.equal(reply.status, 302);
  assert.equal(reply.header('location'), '/redirected');
  assert.deepEqual(seen('/redirected'), []);
});

for (const accepted of ['gzip', undefined]) {
  test(`compressed bytes pass as they are when the client accepts ${accepted ?? 'nothing it would name'}`, async () => {
    const bytes = gzipSync('compressed '.repeat(1000));
    handlers.set('/gzip', (_, outgoing) => outgoing.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes));
    const reply = await gate.send('GET', '/gzip', { headers: accepted && { 'accept-encoding': accepted } });
    assert.equal(reply.header('content-encoding'), 'gzip');
    assert.ok(reply.body.equals(bytes));
  });
}

test('a large body passes both ways unchanged', async () => {
  const body = binary(20 * 1024 * 1024);
  const reply = await gate.post('/large', { body });
  assert.ok(reply.body.equals(body));
});

test('an event arrives before the next one is sent', async () => {
  let stream;
  handlers.set('/events', (_, outgoing) => {
    stream = outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    stream.write('data: 1\n\n');
  });
  const { request, response } = gate.open('GET', '/events');
  request.end();
  const incoming = await response;
  assert.equal(incoming.headers['content-type'], 'text/event-stream');
  const events = incoming[Symbol.asyncIterator]();
  for (const event of [1, 2, 3]) {
    assert.equal((await events.next()).value.toString(), `data: ${event}\n\n`);
    stream.write(`data: ${event + 1}\n\n`);
  }
  incoming.destroy();
});

test('an upload arrives before it is complete', async () => {
  let received = 0;
  handlers.set('/upload', (incoming, outgoing) => {
    incoming.on('data', (chunk) => {
      received += chunk.length;
    });
    incoming.on('end', () => outgoing.end(String(received)));
  });
  const { request, reply } = gate.open('PUT', '/upload');
  request.write(Buffer.alloc(100_000));
  await until('the first part is at the origin', () => received === 100_000);
  request.end(Buffer.alloc(50_000));
  assert.equal((await reply()).text, '150000');
});

test('a WebSocket passes text and bytes both ways, and its end', async () => {
  const accepted = once(sockets, 'connection');
  const client = new WebSocket(`${gate.url.replace('http', 'ws')}/ws`);
  const [[server]] = await Promise.all([accepted, once(client, 'open')]);
  server.on('message', (data, isBinary) => server.send(data, { binary: isBinary }));

  client.send('grüße');
  assert.deepEqual(await once(client, 'message'), [Buffer.from('grüße'), false]);
  client.send(binary(70_000));
  assert.deepEqual(await once(client, 'message'), [binary(70_000), true]);

  const closed = once(server, 'close');
  client.close(4001, 'enough');
  const [code, reason] = await closed;
  assert.equal(code, 4001);
  assert.equal(reason.toString(), 'enough');
});

test('an origin that ends a WebSocket ends it for the client', async () => {
  const accepted = once(sockets, 'connection');
  const client = new WebSocket(`${gate.url.replace('http', 'ws')}/ws`);
  const closed = once(client, 'close');
  const [[server]] = await Promise.all([accepted, once(client, 'open')]);
  server.close(4002, 'bye');
  const [code, reason] = await closed;
  assert.equal(code, 4002);
  assert.equal(reason.toString(), 'bye');
});
