// What each subject is sent, and what that is compared with.

const UNKEYED = { name: 'unkeyed', keys: 'none', path: '/v1/events' };
const FIRST = { name: 'first', keys: 'fresh' };
/** Replays are of keys of the warm-up, which had more than these. */
const REPLAY = { name: 'replay', keys: 'known', count: 500 };
/** The isolate has to see the answers before it remembers them. */
const REMEMBERED = { name: 'replay from memory', keys: 'known', count: 500, path: '/v1/remembered', isPrepared: true };
/** They are of one route, so their keys differ. */
const large = (name, run, bodyBytes, count) => {
  const common = { path: `/v1/large/${run}`, run, bodyBytes };
  return [
    { name: `first, ${name}`, keys: 'fresh', ...common },
    { name: `replay, ${name}`, keys: 'known', count, ...common },
  ];
};

/** How many live records the ledger has at the start that has few, and the one that has many. */
export const RECORDS = { few: 1_000, many: 1_000_000 };

/** The loads of each subject, in their order. */
export const LOADS = {
  a: [UNKEYED],
  b: [FIRST, REPLAY],
  c: [
    UNKEYED,
    FIRST,
    REPLAY,
    REMEMBERED,
    { name: 'replay of one key', keys: 'known', count: 1 },
    // Its body is another than the first one's.
    { name: 'mismatch', keys: 'known', count: 500, bodyBytes: 40, isRefused: true },
    { name: 'in progress', keys: 'known', count: 1, path: '/v1/held', isRefused: true, isHeld: true },
    { name: 'wait', keys: 'fresh in groups', count: 8, path: '/v1/slow' },
    ...large('64 KiB', '64k', 64 << 10, 100),
    ...large('1 MiB', '1m', 1 << 20, 20),
  ],
  d: [FIRST, REPLAY],
  e: [FIRST, REPLAY],
  f: [FIRST],
  g: [FIRST],
  h: [FIRST, REPLAY, REMEMBERED],
};

/** What is compared with each other is there at the same time and takes turns, a second each: what else the machine does changes by the minute. */
export const SIDE_BY_SIDE = [['a', 'b', 'c', 'h'], ['f', 'g']];

/** What comes before, of a subject's loads the plain ones, for twice as long: V8 compiles what is run often, and does so again. */
export const warmUp = (letter) => LOADS[letter].slice(0, 4);

/** The targets: the CPU of a case, or another figure of it, is at most so many times that of another in the same round. */
export const TARGETS = [
  { of: ['c', 'unkeyed'], to: ['a', 'unkeyed'], most: 1.1 },
  { of: ['c', 'first'], to: ['b', 'first'], most: 1.0 },
  { of: ['c', 'replay'], to: ['b', 'replay'], most: 1.0 },
  { of: ['c', 'replay from memory'], to: ['a', 'unkeyed'], most: 0.7 },
  { of: ['c', 'first'], to: ['d', 'first'], most: 1.0 },
  { of: ['c', 'first'], to: ['e', 'first'], most: 1.0 },
  { of: ['g', 'first'], to: ['f', 'first'], most: 1.1 },
  { of: ['g', 'first'], to: ['f', 'first'], figure: 'p50', most: 1.1 },
];

/** No targets: what the platform's calls alone make of a case, and what Oncegate adds to them. */
export const SHARES = [
  { of: ['h', 'first'], to: ['b', 'first'] },
  { of: ['h', 'replay'], to: ['b', 'replay'] },
  { of: ['c', 'first'], to: ['h', 'first'] },
  { of: ['c', 'replay'], to: ['h', 'replay'] },
  { of: ['h', 'replay from memory'], to: ['a', 'unkeyed'] },
  { of: ['c', 'replay from memory'], to: ['h', 'replay from memory'] },
];
