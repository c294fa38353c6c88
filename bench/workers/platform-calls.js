// What a gate asks of the platform, in plain JavaScript, with nothing decided: the calls, the objects and the statements that Oncegate
// needs for a first request and a replay, around the ledger of `smallest-ledger.js`. It guards nothing. What it costs more than that
// one is the price of those calls, and what Oncegate costs more than this is Oncegate's own.

import { DurableObject } from 'cloudflare:workers';

const TIME_LIMIT = 30_000;
/** What a gate looks at before it knows what it will do. */
const HEADERS = ['idempotency-key', 'content-length', 'authorization', 'traceparent', 'oncegate-timing'];
/** Answers that this isolate can give again, by their keys. */
const remembered = new Map();

export class Ledger extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS r (key TEXT PRIMARY KEY, status INTEGER, lines TEXT, body BLOB) WITHOUT ROWID');
  }

  /** A command comes in a header, an answer that is kept behind it in the body: a retry of this call may carry it once more. */
  async fetch(request) {
    const key = request.headers.get('command').slice(2);
    if (request.headers.get('command').startsWith('b')) return this.claim(key);
    const [status, lines] = [Number(request.headers.get('status')), decodeURIComponent(request.headers.get('lines'))];
    return this.complete(key, status, lines, await request.arrayBuffer());
  }

  claim(key) {
    const found = this.row('SELECT status, lines, body FROM r WHERE key = ?', key);
    if (found) return reply(found[0], `${found[1]}idempotency-status:replayed\n`, found[2]);
    this.sql.exec('INSERT INTO r (key) VALUES (?) ON CONFLICT DO NOTHING', key);
    return reply(200, 'kind:claimed\n', null);
  }

  complete(key, status, lines, body) {
    if (!this.row('SELECT status, lines FROM r WHERE key = ?', key)) return reply(200, 'kind:stale\n', null);
    this.sql.exec('UPDATE r SET status = ?, lines = ?, body = ? WHERE key = ?', status, lines, body, key);
    return reply(200, 'kind:completed\n', null);
  }

  row(statement, key) {
    return this.sql.exec(statement, key).raw().toArray()[0];
  }
}

export default {
  /** What is begun is finished, also if the client hangs up. */
  fetch(request, env, context) {
    const answer = gate(request, env);
    context.waitUntil(answer);
    return answer;
  },
};

async function gate(request, env) {
  const [key, announced] = HEADERS.map((name) => request.headers.get(name));
  // The claim says what is asked for, so the body comes before it.
  const body = await read(request.body, Number(announced) + 1);
  const isRemembered = request.url.endsWith('/remembered');
  const known = isRemembered && remembered.get(key);
  if (known) return new Response(known.answer, known.init);
  const ledger = () => env.LEDGER.getByName(`payments-${key.charCodeAt(key.length - 1) % 8}`);
  const found = await ask(ledger(), { command: `b ${key}` });
  if (found && isRemembered) return remember(key, found.status, linesOf(found.headers), await read(found.body, 4096));
  if (found) return found;
  const sent = linesOf(request.headers);
  const response = await send(new URL(request.url), env, `${sent}oncegate-attempt:1\noncegate-fence:${key}\n`, body);
  const lines = linesOf(response.headers);
  const answer = await read(response.body, Number(response.headers.get('content-length')) + 1);
  const told = { command: `s ${key}`, status: `${response.status}`, lines: encodeURIComponent(lines) };
  await ask(ledger(), told, answer);
  return reply(response.status, `${lines}idempotency-status:created\n`, answer);
}

function remember(key, status, lines, answer) {
  const init = { status, headers: new Headers(headersOf(lines)), encodeBody: 'manual' };
  remembered.set(key, { answer, init });
  return new Response(answer, init);
}

/** Asks the ledger, within a time. Gives the answer if it is the client's. */
function ask(ledger, headers, body) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeOut()), TIME_LIMIT);
    const end = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    const init = { method: 'POST', headers, body, redirect: 'manual', encodeResponseBody: 'manual' };
    const take = (response) => end(resolve)(response.headers.get('kind') ? undefined : response);
    ledger.fetch('https://ledger/', init).then(take).catch(end(reject));
  });
}

/** Asks the origin, which is cut off where it takes too long. */
async function send({ pathname, search }, env, lines, body) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(timeOut()), TIME_LIMIT);
  const { signal } = controller;
  const init = { method: 'POST', headers: headersOf(lines), body, signal, redirect: 'manual', encodeResponseBody: 'manual' };
  const response = await fetch(env.ORIGIN + pathname + search, init);
  clearTimeout(timer);
  return response;
}

/** Reads a small body: in one read, whatever pieces it comes in. */
async function read(body, size) {
  const { value } = await body.getReader({ mode: 'byob' }).read(new Uint8Array(size), { min: size });
  return value;
}

function timeOut() {
  return new DOMException('the time limit is over', 'TimeoutError');
}

function reply(status, lines, body) {
  return new Response(body, { status, headers: headersOf(lines), encodeBody: 'manual' });
}

function linesOf(headers) {
  let lines = '';
  for (const [name, value] of headers) lines += `${name}:${value}\n`;
  return lines;
}

function headersOf(lines) {
  const object = Object.create(null);
  for (let from = 0; from < lines.length; ) {
    const colon = lines.indexOf(':', from);
    const end = lines.indexOf('\n', colon);
    object[lines.slice(from, colon)] = lines.slice(colon + 1, end);
    from = end + 1;
  }
  return object;
}
