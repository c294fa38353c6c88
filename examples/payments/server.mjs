// The example origin: a small payments API.
//
// It knows nothing about retries: a client that sends a payment twice is charged twice. That is the point of it. Put
// Oncegate in front, and the number of charges stays at one however often the client retries.
//
//   node server.mjs --port 9000
//
//   POST  /v1/payments                 {"amount": 1000, "currency": "eur"}   charges, and answers 201 with the payment
//   GET   /v1/payments/{id}            the payment
//   GET   /v1/payments/by-key/{key}    the payment that this Idempotency-Key made, or 404 when it made none
//   POST  /v1/orders                   {"item": "book"}                      creates an order
//   PATCH /v1/orders/{id}              {"item": "two books"}                 changes it
//   GET   /events                      a few server-sent events, one every 200 ms
//   ANY   /echo                        the request as it arrived here
//   GET   /_test/charges               how often something was executed, in total and for each key
//
// What makes it slow, fail or hang up, for tests, is in misbehaviour.mjs.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { misbehave } from './misbehaviour.mjs';

const payments = new Map();
const paymentsByKey = new Map();
const orders = new Map();
const executions = { count: 0, executions: {} };

/** The API: method, path and what answers it with `{ status, headers, body }`. The first that fits is taken. */
const api = [
  ['POST', '/v1/payments', createPayment],
  ['POST', '/v1/payment_intents', createPayment], // where Stripe's client libraries send theirs, form-encoded
  ['GET', '/v1/payments/by-key/{key}', ({ params }) => found(paymentsByKey.get(params.key))],
  ['GET', '/v1/payments/{id}', ({ params }) => found(payments.get(params.id))],
  ['POST', '/v1/orders', createOrder],
  ['PATCH', '/v1/orders/{id}', changeOrder],
  ['GET', '/events', () => ({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: events() })],
  ['*', '/echo', echo],
  ['GET', '/_test/charges', () => json(200, executions)],
];

function createPayment(request) {
  const fields = fieldsOf(request);
  const amount = Number(fields.amount);
  if (!Number.isSafeInteger(amount) || amount <= 0 || !/^[a-z]{3}$/i.test(fields.currency ?? '')) {
    return json(400, {
      error: { message: 'A payment needs a positive integer "amount" and a three-letter "currency".' },
    });
  }
  countExecution(request);
  const payment = { id: newId('pay'), amount, currency: fields.currency, status: 'succeeded' };
  payments.set(payment.id, payment);
  paymentsByKey.set(keyOf(request), payment);
  return json(201, payment, { location: `/v1/payments/${payment.id}` });
}

function createOrder(request) {
  countExecution(request);
  const order = { ...fieldsOf(request), id: newId('ord') };
  orders.set(order.id, order);
  return json(201, order, { location: `/v1/orders/${order.id}` });
}

function changeOrder(request) {
  countExecution(request);
  const { id } = request.params;
  const order = { ...orders.get(id), ...fieldsOf(request), id };
  orders.set(id, order);
  return json(200, order);
}

function echo({ method, url, rawHeaders, body }) {
  const sha256 = createHash('sha256').update(body).digest('hex');
  return json(200, { method, url, rawHeaders, body: { bytes: body.length, sha256 } });
}

async function* events() {
  for (let number = 1; number <= 3; number += 1) {
    yield `id: ${number}\ndata: event ${number}\n\n`;
    await sleep(200);
  }
}

function countExecution(request) {
  const key = keyOf(request);
  executions.count += 1;
  if (key !== undefined) executions.executions[key] = (executions.executions[key] ?? 0) + 1;
}

/** The Idempotency-Key, whose value may come quoted ("abc", as RFC 9651 writes strings) or bare (abc). */
function keyOf({ headers }) {
  return headers['idempotency-key']?.replace(/^"(.*)"$/, '$1');
}

/** The fields of a JSON or form-encoded body. */
function fieldsOf({ headers, body }) {
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(body.toString()));
  }
  try {
    return Object(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}

function newId(prefix) {
  return `${prefix}_${randomBytes(8).toString('hex')}`;
}

function found(object) {
  return object ? json(200, object) : json(404, { error: { message: 'No such object.' } });
}

function json(status, object, headers = {}) {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(object) };
}

/** Answers a request that has arrived whole. */
function execute(request) {
  const segments = new URL(request.url, 'http://origin').pathname.split('/');
  for (const [method, path, handler] of api) {
    const params = match(path.split('/'), segments);
    if (params && (method === '*' || method === request.method)) return handler({ ...request, params });
  }
  return json(404, { error: { message: `Nothing answers ${request.method} ${request.url}.` } });
}

/** The `{name}` segments of a path by name, or undefined when the path is another. */
function match(pattern, segments) {
  if (pattern.length !== segments.length) return undefined;
  const params = {};
  for (const [index, expected] of pattern.entries()) {
    const name = /^\{(.+)\}$/.exec(expected)?.[1];
    if (name) params[name] = decodeURIComponent(segments[index]);
    else if (expected !== segments[index]) return undefined;
  }
  return params;
}

async function answer(incoming, outgoing) {
  const { method, url, headers, rawHeaders } = incoming;
  const request = { method, url, headers, rawHeaders, body: await buffer(incoming) };
  const reply = await misbehave(request, execute, outgoing);
  outgoing.writeHead(reply.status, reply.headers);
  if (typeof reply.body === 'string' || Buffer.isBuffer(reply.body)) outgoing.end(reply.body);
  else await pipeline(Readable.from(reply.body ?? []), outgoing);
}

const { values } = parseArgs({ options: { port: { type: 'string', default: '9000' } } });
const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch(() => outgoing.destroy()); // the other side, or a test's hang-up, ended it
});
// An origin that closes idle connections early makes whoever stands in front of it send into a closing one now and
// then, and nobody can tell whether that request was executed.
server.keepAliveTimeout = 10 * 60 * 1000;
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`payments origin ready on http://127.0.0.1:${server.address().port}`);
});
server.on('error', (error) => {
  console.error(`The payments origin cannot listen on port ${values.port}: ${error.message}`);
  process.exit(1);
});
