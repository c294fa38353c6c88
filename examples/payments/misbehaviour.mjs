// What makes the example origin slow, broken and observable. Only tests need it.
//
// A request says by its headers what should go wrong with it, and these travel through the gate like any other:
//
//   X-Test-Delay-Before: 500ms   waits before it executes
//   X-Test-Delay: 500ms          waits after it executed, before it answers
//   X-Test-Hold-Before: NAME     waits before it executes, until POST /_test/go/NAME
//   X-Test-Hold: NAME            waits after it executed, until POST /_test/go/NAME
//   X-Test-Fail: 503             answers with this status and does not execute
//   X-Test-Status: 402           executes, and answers with this status
//   X-Test-Body: KIND            executes, and answers with a body of this kind (see `kinds`)
//   X-Test-Reply: {"a": "b"}     executes, and adds these headers to its answer
//   X-Test-Hang-Up: before         ends the connection without executing
//                   after          executes, and ends the connection without an answer
//                   after-headers  executes, and ends the connection in the middle of its answer
//
// And for a test to arrange things, and to look at them afterwards:
//
//   POST   /_test/next           a list of such instructions without the prefix, as in [{"fail": "503"}, {}]: each of
//                                the next requests that bring none of their own takes one
//   POST   /_test/go/NAME        ends the wait of this name, also one that has not begun
//   GET    /_test/log            every request that arrived here
//   DELETE /_test/log            forgets them

import { createCipheriv, createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const PREFIX = 'x-test-';
const LOGGED_BODY_BYTES = 64 * 1024;

/** Kinds of answer: each takes what follows the colon and the answer that was due, and says what is different in it. */
const kinds = {
  binary: (bytes) => ({ headers: { 'content-type': 'application/octet-stream' }, body: binary(Number(bytes)) }),
  gzip: (_, due) => ({ headers: { ...due.headers, 'content-encoding': 'gzip' }, body: gzipSync(due.body) }),
  br: (_, due) => ({ headers: { ...due.headers, 'content-encoding': 'br' }, body: brotliCompressSync(due.body) }),
  empty: () => ({ headers: { 'content-type': 'text/plain', 'content-length': '0' }, body: '' }),
  204: () => ({ status: 204, headers: { 'x-deleted': 'yes' }, body: '' }),
  304: () => ({ status: 304, headers: { etag: '"v1"' }, body: '' }),
  303: (_, due) => ({ status: 303, headers: { location: due.headers.location }, body: '' }),
  cookies: (_, due) => ({
    headers: { ...due.headers, 'set-cookie': ['session=secret; Path=/; HttpOnly', 'theme=a, b; Path=/'] },
  }),
  repeated: (_, due) => ({
    headers: { ...due.headers, link: ['</a>; rel="next"', '</b>; rel="prev"'], 'x-many': ['1', '2', '3'] },
  }),
};

const log = [];
const scripted = [];
const holds = new Map();

/** `length` bytes that look random and are the same every time. */
export function binary(length) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Answers a request by `execute`, as late and as badly as it asks for. Throws where its connection shall end. */
export async function misbehave(request, execute, outgoing) {
  const control = controls(request);
  if (control) return control;
  record(request);
  const asked = instructions(request);

  await sleep(milliseconds(asked['delay-before']));
  await hold(asked['hold-before']);
  if (asked['hang-up'] === 'before') throw new Error('hung up before executing');
  if (asked.fail) return json({ error: { message: 'Told to fail.' } }, Number(asked.fail));

  const reply = different(await execute(request), asked);
  await sleep(milliseconds(asked.delay));
  await hold(asked.hold);
  if (asked['hang-up'] === 'after') throw new Error('hung up after executing');
  if (asked['hang-up'] === 'after-headers') await breakOff(reply, outgoing);
  return reply;
}

/** The answer to a request of a test itself, undefined for any other. */
function controls({ method, url, body }) {
  const held = /^\/_test\/go\/(.+)$/.exec(url)?.[1];
  if (method === 'POST' && held) return json({ ended: gate(held).open() });
  if (method === 'POST' && url === '/_test/next') return json({ scripted: scripted.push(...JSON.parse(body)) });
  if (method === 'GET' && url === '/_test/log') return json(log);
  if (method === 'DELETE' && url === '/_test/log') return json({ forgotten: log.splice(0).length });
  return undefined;
}

function record({ method, url, rawHeaders, body }) {
  if (url.startsWith('/_test/')) return;
  const headers = [];
  for (let index = 0; index < rawHeaders.length; index += 2) headers.push([rawHeaders[index], rawHeaders[index + 1]]);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const kept = body.length <= LOGGED_BODY_BYTES ? body.toString('base64') : null;
  log.push({ method, url, headers, body: kept, bytes: body.length, sha256 });
}

/** What a request asks for: by its own headers, else by the script. */
function instructions({ url, headers }) {
  if (url.startsWith('/_test/')) return {};
  const own = Object.entries(headers).filter(([name]) => name.startsWith(PREFIX));
  if (own.length === 0) return scripted.shift() ?? {};
  return Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), value]));
}

function different(due, { status, body, reply }) {
  const [kind, argument] = body?.split(':') ?? [];
  const changed = { ...due, ...kinds[kind]?.(argument, due) };
  if (status) changed.status = Number(status);
  if (reply) changed.headers = { ...changed.headers, ...JSON.parse(reply) };
  return changed;
}

/** Promises the whole answer, sends half of it, and ends the connection. */
async function breakOff(reply, outgoing) {
  const body = Buffer.from(reply.body);
  outgoing.writeHead(reply.status, { ...reply.headers, 'content-length': body.length });
  await new Promise((sent) => outgoing.write(body.subarray(0, body.length / 2), sent));
  throw new Error('hung up in the middle of the answer');
}

function hold(name) {
  return name && gate(name).opened;
}

function gate(name) {
  if (!holds.has(name)) {
    let open;
    const opened = new Promise((resolve) => {
      open = () => resolve() ?? true;
    });
    holds.set(name, { opened, open });
  }
  return holds.get(name);
}

function milliseconds(duration = '0ms') {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(duration) ?? [];
  return Number(number) * (unit === 's' ? 1000 : 1);
}

function json(value, status = 200) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
