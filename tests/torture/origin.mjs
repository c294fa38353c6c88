// An origin that misbehaves, as a process of its own. Whatever it executes it has written down before anybody hears of it: the
// execution is that line.
//
//   origin.mjs --seed S --timeout MS --history FILE     what it serves on is said on standard output
//   POST /_calm        from then on it is reliable; answered when nothing is left that it would execute late

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { RIGHT, behaviour, faultOf } from './faults.mjs';
import { History, digest } from './history.mjs';
import { numberOf, reply as replyTo } from './plan.mjs';
import { draw } from './random.mjs';
import { asClientsSee } from './replies.mjs';

const strings = Object.fromEntries(['seed', 'timeout', 'history'].map((name) => [name, { type: 'string' }]));
const { values } = parseArgs({ options: strings });
const TIMEOUT_MS = Number(values.timeout);
const LATEST_MS = 12_000; // after the lease, which is 10 s longer than the timeout
const SLOW = 0.7; // of the timeout, at most
const NOT_DONE = Buffer.from('{"error":"not done"}');

const history = new History(values.history);
const pending = new Set();
let isCalm = false;

const server = createServer((incoming, outgoing) => {
  outgoing.on('error', () => {}); // the gate is killed now and then
  const pieces = [];
  incoming.on('error', () => {}).on('data', (piece) => pieces.push(piece));
  incoming.on('end', async () => {
    if (incoming.url === '/_calm') return calm(outgoing);
    if (incoming.headers.authorization === 'Bearer nobody') return outgoing.end('nothing'); // the gate is warming up
    await serve(callOf(incoming, Buffer.concat(pieces)), outgoing);
  });
});
server.keepAliveTimeout = 10 * 60 * 1000; // a connection that ends while it is idle would be a fault that nobody counts
server.listen(0, '127.0.0.1', () => console.log(`origin ready on http://127.0.0.1:${server.address().port}`));

/** What the gate has asked for; `r` is the client's name of the request. */
function callOf({ headers }, body) {
  const [tenant, key] = [headers.authorization.slice('Bearer '.length), headers['idempotency-key'].replaceAll('"', '')];
  const attempt = Number(headers['oncegate-attempt']);
  return { r: headers['x-request'], tenant, key, attempt, fence: headers['oncegate-fence'], p: digest(body) };
}

async function serve(call, outgoing) {
  const number = numberOf(call.tenant, call.key);
  const fault = isCalm ? RIGHT : faultOf(values.seed, number, call.attempt);
  const { executes, answer, isSlow, status, headers = [], refuses } = behaviour(fault);
  history.write('called', { ...call, fault, ...(isCalm && { calm: true }) });

  if (isSlow) await sleep(TIMEOUT_MS * SLOW * draw(values.seed, 'slow', number));
  if (executes === 'late') executeLate(call, number);
  const executed = executes === 'first' ? execute(call, number, status) : undefined;
  if (answer === 'nothing') return;
  if (answer === 'reset') return void outgoing.destroy();
  const { r, tenant, key, fence } = call;
  history.write('replied', { r, tenant, key, fence, refuses: Boolean(refuses) });
  const reply = typeof answer === 'number' ? { status: answer, headers, body: NOT_DONE } : executed;
  if (answer === 'half') await half(reply, outgoing);
  else send(reply, outgoing);
}

/** Executes a call, and gives the answer to it. */
function execute({ r, tenant, key, p }, number, status, late = false) {
  const x = randomUUID();
  const made = replyTo(values.seed, number, x);
  const due = status ? { ...made, status, body: Buffer.from(`{"execution":"${x}"}`) } : made;
  const { headers, body } = due;
  const seen = { status: due.status, h: digest(asClientsSee(headers)), b: digest(body) };
  history.write('executed', { r, tenant, key, p, x, ...seen, ...(late && { late }) });
  return due;
}

/** Long after the gate has given up: before its lease is over, or after that. */
function executeLate(call, number) {
  const drawn = draw(values.seed, 'late', number, call.attempt);
  const longestMs = draw(values.seed, 'how late', number, call.attempt) < 0.5 ? 1_000 : LATEST_MS;
  const executed = sleep(TIMEOUT_MS + drawn * longestMs).then(() => {
    execute(call, number, undefined, true);
    pending.delete(executed);
  });
  pending.add(executed);
}

function send({ status, headers, body }, outgoing) {
  outgoing.sendDate = false;
  const length = status === 204 ? [] : ['Content-Length', body.length];
  outgoing.writeHead(status, [...headers.flat(), ...length]).end(body);
}

/** Promises the whole answer, sends half of it, and ends the connection. */
async function half({ status, headers, body }, outgoing) {
  outgoing.writeHead(status, [...headers.flat(), 'Content-Length', body.length]);
  await new Promise((sent) => outgoing.write(body.subarray(0, body.length / 2), sent));
  outgoing.destroy();
}

async function calm(outgoing) {
  isCalm = true;
  while (pending.size > 0) await Promise.all(pending);
  history.write('calm');
  outgoing.end('calm');
}
