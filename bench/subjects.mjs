// What is measured, each as it is started: the floors, Oncegate, and what people would take instead.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from '../tests/e2e/support/port.mjs';
import { Child } from '../tests/e2e/support/processes.mjs';
import { until } from '../tests/e2e/support/until.mjs';
import { builtWorker } from '../tests/e2e/support/workerd.mjs';
import { startFilled } from './filled.mjs';
import { RECORDS } from './plan.mjs';
import { startWorkerd } from './workerd.mjs';

const ROOT = join(import.meta.dirname, '..');
const worker = (name) => join(import.meta.dirname, 'workers', name);

/** Oncegate's routes: as little is said as can be. No other subject writes a log. */
const ROUTES = [
  { name: 'payments', path: '/v1/payments', scope: ['header:Authorization'] },
  { name: 'remembered', path: '/v1/remembered', scope: ['header:Authorization'], replay_cache: '5m' },
  { name: 'large', path: '/v1/large/{size}', scope: ['header:Authorization'] },
  { name: 'slow', path: '/v1/slow', scope: ['header:Authorization'], on_duplicate: 'wait', wait: '10s' },
  { name: 'held', path: '/v1/held', scope: ['header:Authorization'], timeout: '5m' },
].map((route) => ({ ...route, log: 0 }));

/** A ledger by hand, in front of `origin`. */
const byHand = (letter, file) => ({ origin, folder }) =>
  startWorkerd({ name: letter, modules: [worker(file)], bindings: { ORIGIN: origin.url }, hasLedger: true, folder });

/**
 * Each starts a subject in front of `origin`, with a folder of its own and one that is `kept` from round to round, and gives where it
 * listens and the processes it takes.
 */
export const SUBJECTS = {
  a: {
    name: 'pass-through Worker',
    start: ({ origin, folder }) =>
      startWorkerd({ name: 'a', modules: [worker('pass-through.js')], bindings: { ORIGIN: origin.url }, folder }),
  },
  b: { name: 'smallest ledger by hand', start: byHand('b', 'smallest-ledger.js') },
  c: {
    name: 'Oncegate',
    async start({ origin, folder }) {
      return startWorkerd({
        name: 'c',
        modules: await builtWorker(),
        bindings: { ORIGIN: origin.url, ROUTES },
        hasLedger: true,
        folder,
      });
    },
  },
  d: {
    name: '@node-idempotency/core, Redis',
    async start({ origin, folder }) {
      await mkdir(folder, { recursive: true });
      const socket = join(folder, 'redis.sock');
      // As it comes: what it is told is durable within a second, if nobody pulls the plug.
      const redis = new Child('redis', 'redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder]);
      await redis.says(/ready to accept connections/i, 10);
      const program = join(import.meta.dirname, 'node-idempotency.mjs');
      const proxy = new Child('d', process.execPath, [program, origin.url, socket]);
      const [, url] = await proxy.says(/^ready on (\S+)$/m, 10);
      return { url, pids: [proxy.pid, redis.pid], stop: () => Promise.all([proxy.stop(), redis.stop()]) };
    },
  },
  e: {
    name: 'idempotent-proxy-server, in memory',
    async start({ origin, folder }) {
      await mkdir(folder, { recursive: true });
      const port = await freePort();
      const settings = { SERVER_ADDR: `127.0.0.1:${port}`, URL_ORIGIN: `${origin.url}/v1/payments`, LOG_LEVEL: 'error' };
      const lines = Object.entries(settings).map(([name, value]) => `${name}="${value}"\n`);
      await writeFile(join(folder, '.env'), lines.join(''));
      const child = new Child('e', join(ROOT, 'target/tools/bin/idempotent-proxy-server'), [], { cwd: folder });
      const url = `http://127.0.0.1:${port}`;
      await until('it listens', () => fetch(url).catch(() => child.end && Promise.reject(new Error(child.output))));
      return { url, pids: [child.pid], path: '/URL_ORIGIN', stop: () => child.stop() };
    },
  },
  f: { name: `Oncegate, ${RECORDS.few.toLocaleString('en')} records`, start: (where) => startFilled(RECORDS.few, where) },
  g: { name: `Oncegate, ${RECORDS.many.toLocaleString('en')} records`, start: (where) => startFilled(RECORDS.many, where) },
  h: { name: 'platform calls of a gate', start: byHand('h', 'platform-calls.js') },
};
