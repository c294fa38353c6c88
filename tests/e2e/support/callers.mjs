// Callers that note all that they see, and the lives that a caller's key can have: how its record comes into each state, and
// what the caller sees of it afterwards. Two callers who see the same have lived the same life.

import assert from 'node:assert/strict';

import { operatorOf } from './operator.mjs';
import { handmadeOrigin } from './origin.mjs';
import { until } from './until.mjs';

/** A request that is held waits for many others. */
const SILENCE_MS = 5 * 60_000;
let requests = 0;

/** The largest answer that a route in front of `tellingOrigin` is to keep. */
export const MAX_RESPONSE = 100;

/**
 * An origin that does with each request what its header x-what says, and answers with the nonce and the number of the attempt:
 * so each answer tells of which request it is, and of which attempt of how many.
 */
export async function tellingOrigin() {
  const executed = new Map();
  const held = new Map();
  const origin = await handmadeOrigin((incoming, outgoing) => {
    const { 'x-what': what, 'x-nonce': nonce, 'oncegate-attempt': attempt } = incoming.headers;
    executed.set(nonce, [...(executed.get(nonce) ?? []), incoming.headers['oncegate-fence']]);
    incoming.resume();
    outgoing.sendDate = false;
    outgoing.setHeader('x-attempt', attempt);
    const answers = {
      'is done': () => outgoing.writeHead(201).end(`done for ${nonce}`),
      'is large': () => outgoing.writeHead(201).end(`large for ${nonce}`.padEnd(MAX_RESPONSE + 1)),
      'is soon forgotten': () => outgoing.writeHead(201, { 'oncegate-ttl': '1ms' }).end(`soon forgotten for ${nonce}`),
      'is refused': () => outgoing.writeHead(503).end(`refused for ${nonce}`),
      'breaks off': () => outgoing.destroy(),
      'is held': () => held.set(nonce, answers['is done']),
    };
    answers[what]();
  });
  return Object.assign(origin, {
    /** The fences of the calls with this nonce. */
    calls: (nonce) => executed.get(nonce) ?? [],

    /** Answers a request that is held, as soon as it has come. */
    go: async (nonce) => (await until(`${nonce} is held`, () => held.get(nonce), { seconds: 60 }))(),

    arrived: (nonce) => until(`${nonce} is at the origin`, () => executed.has(nonce), { seconds: 60 }),
  });
}

/** One who sends a request again and again: `cell` has its `route`, `scope` (as an operator names it), `path`, `headers`, `method` and `key`. */
export class Caller {
  /** All that was seen, with the caller's own nonces as their numbers. */
  seen = [];
  nonces = [];

  constructor(gate, origin, cell) {
    Object.assign(this, { gate, origin, cell, operator: operatorOf(gate) });
  }

  /** Sends the request and notes the reply. If the origin gets it, it does `what`. `changed` makes another request of it. */
  async send(what = 'is done', changed = {}) {
    const { nonce, reply } = this.begin(what, changed);
    return this.note(nonce, await reply);
  }

  begin(what, changed = {}) {
    const { method, path, headers, key, amount = 1 } = { ...this.cell, ...changed };
    requests += 1;
    const nonce = `n${String(requests).padStart(6, '0')}.`;
    this.nonces.push(nonce);
    const options = { key, json: { amount }, headers: { ...headers, 'x-what': what, 'x-nonce': nonce }, silenceMs: SILENCE_MS };
    return { nonce, reply: this.gate.send(method, path, options) };
  }

  note(nonce, reply) {
    const own = (text) => this.nonces.reduce((all, each, index) => all.replaceAll(each, `#${index}`), text);
    const lines = reply.lines.map(([name, value]) => `${name}: ${own(value)}`);
    this.seen.push({ status: reply.status, lines, text: own(reply.text), calls: this.origin.calls(nonce).length });
    return reply;
  }

  /** The record as an operator is shown it, or undefined. */
  async find() {
    const reply = await this.operator.find(this.cell.route, this.cell.scope, [this.cell.key]);
    assert.ok([200, 404].includes(reply.status), reply.text);
    return reply.status === 200 ? reply.json : undefined;
  }

  /** Has an operator change the record that is found under this key, which must be that of the last call. */
  async change(action, how = {}) {
    const { id, fence } = await this.find();
    assert.equal(fence, this.origin.calls(this.nonces.at(-1))[0], 'an operator found the record of another request');
    const reply = await this.operator[action](this.cell.route, id, { ...how, fence });
    assert.equal(reply.status, 200, reply.text);
  }
}

const retry = (caller) => caller.send();
const enterBy = (what) => (caller) => caller.send(what);

/**
 * Each life by the state that `enter` brings the record into. `leave` shows that it is still in it. `told` is what the caller
 * is told at each time; a key that is free may be used with another request. `attempt` is that of the last answer, where it is new.
 */
export const LIVES = {
  absent: { enter: () => {}, leave: retry, told: ['created'], free: true, attempt: 1 },
  completed: { enter: enterBy('is done'), leave: retry, told: ['created', 'replayed'] },
  'too large': { enter: enterBy('is large'), leave: retry, told: ['created', 'not-stored'] },
  unknown: { enter: enterBy('breaks off'), leave: retry, told: ['unknown', 'unknown'] },
  released: { enter: enterBy('is refused'), leave: retry, told: ['released', 'created'], free: true, attempt: 2 },
  'in progress': {
    async enter(caller) {
      caller.held = caller.begin('is held');
      await caller.origin.arrived(caller.held.nonce);
    },
    async leave(caller) {
      await caller.send();
      await caller.origin.go(caller.held.nonce);
      caller.note(caller.held.nonce, await caller.held.reply);
      await caller.send();
    },
    told: ['in-progress', 'created', 'replayed'],
  },
  settled: {
    async enter(caller) {
      await caller.send('breaks off');
      await caller.change('resolve', { as: 'completed', response: { status: 200, body: `found for ${caller.nonces[0]}` } });
    },
    leave: retry,
    told: ['unknown', 'replayed'],
  },
  'settled as released': {
    async enter(caller) {
      await caller.send('breaks off');
      await caller.change('resolve', { as: 'released' });
    },
    leave: retry,
    told: ['unknown', 'created'],
    free: true,
    attempt: 2,
  },
  forgotten: {
    async enter(caller) {
      await caller.send();
      await caller.change('forget');
    },
    leave: retry,
    told: ['created', 'created'],
    free: true,
    attempt: 2,
  },
  expired: {
    async enter(caller) {
      await caller.send('is soon forgotten');
      await until('it has expired', async () => ((await caller.find())?.state ?? 'expired') === 'expired', { seconds: 60 });
    },
    leave: retry,
    told: ['created', 'created'],
    free: true,
    attempt: 1,
  },
};
