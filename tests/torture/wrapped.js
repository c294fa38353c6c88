// The shipped Worker and ledger, with something between them, or around both, that spoils them: what a broken gate would do. The
// files in broken/ say what. It runs in workerd.

import worker, { Ledger as Shipped } from './index.js';
import { Sent } from './sent.js';

export { worker };

const BEGIN = 1;

/** Where a claim has what it says (protocol/src/wire/command.rs). */
const FINGERPRINT = [62, 32];

/** What a Worker asks, if it asks whether it may call the origin. */
class Begin {
  constructor(sent) {
    this.sent = sent;
  }

  get id() {
    return this.sent.id;
  }

  set id(bytes) {
    this.sent.id.set(bytes);
  }

  get fingerprint() {
    return this.sent.part(...FINGERPRINT);
  }
}

/** A ledger in which `spoil` does with each Begin and the storage what it likes, and asks the shipped ledger by `ask`. */
export function ledger(spoil) {
  return class Ledger {
    constructor(state, env) {
      this.sql = state.storage.sql;
      this.shipped = new Shipped(state, env);
    }

    async fetch(request) {
      const sent = await Sent.of(request);
      const ask = () => this.shipped.fetch(sent.request());
      return sent.command === BEGIN ? spoil(new Begin(sent), ask, this.sql) : ask();
    }

    alarm() {
      return this.shipped.alarm();
    }
  };
}

/** A gate whose answers `spoil` changes. */
export function gate(spoil) {
  return {
    async fetch(request, env, context) {
      return spoil(await worker.fetch(request, env, context));
    },
  };
}

export { Shipped as Ledger };

/** What the gate says it did. */
export const mark = (response) => response.headers.get('idempotency-status');

/** An answer in place of another. */
export function answer(status, says, body = '{}') {
  return new Response(body, { status, headers: { 'content-type': 'application/json', 'idempotency-status': says } });
}
