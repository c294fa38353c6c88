// What the platform calls: the Worker, and the Durable Object that keeps its ledgers. Both are in the Wasm.
//
// A plain object with functions, not a class: the platform would make an instance of that for each request.

import { Ledger as Shard, __wbg_reset_state as startAnew, fetch, lifecycle, queue } from 'oncegate-wasm';

const life = lifecycle();

/** Starts the Wasm anew where it has fallen (src/platform/panic.rs), before anything else is asked of it. */
function revive() {
  if (!life.hasFallen) return;
  console.log('the Wasm has fallen, and is started anew');
  startAnew();
  life.hasFallen = false;
}

/** Does something in the Wasm, and sees it where it falls so hard that it cannot say so itself. */
function inWasm(work) {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError || thrown?.message === 'Module terminated') life.hasFallen = true;
    throw thrown;
  }
}

export default {
  fetch(request, bindings, context) {
    revive();
    return inWasm(() => fetch(request, bindings, context));
  },

  queue(batch, bindings, context) {
    revive();
    return inWasm(() => queue(batch, bindings, context));
  },
};

export class Ledger {
  #state;
  #shard;
  #starts;

  constructor(state) {
    this.#state = state;
  }

  fetch(request) {
    return inWasm(() => this.#alive().fetch(request));
  }

  alarm() {
    return inWasm(() => this.#alive().alarm());
  }

  /** What was in memory has gone with the Wasm that it was in. */
  #alive() {
    revive();
    if (this.#starts !== life.starts) {
      this.#shard = new Shard(this.#state);
      this.#starts = life.starts;
    }
    return this.#shard;
  }
}
