// An origin that can be held at each of its steps, and of whose executions no two answer alike.

import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

import { handmadeOrigin } from './origin.mjs';

/**
 * Starts it. A request says by `x-bytes` how long its answer is to be, and by `x-hold-when` where it is held until `go`:
 * `called`, before it executes; `executed`, before it answers; `answering`, in the midst of its answer.
 */
export async function heldOrigin() {
  const [executions, holds] = [new Map(), new Map()];
  const nameOf = (who, key) => `${who} ${key}`;

  const origin = await handmadeOrigin(async (incoming, outgoing) => {
    const { authorization, 'idempotency-key': key, 'x-hold-when': when, 'x-bytes': length } = incoming.headers;
    await buffer(incoming);
    const isHeldWhen = async (step) => {
      if (when === step) await new Promise((go) => holds.set(key, go));
    };
    await isHeldWhen('called');
    const name = nameOf(authorization, key);
    const answer = randomBytes(Number(length));
    executions.set(name, [...(executions.get(name) ?? []), answer]);
    await isHeldWhen('executed');
    outgoing.writeHead(201, { 'content-length': answer.length, 'x-execution': answer.toString('hex', 0, 8) });
    outgoing.write(answer.subarray(0, answer.length / 2));
    await isHeldWhen('answering');
    outgoing.end(answer.subarray(answer.length / 2));
  });
  return {
    ...origin,
    /** What was answered to each execution for this caller and key. */
    executions: (who, key) => executions.get(nameOf(who, key)) ?? [],
    /** Whether the request with this key is held. */
    isHeld: (key) => holds.has(key),
    /** Lets all that are held go on. */
    go: () => holds.forEach((go) => go()),
  };
}
