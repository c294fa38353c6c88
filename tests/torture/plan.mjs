// What is going to happen, as far as a seed can say it: who asks for what how often, what is wrong with it, and when the gate is
// killed. Nothing of it hangs on the order in which things come to happen.

import { draw, pick, shuffled } from './random.mjs';

const TENANTS = ['alice', 'bob', 'carol', 'dave'];
const OTHER_PAYLOAD_SHARE = 0.05;
const HANG_UP_SHARE = 0.04;
const CUT_SHARE = 0.01;
const BURSTS = [1, 1, 1, 1, 2, 2, 3, 5];
const REQUESTS_PER_KILL = 1_500;
const LEAST_KILLS = 1;
const MOST_KILLS = 40;

/** Bytes that look random, to fill bodies with. */
const FILLER = Buffer.from(Uint8Array.from({ length: 2 ** 21 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 13));

/** The key of a number, and whose it is. Tenants use the same keys. */
export function keyOf(number) {
  return { number, tenant: TENANTS[number % TENANTS.length], key: `order-${Math.floor(number / TENANTS.length)}` };
}

/** The number of a tenant's key. */
export function numberOf(tenant, key) {
  return Number(key.slice('order-'.length)) * TENANTS.length + TENANTS.indexOf(tenant);
}

/**
 * All requests but the last of each key: bursts of one key at once, in rounds over all keys, so that a key is seen both
 * running and long after it. Each is { number, nth: [from, to] }.
 */
export function* bursts({ seed, keys, retries }) {
  let left = Array.from({ length: keys }, (_, number) => number);
  const sent = new Array(keys).fill(0);
  for (let round = 0; left.length > 0; round += 1) {
    for (const number of shuffled(left, seed, 'round', round)) {
      const from = sent[number];
      sent[number] = Math.min(retries, from + pick(BURSTS, seed, 'burst', number, round));
      yield { number, nth: [from, sent[number]] };
    }
    left = left.filter((number) => sent[number] < retries);
  }
}

/** What the nth request of a key is like: `hangUp` has when its client loses patience, and whether in the midst of its body. */
export function request(seed, number, nth) {
  const { key } = keyOf(number);
  const isOther = draw(seed, 'other', number, nth) < OTHER_PAYLOAD_SHARE;
  const body = payload(seed, key, isOther ? 1 + Math.floor(draw(seed, 'which', number, nth) * 2) : 0);
  return { body, hangUp: hangUp(seed, number, nth), twin: draw(seed, 'gate', number, nth) < 0.5 };
}

/** What the last request of a key is like, which asks how the key stands. */
export function lastRequest(seed, number) {
  return { body: payload(seed, keyOf(number).key, 0), twin: draw(seed, 'gate', number, 'last') < 0.5 };
}

/** After how many requests the gate is killed, in order. */
export function kills({ seed, keys, retries }) {
  const requests = keys * retries;
  const count = Math.min(MOST_KILLS, Math.max(LEAST_KILLS, Math.round(requests / REQUESTS_PER_KILL)));
  return Array.from({ length: count }, (_, index) => ((index + draw(seed, 'kill', index)) / count) * requests);
}

/** The answer that comes of executing a key's request; `id` is that of the execution and nowhere else in the world. */
export function reply(seed, number, id) {
  const status = pick([200, 201, 201, 201, 202, 204, 303, 402], seed, 'status', number);
  const size = draw(seed, 'reply', number);
  const body = status === 204 ? Buffer.alloc(0) : filled(`{"execution":"${id}"}`, bytes(size, [400, 20_000, 1_200_000]));
  const headers = [
    ['Content-Type', size < 0.9 ? 'application/json' : 'application/octet-stream'],
    ['X-Execution', id],
    ['Link', '</a>; rel="next"'],
    ['Set-Cookie', `session=${id}; Path=/; HttpOnly`],
    ['Link', '</b>; rel="prev"'],
    ['Set-Cookie', 'theme=a, b; Path=/'],
    ...(status === 303 ? [['Location', `/v1/orders/${id}`]] : []),
  ];
  return { status, headers, body };
}

/** Tenants that use the same key ask for the same: only whose it is tells them apart. */
function payload(seed, key, variant) {
  const size = bytes(draw(seed, 'payload', key, variant), [300, 10_000, 200_000]);
  return filled(`{"order":"${key}","amount":${1000 + variant}}`, size);
}

/** Most bodies are small, some are larger, and very few are large. */
function bytes(drawn, [small, larger, large]) {
  const within = (drawn * 1000) % 1;
  if (drawn < 0.9) return Math.floor(within * small);
  return Math.floor(within * (drawn < 0.995 ? larger : large));
}

function filled(begin, size) {
  return Buffer.concat([Buffer.from(begin), FILLER.subarray(0, size)]);
}

/** Some lose patience at once, some while the origin works. */
function hangUp(seed, number, nth) {
  const drawn = draw(seed, 'hang up', number, nth);
  if (drawn >= HANG_UP_SHARE) return undefined;
  const longestMs = draw(seed, 'patience', number, nth) < 0.5 ? 10 : 400;
  return { afterMs: draw(seed, 'moment', number, nth) * longestMs, isCut: drawn < CUT_SHARE };
}
