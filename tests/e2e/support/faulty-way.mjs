// What is between a gate and its origin, where a request can get lost, stay for long, and come twice.

import { buffer } from 'node:stream/consumers';

import { send } from './http.mjs';
import { handmadeOrigin } from './origin.mjs';

/** What belongs to a connection, which is another one on each side. */
const FRAMING = ['connection', 'host', 'keep-alive', 'transfer-encoding', 'content-length'];

/**
 * Stands in front of the origin at `url`. A fault is a function of the call and its outgoing answer, which does to them what it
 * wants by `deliver` and `passOn`.
 */
export async function faultyWay(url) {
  const calls = [];
  const faults = new Map();
  const origin = await handmadeOrigin(async (incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const call = { method, path, headers: withoutFraming(headers), body: await buffer(incoming) };
    calls.push(call);
    const fault = faults.get(call.headers['idempotency-key']);
    faults.delete(call.headers['idempotency-key']);
    await (fault ?? passOn)(call, outgoing);
  });

  /** Brings a call to the origin, as often as one likes and whether or not anybody still waits. Gives the Reply. */
  const deliver = ({ method, path, headers, body }) => send(url, method, path, { headers, body });

  const passOn = async (call, outgoing, more = {}) => {
    const reply = await deliver(call);
    outgoing.writeHead(reply.status, { ...withoutFraming(Object.fromEntries(reply.lines)), ...more }).end(reply.body);
  };

  return Object.assign(origin, {
    deliver,
    passOn,

    /** What becomes of the next call with this key. */
    next: (key, fault) => faults.set(key, fault),

    /** The calls with this key that want something executed. */
    calls: (key) => calls.filter(({ method, headers }) => method !== 'GET' && headers['idempotency-key'] === key),
  });
}

function withoutFraming(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !FRAMING.includes(name)));
}
