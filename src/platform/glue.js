// What is done in JavaScript, because it would cost more from Wasm: each object that crosses, each promise that is awaited there and
// each closure that is made there has its price, and a request has a dozen. Nothing is decided here.

/** How long what a step waits for may take, in milliseconds; `undefined`: as long as it takes. `drive` takes it at once. */
let mostMillis;

export function waitAtMost(millis) {
  mostMillis = millis;
}

/** For a step, what its future has come to. */
export function over(result) {
  return [result];
}

/**
 * Carries a Rust future out, which waits for the promise `next`, as a promise of what it comes to. `step(task, value, failed)` polls
 * it: that gives the next promise that it waits for, or an array with what it has come to.
 */
export async function drive(step, task, next) {
  const { starts } = lifecycle;
  let alarm;
  try {
    while (!Array.isArray(next)) {
      const limit = mostMillis;
      mostMillis = undefined;
      let value;
      let failed = false;
      try {
        value = await (limit === undefined ? next : (alarm ??= new Alarm()).within(limit, next));
      } catch (thrown) {
        value = thrown;
        failed = true;
      }
      alarm?.rest();
      // Its future has gone with the Wasm that it was in.
      if (lifecycle.hasFallen || lifecycle.starts !== starts) throw new Error('the Wasm has fallen');
      next = step(task, value, failed);
    }
    return next[0];
  } finally {
    alarm?.stop();
  }
}

/**
 * The limits on what is waited for one after the other, by one timer: to set one for each, and to clear it, costs a tenth of a request. So
 * it may ring for a wait that began after it was set; then it is set once more, for what the clock says is left. Wherever that has been
 * set meanwhile, a wait takes no longer than its limit and what was left of the one before.
 */
class Alarm {
  #timer;
  #rings = Infinity;
  #promise;
  #until;
  #millis;
  #isOfThisWait;
  #fail;

