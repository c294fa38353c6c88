// Clients of the gate, who write down what they sent and what came of it.

import { Agent } from 'node:http';

import { originLines } from '../e2e/support/expect.mjs';
import { open } from '../e2e/support/http.mjs';
import { digest } from './history.mjs';
import { keyOf } from './plan.mjs';
import { inOrder } from './replies.mjs';

export const PATH = '/v1/orders';

const IDLE_MS = 2_000;

/** Connections that end before workerd ends them, when they are idle for 5 s: what is sent just then is lost, by nobody's fault. */
class Connections extends Agent {
  #ends = new WeakMap();

  keepSocketAlive(socket) {
    this.#ends.set(socket, setTimeout(() => socket.destroy(), IDLE_MS).unref());
    return super.keepSocketAlive(socket);
  }

  reuseSocket(socket, request) {
    clearTimeout(this.#ends.get(socket));
    super.reuseSocket(socket, request);
  }
}

export class Clients {
  #gate;
  #history;
  #agent = new Connections({ keepAlive: true });

  /** `gate` has the `urls` of the two gates; it may change them when it is restarted. */
  constructor(gate, history) {
    this.#gate = gate;
    this.#history = history;
  }

  /** Sends a request (see `plan.mjs`) of the key with this number, and waits for what comes of it. `name` is its own. */
  async ask(number, name, { body, hangUp, twin, calm }) {
    const { tenant, key } = keyOf(number);
    const whose = { r: name, tenant, key };
    this.#history.write('sent', { ...whose, p: digest(body), ...(calm && { calm }) });
    const headers = { authorization: `Bearer ${tenant}`, 'x-request': name, 'content-length': body.length };
    const sent = open(this.#gate.urls[Number(twin)], 'POST', PATH, { key: `"${key}"`, headers, agent: this.#agent });
    const ends = this.#patience(sent, body, hangUp);
    try {
      const reply = await sent.reply();
      this.#history.write('answered', { ...whose, ...seen(reply) });
    } catch (error) {
      if (ends.hasHungUp) this.#history.write('hung-up', { ...whose, ...(hangUp.isCut && { cut: true }) });
      else this.#history.write('lost', { ...whose, why: error.code ?? error.message });
    } finally {
      clearTimeout(ends.timer);
    }
  }

  close() {
    this.#agent.destroy();
  }

  /** Sends the body, or as much of it as the client has patience for. */
  #patience({ request }, body, hangUp) {
    const ends = { hasHungUp: false };
    if (hangUp?.isCut) request.write(body.subarray(0, body.length / 2));
    else request.end(body);
    if (hangUp) {
      ends.timer = setTimeout(() => {
        ends.hasHungUp = true;
        request.destroy();
      }, hangUp.afterMs);
    }
    return ends;
  }
}

function seen(reply) {
  const lines = originLines(reply);
  const isProblem = reply.header('content-type') === 'application/problem+json';
  const marks = { status: reply.status, mark: reply.outcome, ...(isProblem && { isProblem }) };
  return { ...marks, h: digest(inOrder(lines)), o: digest(lines), b: digest(reply.body) };
}
