// node-idempotency.mjs ORIGIN SOCKET: a proxy in Node with `@node-idempotency/core` and Redis, as its users would write it.

import { Agent, createServer, request as send } from 'node:http';

import { Idempotency } from '@node-idempotency/core';
import { RedisStorageAdapter } from '@node-idempotency/storage-adapter-redis';

const [origin, socket] = process.argv.slice(2);
const storage = new RedisStorageAdapter({ socket: { path: socket } });
await storage.connect();
const idempotency = new Idempotency(storage);
const agent = new Agent({ keepAlive: true });

const server = createServer(async (request, response) => {
  const text = await whole(request);
  const asked = { headers: request.headers, path: request.url, method: request.method, body: JSON.parse(text) };
  const stored = await idempotency.onRequest(asked).catch((error) => ({ body: error.message, additional: { status: 409 } }));
  if (stored) return answer(response, stored.additional.status, stored.additional.type, stored.body);
  const { status, type, body } = await ask(request, text);
  await idempotency.onResponse(asked, { body, additional: { status, type } });
  answer(response, status, type, body);
}).listen(0, '127.0.0.1', () => console.log(`ready on http://127.0.0.1:${server.address().port}`));

function ask(request, text) {
  return new Promise((resolve, reject) => {
    const { method, headers } = request;
    const outgoing = send(origin + request.url, { method, headers, agent }, async (response) => {
      resolve({ status: response.statusCode, type: response.headers['content-type'], body: await whole(response) });
    });
    outgoing.on('error', reject).end(text);
  });
}

async function whole(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function answer(response, status, type, body) {
  response.writeHead(status, { 'content-type': type ?? 'text/plain', 'content-length': Buffer.byteLength(body) }).end(body);
}