  /** What a promise comes to, unless that takes longer than so many milliseconds. */
  within(millis, promise) {
    const now = Date.now();
    this.#promise = promise;
    this.#until = now + millis;
    this.#millis = millis;
    this.#isOfThisWait = false;
    if (this.#until < this.#rings) this.#set(now, millis);
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      promise.then(resolve, reject);
    });
  }

  /** What was waited for has come: it is in use from here on, and no longer to be given up. */
  rest() {
    this.#promise = undefined;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #set(now, millis) {
    clearTimeout(this.#timer);
    this.#isOfThisWait = true;
    this.#rings = now + millis;
    this.#timer = setTimeout(() => this.#ring(), millis);
  }

  #ring() {
    this.#rings = Infinity;
    if (this.#promise === undefined) return;
    const now = Date.now();
    const left = Math.min(this.#until - now, this.#millis);
    if (left > 0 && !this.#isOfThisWait) return this.#set(now, left);
    this.#fail(timeOut());
    this.#promise.then(letGo, () => {});
    this.#promise.giveUp?.();
  }
}

/** Gives up a response, or one with what was read of it, that nobody waits for any more: it would hold a connection. */
function letGo(value) {
  const [response] = Array.isArray(value) ? value : [value];
  if (response instanceof Response) response.body?.cancel().catch(() => {});
}

/**
 * The headers as text, a line `name:value` each: names in lower case, values of `Set-Cookie` apart and those of others joined.
 * No value has a line's end in it (RFC 9110, section 5.5).
 */
export function headerLines(headers) {
  let lines = '';
  let cookies;
  for (const [name, value] of headers) {
    if (name === 'set-cookie') {
      // workerd sorts its list by name, and mixes up the values of one name where it has more than 16 entries. The last of
      // several cookies of one name counts (RFC 6265, section 5.3).
      cookies ??= headers.getSetCookie();
      lines += `${name}:${cookies.shift()}\n`;
    } else {
      lines += `${name}:${value}\n`;
    }
  }
  return lines;
}

/** The method and the address, a line each. */
export function requestLine(request) {
  return `${request.method}\n${request.url}`;
}

/** The values of the headers of these names, a line each: `=` and the value, or nothing. A list of all headers would cost more. */
export function headerValues({ headers }, names) {
  let lines = '';
  for (const name of names) {
    const value = headers.get(name);
    lines += value === null ? '\n' : `=${value}\n`;
  }
  return lines;
}

/** Whether a request has a header of one of these names. */
export function hasAny({ headers }, names) {
  return names.some((name) => headers.has(name));
}

/** Headers for a request or a response: as an object, which costs the platform less than a list, unless a name comes twice. */
function headersOf(lines) {
  const object = Object.create(null);
  for (let from = 0; from < lines.length; ) {
    const colon = lines.indexOf(':', from);
    const end = lines.indexOf('\n', colon);
    const name = lines.slice(from, colon);
    if (name in object) return pairs(lines);
    object[name] = lines.slice(colon + 1, end);
    from = end + 1;
  }
  return object;
}

function pairs(lines) {
  const list = lines.split('\n').slice(0, -1);
  return list.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
}

/** A response whose body goes out as it is: what is compressed stays so, and is not compressed again. */
export function respond(status, lines, body) {
  return new Response(body, { status, headers: headersOf(lines), encodeBody: 'manual' });
}

/** Sends a request on as it came, like `fetch`, to this address if there is one, but leaves a compressed body as it is when it is read. */
export function passUndecoded(service, address, request) {
  const sent = address === undefined ? request : new Request(address, request);
  const init = { encodeResponseBody: 'manual' };
  return service === undefined ? fetch(sent, init) : service.fetch(sent, init);
}

/**
 * Such a response with headers more: `set` in place of those of the same names, `appended` beside them, a line each. One that has switched
 * protocols, or has a status that nobody may send, stays as it is.
 */
export function withHeaders(response, set, appended) {
  const { status, statusText, headers } = response;
  if (!(status >= 200 && status <= 599)) return response;
  const copy = new Response(response.body, { status, statusText, headers, encodeBody: 'manual' });
  for (const [name, value] of pairs(set)) copy.headers.set(name, value);
  for (const [name, value] of pairs(appended)) copy.headers.append(name, value);
  return copy;
}

/** A response that is given again and again, with a body of its own that nobody changes. */
export class RepeatedResponse {
  #init;
  #body;

  constructor(status, lines, body) {
    this.#init = { status, headers: new Headers(headersOf(lines)), encodeBody: 'manual' };
    this.#body = body?.slice() ?? null;
  }

  response() {
    return new Response(this.#body, this.#init);
  }
}

/**
 * Sends a request, through a service binding if there is one: gives the response, and its headers as `headerLines` does. A redirect is an
 * answer. Where nobody waits for it any more it is aborted, if that `isAborted`.
 */
export function send(service, address, method, lines, body, cache, encodeResponseBody, isAborted) {
  const init = { method, headers: headersOf(lines), body, cache, encodeResponseBody, redirect: 'manual' };
  if (!isAborted) return answered(service, address, init);
  const controller = new AbortController();
  const answer = answered(service, address, { ...init, signal: controller.signal });
  answer.giveUp = () => controller.abort(timeOut());
  return answer;
}

async function answered(service, address, init) {
  const response = await (service === undefined ? fetch(address, init) : service.fetch(address, init));
  return [response, headerLines(response.headers)];
}

// As the platform's own time-outs (DOM standard, `AbortSignal.timeout`).
function timeOut() {
  return new DOMException('the time limit is over', 'TimeoutError');
}

/** What a promise comes to, or where it fails what this makes of that. */
export function orElse(promise, instead) {
  return promise.catch(instead);
}

/** What a promise comes to, unless that takes longer than so many milliseconds. */
export function within(millis, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeOut()), millis);
    const settle = (how) => (value) => {
      clearTimeout(timer);
      how(value);
    };
    promise.then(settle(resolve), settle(reject));
  });
}

/** How ledgers are asked, where this header says what kind of answer it is, and that it is a frame. */
export class LedgerCalls {
  #kindHeader;
  #frameKind;

  constructor(kindHeader, frameKind) {
    this.#kindHeader = kindHeader;
    this.#frameKind = frameKind;
  }

