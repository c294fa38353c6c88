// What a gate asks of the platform, in plain JavaScript, with nothing decided: the calls, the objects and the statements that Oncegate
// needs for a first request and a replay, around a ledger like that of `smallest-ledger.js`. It guards nothing. What it costs more than that
// one is the price of those calls, and what Oncegate costs more than this is Oncegate's own.

import { DurableObject } from 'cloudflare:workers';

const TIME_LIMIT = 30_000;
/** What a gate looks at before it knows what it will do. */
const HEADERS = ['idempotency-key', 'content-length', 'authorization', 'traceparent', 'oncegate-timing'];
/** Answers that this isolate can give again, by their keys. */
const remembered = new Map();
const COMPLETED = { status: 200, headers: new Headers({ kind: 'completed' }) };

export class Ledger extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS r (slot INTEGER PRIMARY KEY, key TEXT, status INTEGER, lines TEXT, body BLOB)');
  }

  /** A command comes in a header, an answer that is kept behind it in the body: a retry of this call may carry it once more. */
  async fetch(request) {
    const [command, key, status, lines] = request.headers.get('command').split(' ');
    if (command === 'begin') return this.claim(key);
    return this.complete(key, Number(status), atob(lines), await request.arrayBuffer());
  }

  claim(key) {
    const slot = slotOf(key);
    const [found] = this.sql.exec('SELECT status, lines, body FROM r WHERE slot = ? AND key = ?', slot, key).raw().toArray();
    if (found) return reply(found[0], `${found[1]}idempotency-status:replayed\n`, found[2]);
    this.sql.exec('INSERT INTO r (slot, key) VALUES (?, ?) ON CONFLICT DO NOTHING', slot, key);
    return reply(200, 'kind:claimed\n', null);
  }

  complete(key, status, lines, body) {
    const statement = 'UPDATE r SET status = ?, lines = ?, body = ? WHERE slot = ? AND key = ? AND status IS NULL';
    const { rowsWritten } = this.sql.exec(statement, status, lines, body, slotOf(key), key);
    return rowsWritten > 0 ? new Response(null, COMPLETED) : reply(200, 'kind:stale\n', null);
  }
}

export default {
  /** What is begun is finished, also if the client hangs up; what is answered from memory begins nothing. */
  fetch(request, env, context) {
    const hold = () => context.waitUntil(answer);
    const answer = gate(request, env, new Alarm(), hold);
    if (!isRemembered(request)) hold();
    return answer;
  },
};

const isRemembered = (request) => request.url.endsWith('/remembered');

async function gate(request, env, alarm, hold) {
  const [key, announced] = HEADERS.map((name) => request.headers.get(name));
  // The claim says what is asked for, so the body comes before it.
  const body = await read(request.body, Number(announced) + 1);
  if (isRemembered(request)) {
    const known = remembered.get(key);
    if (known) return new Response(known.answer, known.init);
    hold();
  }
  const ledger = () => env.LEDGER.getByName(`payments-${key.charCodeAt(key.length - 1) % 8}`);
  const found = await ask(alarm, ledger(), `begin ${key}`);
  if (found && isRemembered(request)) return remember(key, found.status, linesOf(found.headers), await read(found.body, 4096));
  if (found) return found;
  const sent = linesOf(request.headers);
  const response = await send(alarm, new URL(request.url), env, `${sent}oncegate-attempt:1\noncegate-fence:${key}\n`, body);
  const lines = linesOf(response.headers);
  const answer = await alarm.within(TIME_LIMIT, read(response.body, Number(response.headers.get('content-length')) + 1));
  await ask(alarm, ledger(), `settle ${key} ${response.status} ${btoa(lines)}`, answer);
  return reply(response.status, `${lines}idempotency-status:created\n`, answer);
}

function remember(key, status, lines, answer) {
  const init = { status, headers: new Headers(headersOf(lines)), encodeBody: 'manual' };
  remembered.set(key, { answer, init });
  return new Response(answer, init);
}

/** A number that is looked up in place of a key. Where two keys have the same, the second finds no record. */
function slotOf(key) {
  let slot = 0;
  for (let index = 0; index < key.length; index += 1) slot = (slot * 31 + key.charCodeAt(index)) % 2 ** 47;
  return slot;
}

/** Asks the ledger, within a time. Gives the answer if it is the client's. */
async function ask(alarm, ledger, command, body) {
  const init = { method: 'POST', headers: { command }, body, redirect: 'manual', encodeResponseBody: 'manual' };
  const response = await alarm.within(TIME_LIMIT, ledger.fetch('https://ledger/', init));
  return response.headers.get('kind') ? undefined : response;
}

/** Asks the origin, within a time. */
function send(alarm, { pathname, search }, env, lines, body) {
  const init = { method: 'POST', headers: headersOf(lines), body, redirect: 'manual', encodeResponseBody: 'manual' };
  return alarm.within(TIME_LIMIT, fetch(env.ORIGIN + pathname + search, init));
}

/** The limits on what is waited for one after the other, by one timer. */
class Alarm {
  #rings = Infinity;
  #until;
  #fail;

  within(millis, promise) {
    const now = Date.now();
    this.#until = now + millis;
    if (this.#until < this.#rings) this.#set(now, millis);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      promise.then(resolve, reject);
    });
  }

  #set(now, millis) {
    this.#rings = now + millis;
    setTimeout(() => this.#ring(), millis);
  }

  #ring() {
    this.#rings = Infinity;
    const now = Date.now();
    if (now < this.#until) return this.#set(now, this.#until - now);
    this.#fail(new DOMException('the time limit is over', 'TimeoutError'));
  }
}

/** Reads a small body: in one read, whatever pieces it comes in. */
async function read(body, size) {
  const { value } = await body.getReader({ mode: 'byob' }).read(new Uint8Array(size), { min: size });
  return value;
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
