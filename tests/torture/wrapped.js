// The shipped Worker and ledger, with something between them, or around both, that spoils them: what a broken gate would do. The
// files in broken/ say what. It runs in workerd.

import Worker, { Ledger as Shipped } from './index.js';

export { Worker };

const BEGIN = 1;

/** Where a frame and a record have what they say (protocol/src/wire/command.rs, protocol/src/record/codec.rs). */
const ID = { at: 6, length: 32 };
const FINGERPRINT = { at: 62, length: 32 };

/** What a Worker asks, if it asks whether it may call the origin. */
class Begin {
  constructor(bytes) {
    this.bytes = bytes;
  }

  get id() {
    return this.#part(ID);
  }

  set id(bytes) {
    this.#part(ID).set(bytes);
  }

  get fingerprint() {
    return this.#part(FINGERPRINT);
  }

  #part({ at, length }) {
    return this.bytes.subarray(at, at + length);
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
      const bytes = new Uint8Array(await request.arrayBuffer());
      const ask = () => this.shipped.fetch(new Request(request.url, { method: 'POST', body: bytes }));
      return bytes[1] === BEGIN ? spoil(new Begin(bytes), ask, this.sql) : ask();
    }

    alarm() {
      return this.shipped.alarm();
    }
  };
}

/** A gate whose answers `spoil` changes. */
export function gate(spoil) {
  return class extends Worker {
    async fetch(request) {
      return spoil(await super.fetch(request));
    }
  };
}

export { Shipped as Ledger };

/** What the gate says it did. */
export const mark = (response) => response.headers.get('idempotency-status');

/** An answer in place of another. */
export function answer(status, says, body = '{}') {
  return new Response(body, { status, headers: { 'content-type': 'application/json', 'idempotency-status': says } });
}
