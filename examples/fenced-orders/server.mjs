// An origin behind the gate that is sure of itself: it executes each order once, also where the gate cannot see to it.
// How is in orders.mjs; this is what stands around it.
//
//   node server.mjs --port 9100 --database orders.sqlite
//
//   POST /orders                 {"item": "book"}   creates an order, and answers 201 with it
//   POST /orders/{id}/pay                           pays it, and answers 200 with it
//   GET  /orders/by-key/{key}                       the answer that its Idempotency-Key has; or 404, and from then on the attempt
//                                                   that its Oncegate-Fence names is refused
//
// The routes of the gate in front of it are in routes.toml.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import { NotExecuted, Orders } from './orders.mjs';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '9100' }, database: { type: 'string', default: 'orders.sqlite' } },
});
const orders = new Orders(values.database);

const api = [
  ['POST', /^\/orders$/, (call, _, body) => orders.create(call, parsed(body))],
  ['POST', /^\/orders\/([^/]+)\/pay$/, (call, [id]) => orders.pay(call, id)],
  ['GET', /^\/orders\/by-key\/[^/]+$/, (call) => orders.whatCameOf(call) ?? refusal(404, 'Not executed, and never will be.')],
];

/** Answers a request that has arrived whole with `{ status, headers, body }`. */
function answer({ method, url, headers }, body) {
  const call = callOf(method, url, headers, body);
  if (!call) {
    return refusal(400, 'An order needs Authorization, Idempotency-Key, Oncegate-Fence and Oncegate-Deadline.');
  }
  for (const [verb, path, handle] of api) {
    const match = path.exec(url);
    if (match && verb === method) return handle(call, match.slice(1), body);
  }
  return refusal(404, `Nothing answers ${method} ${url}.`);
}

/** What a request says of itself. Undefined where it has not come through the gate: a probe has no deadline, and needs none. */
function callOf(method, url, headers, body) {
  const { authorization, 'idempotency-key': key, 'oncegate-fence': fence, 'oncegate-deadline': deadline } = headers;
  const isComplete = authorization && key && fence && (method === 'GET' || /^\d+$/.test(deadline));
  if (!isComplete) return undefined;
  return {
    account: sha256(authorization), // a real API has its own name for a caller
    key: unquoted(key),
    request: sha256(`${method} ${url}\n${body}`),
    fence,
    deadline: Number(deadline),
  };
}

/** A key may come as "abc", as RFC 9651 writes strings, or as abc: to the gate both are one key. */
function unquoted(key) {
  return key.replace(/^"(.*)"$/, '$1');
}

function sha256(value) {
  return createHash('sha256').update(value).digest('hex');
}

/** The fields of a JSON body. */
function parsed(body) {
  const { item } = Object(JSON.parse(body));
  if (typeof item !== 'string') throw new SyntaxError(`item is ${JSON.stringify(item)}, and must be a text`);
  return { item };
}

function refusal(status, message) {
  return { status, headers: { 'oncegate-store': 'no' }, body: JSON.stringify({ error: { message } }) };
}

function failure(error) {
  if (error instanceof NotExecuted) return refusal(503, error.message);
  if (error instanceof SyntaxError) return refusal(400, error.message);
  throw error; // the connection ends: what has become of the request is in the database, and unknown to the gate
}

async function serve(incoming, outgoing) {
  const body = await text(incoming);
  let reply;
  try {
    reply = answer(incoming, body);
  } catch (error) {
    reply = failure(error);
  }
  outgoing.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body);
}

const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error) => {
    console.error(`${incoming.method} ${incoming.url}: ${error.message}`);
    outgoing.destroy();
  });
});
server.keepAliveTimeout = 10 * 60 * 1000; // one that ends idle connections early makes requests get lost on the way
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`orders origin ready on http://127.0.0.1:${server.address().port}`);
});
server.on('error', (error) => {
  console.error(`The orders origin cannot listen on port ${values.port}: ${error.message}`);
  process.exit(1);
});
