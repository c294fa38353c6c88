// Answers of an origin, made from a seed, and what the contract says that clients get of them (GUARANTEES.md, "Headers of a replay").

import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

import { inChunks } from './http.mjs';
import { randomOf } from './random.mjs';

const KIB = 1024;
/** Bodies are sealed in segments, replayed in windows, and stored in rows of so many bytes; each sealed segment has a tag more. */
const [SEGMENT, WINDOW, ROW, TAG] = [64 * KIB, 128 * KIB, 960 * KIB, 16];
const [HEADER_BYTES, HEADER_COUNT] = [64 * KIB, 256];
/** `max_response` of the routes for small and for large answers. */
export const LIMITS = { small: 1000, large: 2 * ROW + 1000 };

const around = (...sizes) => sizes.flatMap((size) => [size - 1, size, size + 1]);
const SIZES = {
  small: [0, 1, 5000, ...around(LIMITS.small)],
  large: [0, 1, ...around(SEGMENT, WINDOW)],
  huge: around(ROW - 16 * TAG, ROW - 15 * TAG, ROW, 2 * ROW - 31 * TAG, 2 * ROW, LIMITS.large),
};

/** Statuses whose answers are kept by default, those that forbid a body last. */
const STATUSES = [
  ...[200, 200, 201, 201, 202, 203, 206, 207, 226, 299, 300, 301, 302, 303, 305, 307, 308, 400, 402, 404, 405, 406, 409, 410, 412],
  ...[413, 415, 416, 418, 422, 428, 431, 451, 499, 500, 501, 505, 507, 511, 527, 599, 204, 205, 304],
];
const BODILESS = [204, 205, 304];
const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, own: (bytes) => bytes };
const POOL = randomOf(0).bytes(4 * ROW);

/**
 * The answer of a seed: its `route`, `status`, `headers` as the origin sends them (in Latin-1), `body`, its `bytes` on the wire,
 * and the `accepted` encodings of its client. `isKept` says whether it can be replayed, and `traits` what is particular to it.
 */
export function answerOf(seed) {
  const random = randomOf(seed);
  const route = { isEarly: random.isOneIn(2), isSealed: random.isOneIn(2), keepsCookies: random.isOneIn(2), size: random.pick(['small', 'large']) };
  const status = random.pick(STATUSES);
  const { body, encoding, kind } = BODILESS.includes(status) ? { body: Buffer.alloc(0), kind: 'none' } : bodyOf(random, route.size);
  const framing = BODILESS.includes(status) ? 'none' : random.pick(['announced', 'announced', 'chunked', 'chunked', 'to the end']);
  const { headers, limit } = headersOf(random, { status, encoding, keepsCookies: route.keepsCookies });
  const kept = joined(headers).filter(([name]) => route.keepsCookies || name !== 'set-cookie');
  const isKept = body.length <= LIMITS[route.size] && kept.length <= HEADER_COUNT && bytesOf(kept) <= HEADER_BYTES;
  const accepted = random.pick([undefined, 'gzip, deflate, br', '*']);
  const chunk = random.pick(body.length < 200 ? [1, 7, 100] : [997, 4093, 65_537, 1 << 20].filter((size) => size > body.length / 500));
  return {
    ...{ seed, route, status, headers, body, framing, accepted, isKept },
    traits: [status, kind, framing, limit ?? 'usual headers', `${body.length} bytes`, ...headers.map(([, , trait]) => trait)],
    bytes: () => wire({ status, headers, body, framing, chunk }),
  };
}

function bodyOf(random, size) {
  const encoding = random.pick([undefined, ...Object.keys(ENCODERS)]);
  const dice = random.below(20);
  if (dice < 5 && size === 'large') return cut(random, random.pick(SIZES.huge));
  if (dice < 9) return cut(random, random.pick(SIZES[size]));
  if (dice < 10) return { body: Buffer.from('größer ≠ £ \u{1f600}\r\n\0'.repeat(random.below(20))), kind: 'text' };
  const plain = random.isOneIn(2) ? random.bytes(random.below(900)) : Buffer.from('compressible '.repeat(random.below(200)));
  return encoding ? { body: ENCODERS[encoding](plain), encoding, kind: encoding } : { body: plain, kind: 'plain' };
}

function cut(random, length) {
  const start = random.below(POOL.length - length);
  return { body: POOL.subarray(start, start + length), kind: 'binary' };
}

/** Values as an origin may send them, by what is particular to them. */
const VALUES = {
  'a token': () => 'v1',
  nothing: () => '',
  'all visible characters': () => String.fromCharCode(...Array.from({ length: 94 }, (_, index) => 33 + index)),
  'spaces around': () => ' \t v \t ',
  'a tab within': () => 'a\t b',
  commas: () => ', a,,b ,',
  'UTF-8': () => Buffer.from('käse ≠ \u{1f600}').toString('latin1'),
  'Latin-1': () => 'k\u00e4se \u00a3\u00ff',
  'a long value': (random) => 'y'.repeat(random.below(8000)),
};

/** What there must be of everything, among many answers. */
export const EVERY_TRAIT = [
  ...[...STATUSES, ...Object.keys(ENCODERS), 'text', 'plain', 'binary', 'announced', 'chunked', 'to the end'],
  ...Object.values(SIZES).flat().map((size) => `${size} bytes`),
  ...around(HEADER_COUNT).map((count) => `${count} headers`),
  ...around(HEADER_BYTES).map((count) => `${count} bytes of headers`),
  ...[...Object.keys(VALUES), 'repeated', 'cookies', 'an odd name', 'in the name of the gate', 'of the connection'],
];

