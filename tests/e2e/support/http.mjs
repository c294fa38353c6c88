// Clients that show what `fetch` hides (the bytes of a body as they came, each header line) and send what is wrong.

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** How long nothing may come before a request counts as lost. */
const SILENCE_MS = 60_000;

/** What came back. */
export class Reply {
  constructor(status, rawHeaders, body) {
    this.status = status;
    this.rawHeaders = rawHeaders;
    this.body = body;
  }

  /** Every header line as [lower-case name, value], in the order in which they came. */
  get lines() {
    const lines = [];
    for (let index = 0; index < this.rawHeaders.length; index += 2) {
      lines.push([this.rawHeaders[index].toLowerCase(), this.rawHeaders[index + 1]]);
    }
    return lines;
  }

  /** All values of a header. */
  all(name) {
    return this.lines.filter(([line]) => line === name).map(([, value]) => value);
  }

  /** The value of a header that comes at most once, or null. */
  header(name) {
    return this.all(name).join(', ') || null;
  }

  /** What the gate says it did. */
  get outcome() {
    return this.header('idempotency-status');
  }

  get text() {
    return this.body.toString();
  }

  get json() {
    return JSON.parse(this.text);
  }
}

/**
 * Begins a request and gives it before anything has come back: `request` is the stream to write to, `response`
 * promises the incoming stream, and `reply()` reads that to its end and gives the Reply.
 *
 * `key` is for the Idempotency-Key header, `json` for a JSON body; without either of `json` and `body`, the caller has
 * to end `request`. A header may have several values, in an array. After `silenceMs` without a byte it counts as lost.
 */
export function open(url, method, path, { key, json, body, headers = {}, agent = false, signal, silenceMs = SILENCE_MS } = {}) {
  const { hostname, port } = new URL(url);
  const all = { ...headers };
  if (key !== undefined) all['idempotency-key'] = key;
  if (json !== undefined) all['content-type'] ??= 'application/json';
  const payload = json === undefined ? body : Buffer.from(JSON.stringify(json));
  if (payload !== undefined) all['content-length'] ??= Buffer.byteLength(payload);

  const request = httpRequest({ hostname, port, method, path, headers: all, agent, signal });
  request.setTimeout(silenceMs, () => request.destroy(new Error(`${method} ${path}: silence for ${silenceMs} ms`)));
  const response = once(request, 'response').then(([incoming]) => incoming);
  response.catch(() => {}); // whoever awaits it sees the failure
  request.on('error', () => {}); // as above, also when it comes after the response
  if (payload !== undefined) request.end(payload);
  const reply = async () => {
    const incoming = await response;
    return new Reply(incoming.statusCode, incoming.rawHeaders, await buffer(incoming));
  };
  return { request, response, reply };
}

/** Sends a whole request and gives its Reply. */
export async function send(url, method, path, options = {}) {
  const { request, reply } = open(url, method, path, options);
  if (options.json === undefined && options.body === undefined) request.end();
  return reply();
}

/** Sends these bytes as they are and gives the Reply, read until the other side ends the connection. */
export async function sendRaw(url, bytes) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`silence for ${SILENCE_MS} ms`)));
  socket.write(bytes);
  return parse(await buffer(socket));
}

/** A request of HTTP/1.1 as bytes. Header lines are taken as they are, in Latin-1. */
export function rawRequest(method, target, headerLines = [], body = '') {
  const lines = [`${method} ${target} HTTP/1.1`, ...headerLines];
  const given = (name) => headerLines.some((line) => line.toLowerCase().startsWith(`${name}:`));
  const usual = { host: 'gate.test', connection: 'close' };
  if (!given('transfer-encoding')) usual['content-length'] = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(usual)) if (!given(name)) lines.push(`${name}: ${value}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

/** A body as HTTP/1.1 sends it in chunks, here of `size` bytes each (RFC 9112, section 7.1). */
export function inChunks(body, size) {
  const chunks = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

function parse(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no reply, but ${JSON.stringify(bytes.toString('latin1'))}`);
  const [statusLine, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const rawHeaders = lines.flatMap((line) => [
    line.slice(0, line.indexOf(':')),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  const reply = new Reply(Number(statusLine.split(' ')[1]), rawHeaders, bytes.subarray(end + 4));
  if (reply.header('transfer-encoding') === 'chunked') reply.body = unchunked(reply.body);
  return reply;
}

function unchunked(body) {
  const parts = [];
  for (let rest = body; ;) {
    const lineEnd = rest.indexOf('\r\n');
    const size = Number.parseInt(rest.subarray(0, lineEnd).toString(), 16);
    if (!size) return Buffer.concat(parts);
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    rest = rest.subarray(lineEnd + 2 + size + 2);
  }
}
