// A Worker in `workerd serve`, alone: no proxy of a development server before it, its objects where the bench wants them.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { Child } from '../tests/e2e/support/processes.mjs';
import { program } from '../tests/e2e/support/workerd.mjs';

const LISTENING = /{"event":"listen","socket":"http","port":(\d+)}/;

/**
 * Starts it. `modules` are files, the first of which begins; `bindings` are texts and values by their names; where `hasLedger`
 * says so it has a namespace of objects of its class `Ledger`, in `folder`.
 */
export async function startWorkerd({ name, modules, bindings, hasLedger, folder }) {
  await mkdir(join(folder, 'state'), { recursive: true });
  for (const file of modules) await copyFile(file, join(folder, basename(file)));
  const config = join(folder, 'config.capnp');
  await writeFile(config, configuration({ modules, bindings, hasLedger, state: join(folder, 'state') }));
  const args = ['serve', '--experimental', '--control-fd=1', config];
  const startedAt = performance.now();
  const child = new Child(name, program(), args);
  const [, port] = await child.says(LISTENING, 30, 1);
  return { url: `http://127.0.0.1:${port}`, pids: [child.pid], startedAt, log: () => child.output, stop: () => child.stop() };
}

const text = JSON.stringify; // a string is written alike in JSON and in Cap'n Proto's text form, as far as it goes here

function configuration({ modules, bindings, hasLedger, state }) {
  const embedded = modules.map((file) => {
    const name = text(basename(file)); // beside the configuration
    return `(name = ${name}, ${file.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed ${name})`;
  });
  const bound = Object.entries(bindings).map(([name, value]) => {
    return typeof value === 'string'
      ? `(name = ${text(name)}, text = ${text(value)})`
      : `(name = ${text(name)}, json = ${text(JSON.stringify(value))})`;
  });
  if (hasLedger) bound.push('(name = "LEDGER", durableObjectNamespace = "Ledger")');
  const ledger = `durableObjectNamespaces = [(className = "Ledger", uniqueKey = "ledger", enableSql = true)],
  durableObjectStorage = (localDisk = "state"),`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "state", disk = (path = ${text(state)}, writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
  v8Flags = ${text(v8Flags())},
);
const worker :Workerd.Worker = (
  compatibilityDate = "2026-11-17",
  modules = [${embedded.join(', ')}],
  bindings = [${bound.join(', ')}],
  ${hasLedger ? ledger : ''}
  globalOutbound = "internet",
);
`;
}

/** For a profile: BENCH_V8_FLAGS="--perf-basic-prof" gives perf the names of JavaScript's and Wasm's functions. */
function v8Flags() {
  return (process.env.BENCH_V8_FLAGS ?? '').split(' ').filter(Boolean);
}
