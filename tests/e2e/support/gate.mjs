// The gate under test: `cargo xtask dev`, which runs the built Worker in local workerd with its ledgers on disk.

import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import { open, send, sendRaw } from './http.mjs';
import { startOrigin } from './origin.mjs';
import { Child, descendants, programOf } from './processes.mjs';
import { routesToml } from './toml.mjs';

const ROOT = join(import.meta.dirname, '../../..');
const XTASK = process.env.ONCEGATE_XTASK ?? join(ROOT, 'target/debug/xtask');
const READY = /^oncegate ready on (http:\/\/127\.0\.0\.1:(\d+))$/m;
const START_SECONDS = 180; // the first start may have to build the Worker

/** Runs a command of `cargo xtask`. */
export function xtask(...words) {
  return new Child(`xtask ${words.join(' ')}`, XTASK, words, { cwd: ROOT });
}

/** Runs `cargo xtask dev` with these arguments: a gate. */
export const dev = (...args) => xtask('dev', ...args);

const folders = [];
process.on('exit', () => folders.forEach(remove));

/** A folder that is gone when `forget` was called, at the latest when the tests end. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'oncegate-test-'));
  folders.push(path);
  return { path, forget: () => remove(path) };
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

/**
 * Starts a gate and waits until it is ready.
 *
 * `routes` are objects with the fields of the configuration, or the text of a TOML file; `vars` go to `--var`. Its
 * ledgers lie in a folder of their own. `restart` starts it again on that folder, in place.
 */
export async function startGate({ origin, routes, vars = {} }) {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'routes.toml');
  const configure = (changed) => writeFile(file, typeof changed === 'string' ? changed : routesToml(changed));
  await configure(routes);
  const state = join(folder.path, 'state');
  const args = ['--port', '0', '--origin', origin.url, '--routes', file, '--state', state];
  let variables = vars;

  const gate = {
    /** Where its ledgers lie. */
    state,

    /** Restarts it with other routes and variables, as a deployment would. */
    async redeploy(changed, changedVars = variables) {
      await gate.child.stop('SIGINT');
      await configure(changed);
      variables = changedVars;
      await gate.restart();
    },

    async restart() {
      const set = Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}=${value}`]);
      gate.child = dev(...args, ...set);
      const [, url, port] = await gate.child.says(READY, START_SECONDS);
      Object.assign(gate, { url, port: Number(port) });
    },

    /** The polite end, as by Ctrl-C. */
    async stop() {
      await gate.child.stop('SIGINT');
      folder.forget();
    },

    /** The end by surprise: workerd first, then whatever would clean up after it. */
    async kill9() {
      const workerds = descendants(gate.child.pid).filter((pid) => programOf(pid) === 'workerd');
      if (workerds.length === 0) throw new Error('there is no workerd below the gate');
      await gate.child.kill9((pid) => workerds.includes(pid));
    },

    open: (method, path, options) => open(gate.url, method, path, options),
    send: (method, path, options) => send(gate.url, method, path, options),
    sendRaw: (bytes) => sendRaw(gate.url, bytes),
    post: (path, options) => send(gate.url, 'POST', path, options),
    get log() {
      return gate.child.output;
    },
  };
  try {
    await gate.restart();
  } catch (error) {
    folder.forget();
    throw error;
  }
  return gate;
}

/** The example origin and a gate in front of it, for all tests of a file. */
export async function serve(routes, options = {}) {
  const origin = await startOrigin();
  const gate = await startGate({ origin, routes, ...options });
  after(async () => {
    await gate.stop();
    await origin.stop();
  });
  return { gate, origin };
}
