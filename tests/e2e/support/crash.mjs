// Requests that are held at the steps of their way, each where its test says, and a workerd that is killed then.

import { heldOrigin } from './held-origin.mjs';
import { Reply, open, send } from './http.mjs';
import { until } from './until.mjs';
import { startWorkerd } from './workerd.mjs';

/** Long, so that no lease ends while a busy machine gets there: a test steps the clock over its end. */
const TIMEOUT_MS = 90_000;
export const LEASE_MS = TIMEOUT_MS + 10_000;

const PATIENCE = { seconds: 60, everyMs: 200 };

/** The one point at which workerd itself stands still. */
export const HALF_WRITTEN = 'the outcome is half written';

/** A row holds 960 KiB of a body, so a large answer is in two. */
const BYTES = { small: 100, large: 1_000_000 };
const SECOND_ROW = { statement: 'INSERT INTO b', times: 2 };

/** How a request is held at a point: in its ledger, or in the origin, or both. `inVain`: what the ledger then writes is lost. */
const HELD = {
  'the request has half come': {},
  'the claim is on its way': { ledger: 'before begin' },
  'the claim is written, not durable': { ledger: 'before begin', inVain: true },
  'the claim is durable, its answer on its way': { ledger: 'after begin' },
  'the origin is called': { origin: 'called', ledger: 'before settle' },
  'the origin has executed': { origin: 'executed', ledger: 'before settle' },
  'the origin is answering': { origin: 'answering', ledger: 'before settle' },
  'the outcome is on its way': { ledger: 'before settle' },
  [HALF_WRITTEN]: {},
  'the outcome is written, not durable': { ledger: 'before settle', inVain: true },
  'the outcome is durable, its answer on its way': { ledger: 'after settle' },
  'the reply is given': {},
};

/** An origin, and a gate with a route and a ledger for each point and way to reply. */
export async function startCrashing(points) {
  const origin = await heldOrigin();
  const name = ({ point, mode }) => `point-${points.indexOf(point)}-${replyOf(mode)}`;
  const routes = points.flatMap((point) =>
    ['stored', 'early'].map((reply) => routeOf(name({ point, mode: reply }), reply)),
  );
  const gates = await startWorkerd({ origin, routes });
  const optionsOf = ({ key, mode }, { tenant = 'alice', amount = 1, hold } = {}) => {
    const headers = { authorization: tenant, 'x-bytes': BYTES[mode.split(',')[0]] };
    if (hold) headers['x-hold-when'] = hold;
    return { key, json: { amount }, headers };
  };
  return {
    origin,
    gates,
    ledger: (cell) => `${name(cell)}/1/0`,
    pay: (cell, request) => send(gates.url, 'POST', `/${name(cell)}`, optionsOf(cell, request)),
    open: (cell, request) => open(gates.url, 'POST', `/${name(cell)}`, optionsOf(cell, request)),
    /** Sends half of a request. */
    openHalf(cell) {
      const { json, headers, ...options } = optionsOf(cell);
      const body = JSON.stringify(json);
      const opened = open(gates.url, 'POST', `/${name(cell)}`, {
        ...options,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
      });
      opened.request.write(body.slice(0, 5));
      return opened;
    },
    async stop() {
      await gates.stop();
      await origin.stop();
    },
  };
}

function replyOf(mode) {
  return mode.endsWith('early') ? 'early' : 'stored';
}

function routeOf(name, reply) {
  const timeout = `${TIMEOUT_MS}ms`;
  return { name, path: `/${name}`, scope: ['header:Authorization'], shards: 1, timeout, reply };
}