  /**
   * Asks one. What is for the client comes as the response; else comes an array of the answer and its kind, and a frame has been read. A
   * redirect is an answer, which may be the client's, and a compressed body stays as it is.
   */
  async ask(bindings, name, hint, jurisdiction, headerLines, body) {
    const init = { method: 'POST', headers: headersOf(headerLines), body, redirect: 'manual', encodeResponseBody: 'manual' };
    const response = await ledger(bindings, name, hint, jurisdiction).fetch('https://ledger/', init);
    const kind = response.headers.get(this.#kindHeader);
    if (kind === null) return response;
    return [kind === this.#frameKind ? new Uint8Array(await response.arrayBuffer()) : response, kind];
  }
}

function ledger({ LEDGER }, name, hint, jurisdiction) {
  if (jurisdiction !== undefined) return LEDGER.jurisdiction(jurisdiction).getByName(name);
  return LEDGER.getByName(name, hint === undefined ? undefined : { locationHint: hint });
}

// How much is read at first, and then at a time. A body may come in pieces of a byte, each of which would cost some kilobytes; so
// the platform is asked to fill a view before it answers.
const FIRST_READ = 4 << 10;
const NEXT_READ = 64 << 10;

/**
 * Reads a body to its end, and gives it in one piece; or until it exceeds `limit` bytes, and gives an array of the pieces. Bytes are
 * counted as they come. Where just as much has come as was `announced` (`undefined` if nothing was), and no more although there was room,
 * nobody asks once more whether that was all. Where nobody waits for it any more the body is cancelled.
 */
export function gatherPieces(body, limit, announced) {
  const reader = body.getReader({ mode: 'byob' });
  const gathered = readPieces(reader, limit, announced);
  gathered.giveUp = () => reader.cancel().catch(() => {});
  return gathered;
}

async function readPieces(reader, limit, announced) {
  const pieces = [];
  let length = 0;
  let size = announced < FIRST_READ ? announced + 1 : FIRST_READ;
  for (;;) {
    // Never more than what would be too much, so that a body which is too large is refused as soon as it is.
    const wanted = Math.min(size, limit + 1 - length);
    const { value, done } = await reader.read(new Uint8Array(wanted), { min: wanted });
    const got = value?.byteLength ?? 0;
    if (got > 0) pieces.push(value);
    length += got;
    if (length > limit) {
      reader.releaseLock();
      return pieces;
    }
    if (done || (length === announced && got < wanted)) return pieces.length === 1 ? pieces[0] : joined(pieces, length);
    size = NEXT_READ;
  }
}

/** How long what `gatherPieces` has come to is, if it is in one piece. */
export function lengthOfWhole(gathered) {
  return Array.isArray(gathered) ? undefined : gathered.length;
}

/** For the Wasm, which copies what it is given into its memory. */
export function bytesOf(bytes) {
  return bytes;
}

function joined(pieces, length) {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}

/**
 * A queue's message as a request: text and bytes as they are, all else as JSON. Fails where that would leave something out: a message may
 * hold more kinds of values than JSON has.
 */
export function messageRequest({ body }, address, method, key) {
  const [type, bytes] =
    typeof body === 'string'
      ? ['text/plain;charset=utf-8', body]
      : body instanceof ArrayBuffer || ArrayBuffer.isView(body)
        ? ['application/octet-stream', body]
        : ['application/json', JSON.stringify(body, onlyJson)];
  return new Request(address, { method, body: bytes, headers: { 'content-type': type, 'idempotency-key': key } });
}

// A date has become text before it comes here, and a member without a value is left out as everywhere in JavaScript.
function onlyJson(name, value) {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (['Object', 'Array', 'String', 'Boolean', 'Null'].includes(kind)) return value;
  if (kind === 'Number' ? Number.isFinite(value) : kind === 'Undefined' && name !== '') return value;
  throw new TypeError(`the message holds a value that JSON has not: ${name || 'all of it'} is of the kind ${kind}`);
}

/** Writes a data point, whose index is the route (Cloudflare, "Workers Analytics Engine"). */
export function writeDataPoint(analytics, route, outcome, numbers) {
  analytics.writeDataPoint({ indexes: [route], blobs: [route, outcome], doubles: [...numbers] });
}

/** The rows that a statement gives. */
export function rowsOf(sql, statement, values) {
  return sql.exec(statement, ...values).raw().toArray();
}

/** The rows that a statement gives for an id and its slot; `undefined` where there is none. */
export function rowsById(sql, statement, slot, id) {
  const rows = rowsOf(sql, statement, [slot, id.slice()]);
  return rows.length === 0 ? undefined : rows;
}

/** The bytes of a column, if there are any. */
export function columnOf(row, index) {
  return row[index] instanceof ArrayBuffer ? new Uint8Array(row[index]) : undefined;
}

/** As `rowsWritten`, for a statement that takes a slot, an id and a record. */
export function insertRow(sql, statement, slot, id, record) {
  return rowsWritten(sql, statement, [slot, id.slice(), record.slice()]);
}

/** Likewise, for one that takes a body, and the record that is there before, as well. */
export function settleRow(sql, statement, slot, id, record, body, before) {
  return rowsWritten(sql, statement, [slot, id.slice(), record.slice(), body ?? null, before.slice()]);
}

/** How many rows a statement has written. */
export function rowsWritten(sql, statement, values) {
  return sql.exec(statement, ...values).rowsWritten;
}

/** The SHA-256 of these bytes. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** A file of the operator's console, by the end of its address. */
export function consoleFile(name) {
  // What wasm-bindgen copies cannot import, so the build puts them here, from src/operator/console/files.js.
  return CONSOLE_FILES[name];
}

/** Whether the Wasm has fallen, and how often it has been started. */
export const lifecycle = { hasFallen: false, starts: 0 };