/** Header lines as [name, value, what is particular to them], and whether they are at the limit. */
function headersOf(random, { status, encoding, keepsCookies }) {
  const value = () => random.pick(Object.entries(VALUES));
  const line = (name) => {
    const [trait, make] = value();
    return [name, make(random), trait];
  };
  const lines = [
    ...random.several(random.pick([0, 1, 3, 6, 20]), (index) => line(`X-A${index}`)),
    ...random.several(random.pick([0, 0, 2, 4]), (index) => [random.pick(['Link', 'LINK', 'link']), `</${index}>; rel="a, b"`, 'repeated']),
    ...random.several(random.pick([0, 0, 2, 3]), () => line(random.pick(['x-many', 'X-Many']))),
    // Two cookies of one name: the last one counts (RFC 6265, section 5.3), so their order must stay.
    ...random.several(random.pick([0, 0, 1, 3, 5]), () => ['Set-Cookie', `${random.pick(['a', 'b'])}=${random.below(1000)}; Path=/, x`, 'cookies']),
  ];
  const sometimes = (...header) => random.isOneIn(4) && lines.push(header);
  sometimes("x!#$%&'*+.^_`|~-9", 'odd', 'an odd name');
  sometimes('Content-Type', random.pick(['text/plain; charset="utf-8"', 'application/json', 'x/y']), 'a type');
  sometimes('Date', 'Tue, 01 Jan 2030 00:00:00 GMT', 'a date');
  sometimes('Cache-Control', 'no-store', 'directives');
  sometimes('Idempotency-Key', 'echoed', 'the key');
  sometimes(random.pick(['Idempotency-Status', 'Idempotency_Replayed', 'Oncegate-Anything']), 'forged', 'in the name of the gate');
  sometimes('Oncegate-TTL', '2h', 'in the name of the gate');
  sometimes(random.pick(['Keep-Alive', 'Proxy-Connection', 'TE', 'Upgrade']), 'x', 'of the connection');
  if (random.isOneIn(8)) lines.push(['Connection', 'x-named', 'of the connection'], ['X-Named', '1', 'of the connection']);
  if (status === 206) lines.push(['Content-Range', 'bytes 0-9/99', 'a range']);
  if (status === 304 || random.isOneIn(4)) lines.push(['ETag', 'W/"1"', 'a validator']);
  if (status >= 300 && status < 400) lines.push(['Location', '/elsewhere?a=%20', 'an address']);
  if (encoding) lines.push(['Content-Encoding', encoding, 'an encoding']);
  const headers = random.shuffled(lines);
  if (!random.isOneIn(12)) return { headers };
  const kept = joined(headers).filter(([name]) => keepsCookies || name !== 'set-cookie');
  const over = random.pick([-1, 0, 1]);
  if (random.isOneIn(2)) {
    const more = random.several(HEADER_COUNT + over - kept.length, (index) => [`x-n${index}`, '1', 'one of many']);
    return { headers: [...headers, ...more], limit: `${HEADER_COUNT + over} headers` };
  }
  const left = HEADER_BYTES + over - bytesOf(kept) - 'x-pad'.length;
  return { headers: [...headers, ['X-Pad', 'y'.repeat(left), 'padding']], limit: `${HEADER_BYTES + over} bytes of headers` };
}

const bytesOf = (headers) => headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

function wire({ status, headers, body, framing, chunk }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  if (framing === 'announced') lines.push(`Content-Length: ${body.length}`);
  if (framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  if (status === 205) lines.push('Content-Length: 0');
  lines.push('Connection: close');
  const head = Buffer.from(`HTTP/1.1 ${status} As told\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, framing === 'chunked' ? inChunks(body, chunk) : body]);
}

const OF_THE_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'x-named'];
const isTheGates = (name) => /^(oncegate-|idempotency-(status|replayed)$)/.test(name.replaceAll('_', '-'));

/**
 * The header lines that a client is shown of these, in the order of their names: names in lower case, repeated ones joined but for
 * cookies, values without the spaces around them, what is not UTF-8 in them replaced; without those of the connection and the gate's.
 */
export function shown(headers) {
  return byName(joined(headers)).map(([name, value]) => [name, value.replace(/ +$/, '')]); // where the last of several is empty
}

function joined(headers) {
  const names = new Map();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const isNamed = headers.some(([each]) => each === 'Connection');
    if (isTheGates(lower) || (OF_THE_CONNECTION.includes(lower) && (lower !== 'x-named' || isNamed))) continue;
    const text = Buffer.from(value.replace(/^[ \t]+|[ \t]+$/g, ''), 'latin1').toString();
    names.set(lower, [...(names.get(lower) ?? []), Buffer.from(text).toString('latin1')]);
  }
  return [...names].flatMap(([name, values]) => {
    return name === 'set-cookie' ? values.map((value) => [name, value]) : [[name, values.join(', ')]];
  });
}

/** Header lines in the order of their names; those of one name stay as they are. */
export function byName(lines) {
  return lines.toSorted(([one], [other]) => (one < other ? -1 : Number(one > other)));
}