/** Holds a request for each cell at its point, kills workerd, and starts it again. Cells get a `key` and their `first` client. */
export async function crash(crashing, cells) {
  const { gates } = crashing;
  for (const cell of cells) cell.key = keyOf(cell);
  const ledgers = new Map(cells.map((cell) => [crashing.ledger(cell), []]));
  for (const cell of cells) ledgers.get(crashing.ledger(cell)).push(cell);
  await Promise.all([...ledgers.values()].map(([cell]) => crashing.pay({ ...cell, key: 'opens-the-ledger' })));
  await Promise.all([...ledgers].map(([ledger, [{ point }]]) => gates.tell(ledger, { plan: planOf(point) })));

  const firsts = new Map();
  const sendAll = (those) => {
    for (const cell of those) {
      if (!firsts.has(cell.key)) firsts.set(cell.key, sendFirst(crashing, cell));
      cell.first = firsts.get(cell.key);
    }
  };
  const isHalfWritten = ({ point }) => point === HALF_WRITTEN;
  sendAll(cells.filter((cell) => !isHalfWritten(cell)));
  await Promise.all([...ledgers].map(([ledger, those]) => reached(crashing, ledger, those)));

  // From here on the ledgers answer nobody, and at last nor does workerd.
  const inVain = [...ledgers].filter(([, [{ point }]]) => HELD[point].inVain).map(([ledger]) => ledger);
  for (const ledger of inVain) gates.tell(ledger, { undurable: true }).catch(() => {});
  for (const ledger of inVain)
    await gates.child.says(new RegExp(`^${ledger} has written in vain$`, 'm'), PATIENCE.seconds);
  sendAll(cells.filter(isHalfWritten));
  if (cells.some(isHalfWritten)) await gates.child.says(/^stopped before INSERT/m, PATIENCE.seconds);

  await gates.kill9();
  await Promise.all([...firsts.values()].map(({ ended }) => ended));
  await gates.restart();
}

/** Who comes when there is a record does not change it, so that all of them can have the same. */
function keyOf({ point, mode, who, left }) {
  const parts = [point, mode, ...(left === 'nothing' ? [who] : [])];
  return parts.join(' ').replaceAll(/\W+/g, '-');
}

function planOf(point) {
  return point === HALF_WRITTEN ? { stopBefore: SECOND_ROW } : { hold: HELD[point].ledger };
}

/** The first request of a cell, and what its client has got so far. */
function sendFirst(crashing, cell) {
  const isHalf = cell.point === 'the request has half come';
  const opened = isHalf ? crashing.openHalf(cell) : crashing.open(cell, { hold: HELD[cell.point].origin });
  const first = { received: Buffer.alloc(0), reply: undefined };
  first.ended = opened.response
    .then(async (incoming) => {
      for await (const part of incoming) first.received = Buffer.concat([first.received, part]);
      first.reply = new Reply(incoming.statusCode, incoming.rawHeaders, first.received);
    })
    .catch(() => {}); // it was cut off
  return first;
}

/** That the requests to a ledger are held at their point, and their clients have as much as they will get. */
async function reached({ origin, gates, pay }, ledger, cells) {
  const { ledger: where, origin: step } = HELD[cells[0].point];
  const keys = new Set(cells.map(({ key }) => key));
  if (where && !step) {
    const held = async () => (await gates.tell(ledger, { held: true })).length === keys.size;
    await until(`${ledger} holds ${keys.size} calls`, held, PATIENCE);
  }
  for (const cell of cells) {
    const { point, mode, key, first } = cell;
    if (step) await until(`${key} is held`, () => origin.isHeld(key), PATIENCE);
    if (point === 'the reply is given') {
      await until(`${key} is answered`, () => first.reply, PATIENCE);
      // An early reply may be whole before it is stored.
      await until(`${key} is stored`, async () => (await pay(cell)).outcome === 'replayed', PATIENCE);
    }
    if (replyOf(mode) !== 'early') continue;
    if (point === 'the origin is answering') await until(`${key} streams`, () => first.received.length > 0, PATIENCE);
    if (point.startsWith('the outcome') && point !== HALF_WRITTEN) {
      const isWhole = () => first.received.length === origin.executions('alice', key)[0]?.length;
      await until(`${key} has streamed`, isWhole, PATIENCE);
    }
  }
}
