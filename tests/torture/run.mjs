// A run: clients ask for all keys as often as planned, while the origin misbehaves and the gate is killed again and again.
// Then all is calm: the origin is reliable, the leases are over, and every key is asked once more. The history is judged.

import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Child } from '../e2e/support/processes.mjs';
import { startWorkerd } from '../e2e/support/workerd.mjs';
import { check } from './checker.mjs';
import { Clients, PATH } from './clients.mjs';
import { missing } from './coverage.mjs';
import { History, eventsOf } from './history.mjs';
import { bursts, keyOf, kills, lastRequest, request } from './plan.mjs';
import { draw } from './random.mjs';

/** More of them make no more requests a second, but each slower: on a busy machine calls would then end by the timeout. */
const CLIENTS = 16;
const TIMEOUT_MS = 1_500;
const LEASE_MS = TIMEOUT_MS + 10_000;
const LONGEST_BEFORE_KILL_MS = 200;
const WARMING_ROUNDS = 10;
const QUICK_MS = 300;
const BUILT_AROUND = join(import.meta.dirname, 'wrapped.js');

/**
 * Carries a run out and judges it. `broken` names a file in broken/: what is wrong with the gate. Gives the verdict ("kept",
 * "violated", or "not tested enough"), with what it rests on, and the folder of the history, which the caller removes.
 */
export async function torture({ keys, retries, minutes, seed, broken }) {
  const plan = { keys, retries, seed };
  const folder = await mkdtemp(join(tmpdir(), 'oncegate-torture-'));
  const inFolder = (name) => join(folder, name);
  const files = { origin: inFolder('origin.jsonl'), clients: inFolder('clients.jsonl'), gate: inFolder('gate.log') };
  const origin = await startOrigin(seed, files.origin);
  const gate = await startGate(origin, broken, files.gate).catch(async (error) => {
    await origin.stop();
    throw error;
  });
  const history = new History(files.clients, { mayWait: 1 << 16 });
  const clients = new Clients(gate, history);
  try {
    const stoppedBy = await storm(plan, minutes, { clients, gate, history });
    await calm(plan, { clients, origin, history });
    history.close();
    const found = check(eventsOf(files.origin), eventsOf(files.clients));
    const lacking = missing(found);
    const verdict = found.breaches.length > 0 ? 'violated' : lacking.length > 0 ? 'not tested enough' : 'kept';
    return { verdict, ...found, missing: lacking, stoppedBy, plan, folder, files };
  } finally {
    clients.close();
    await gate.stop();
    await origin.stop();
  }
}

/** Removes the history of a run. */
export function forget({ folder }) {
  return rm(folder, { recursive: true });
}

/** Sends what is planned, until it is all sent or the time is over, and says which. */
async function storm(plan, minutes, { clients, gate, history }) {
  const endsAt = performance.now() + minutes * 60_000;
  const planned = bursts(plan);
  const progress = { sent: 0, isOver: false };
  let stoppedBy = 'the end of the work';
  const client = async () => {
    for (;;) {
      await gate.isUp;
      if (performance.now() > endsAt) return void (stoppedBy = `the end of ${minutes} minutes`);
      const { value, done } = planned.next();
      if (done) return;
      const [from, to] = value.nth;
      const nths = Array.from({ length: to - from }, (_, index) => from + index);
      const ask = (nth) => clients.ask(value.number, `${value.number}.${nth}`, request(plan.seed, value.number, nth));
      progress.sent += nths.length;
      await Promise.all(nths.map(ask));
    }
  };
  const killing = killAgainAndAgain(plan, progress, gate, history);
  await Promise.all(Array.from({ length: CLIENTS }, client));
  progress.isOver = true;
  await killing;
  return stoppedBy;
}

async function killAgainAndAgain(plan, progress, gate, history) {
  for (const [index, at] of kills(plan).entries()) {
    while (progress.sent < at && !progress.isOver) await sleep(5);
    await sleep(draw(plan.seed, 'kill after', index) * LONGEST_BEFORE_KILL_MS);
    if (progress.isOver) return;
    await gate.kill(history);
  }
}

/** Waits until nothing is under way any more, and asks how each key stands. */
async function calm(plan, { clients, origin, history }) {
  history.write('calm');
  await Promise.all([fetch(`${origin.url}/_calm`, { method: 'POST' }), sleep(LEASE_MS + 1_000)]);
  const left = Array.from({ length: plan.keys }, (_, number) => number);
  const client = async () => {
    for (let number = left.pop(); number !== undefined; number = left.pop()) {
      await clients.ask(number, `${number}.last`, { ...lastRequest(plan.seed, number), calm: true });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS / 4 }, client));
}

async function startOrigin(seed, history) {
  const settings = ['--seed', seed, '--timeout', TIMEOUT_MS, '--history', history].map(String);
  const child = new Child('the origin', process.execPath, [join(import.meta.dirname, 'origin.mjs'), ...settings]);
  const [, url] = await child.says(/^origin ready on (http:\S+)$/m);
  return { url, stop: () => child.stop() };
}

/** Two gates in front of the same ledgers. Nothing is around the shipped Worker, unless it is to be broken. */
async function startGate(origin, broken, log) {
  const wrapper = broken ? [join(import.meta.dirname, 'broken', `${broken}.js`), BUILT_AROUND] : [];
  const route = { name: 'orders', path: PATH, scope: ['header:Authorization'], timeout: `${TIMEOUT_MS}ms`, shards: 2, log: 0 };
  const workerd = await startWorkerd({ origin, routes: [{ ...route, keep_headers: ['set-cookie'] }], wrapper });
  const gate = {
    isUp: Promise.resolve(),
    get urls() {
      return workerd.ports.slice(0, 2).map((port) => `http://127.0.0.1:${port}`);
    },
    async kill(history) {
      let tell;
      gate.isUp = new Promise((restarted) => {
        tell = restarted;
      });
      history.write('killed');
      await workerd.kill9();
      await appendFile(log, workerd.log);
      await workerd.restart();
      await warmUp(gate);
      history.write('restarted');
      tell();
    },
    async stop() {
      await appendFile(log, workerd.log);
      await workerd.stop();
    },
  };
  await warmUp(gate);
  return gate;
}

/** A program that has just started is slow, and a run would test little else. Ends when the gate is quick, or too long is not. */
async function warmUp({ urls }) {
  for (let round = 0; round < WARMING_ROUNDS; round += 1) {
    const begun = performance.now();
    const headers = () => ({ authorization: 'Bearer nobody', 'idempotency-key': randomUUID() });
    const ask = async (url) => (await fetch(`${url}${PATH}`, { method: 'POST', headers: headers(), body: '' })).text();
    await Promise.all([...urls, ...urls].map(ask));
    if (performance.now() - begun < QUICK_MS) return;
  }
}
