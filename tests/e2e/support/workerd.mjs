// A workerd with two gates in front of the same ledgers, as every machine at the edge is a gate; and where a test wants it,
// with a Worker of the test's own, which calls the first gate through its binding GATE.
//
// The ledgers are the shipped ones, in a wrapper that breaks nothing until a test says so (see `faulty-ledger.js`), or in
// another one of the test's, or in none.

import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

import { temporaryFolder } from './gate.mjs';
import { Child } from './processes.mjs';

const ROOT = join(import.meta.dirname, '../../..');
const FAULTY_LEDGER = [join(import.meta.dirname, 'faulty-ledger.js')];
const listening = (socket) => new RegExp(`{"event":"listen","socket":"${socket}","port":(\\d+)}`);

/** A caller that hangs up after so many milliseconds where it is told to. */
export const IMPATIENT_CALLER = `export default {
  async fetch(request, env) {
    const patience = request.headers.get('x-patience');
    const signal = patience ? AbortSignal.timeout(Number(patience)) : undefined;
    try {
      return await env.GATE.fetch(request, { signal });
    } catch (error) {
      return new Response(error.name, { status: 499 });
    }
  },
};`;

/**
 * Starts it, with its ledgers in a folder that goes with it. `caller` is the source of a Worker that gets the first gate's
 * requests in its place, `service` that of one that is bound to the gates as their origin. With `adminToken` the gates have an
 * operator. `wrapper` has the files of what is around the Worker, the main module first. Gives the two ports, the address of the
 * first, and `tell(ledger, orders)`, to which only the usual wrapper listens. `restart` starts it again on the same ledgers, in
 * place: its ports are others then, and nothing that a test has told is still in force.
 */
export async function startWorkerd({ origin, routes, caller, service, adminToken, wrapper = FAULTY_LEDGER }) {
  const folder = await temporaryFolder();
  const built = await builtWorker();
  const state = join(folder.path, 'state');
  await mkdir(state);
  await writeFile(join(folder.path, 'caller.js'), caller ?? '');
  await writeFile(join(folder.path, 'service.js'), service ?? '');
  const around = wrapper.length > 0 ? [...wrapper, join(import.meta.dirname, 'sent.js')] : [];
  for (const file of [...built, ...around, join(import.meta.dirname, 'control.js')]) {
    await copyFile(file, join(folder.path, basename(file)));
  }
  const modules = [...around, ...built].map((file) => basename(file));
  const settings = { modules, origin, routes, state, caller, service, adminToken };
  await writeFile(join(folder.path, 'config.capnp'), config(settings));

  const gates = {
    /** Where the ledgers lie. */
    state,

    async restart() {
      const args = ['serve', '--experimental', '--control-fd=1', 'config.capnp'];
      gates.child = new Child('workerd', program(), args, { cwd: folder.path });
      gates.ports = [];
      for (const socket of ['first', 'second', 'control']) {
        gates.ports.push(Number((await gates.child.says(listening(socket), 30))[1]));
      }
      gates.url = `http://127.0.0.1:${gates.ports[0]}`;
    },

    /** The end by surprise. */
    kill9: () => gates.child.kill9(),

    async stop() {
      await gates.child.stop();
      await folder.forget();
    },

    async tell(ledger, orders) {
      const control = `http://127.0.0.1:${gates.ports[2]}/${encodeURIComponent(ledger)}`;
      const { failed, rows } = await (await fetch(control, { method: 'POST', body: JSON.stringify(orders) })).json();
      if (failed && !orders.abort) throw new Error(`${ledger} could not ${JSON.stringify(orders)}: ${failed}`);
      return rows;
    },

    get log() {
      return gates.child.output;
    },
  };
  await gates.restart();
  return gates;
}

/** The files of the built Worker, the one that begins first. */
export async function builtWorker() {
  const names = (await readdir(join(ROOT, 'build'))).filter((name) => /\.(js|wasm)$/.test(name));
  return names.sort().map((name) => join(ROOT, 'build', name));
}

/** workerd's own program, wherever npm has put the package for this machine. */
export function program() {
  const architecture = { x64: '64', arm64: 'arm64' }[process.arch];
  const name = `@cloudflare/workerd-${process.platform}-${architecture}/bin/workerd`;
  return createRequire(join(ROOT, 'package.json')).resolve(name);
}

function config({ modules, origin, routes, state, caller, service, adminToken }) {
  const embedded = modules.map((name) => {
    return `(name = "${name}", ${name.endsWith('.wasm') ? 'wasm' : 'esModule'} = embed "${name}")`;
  });
  const text = JSON.stringify; // a string is written alike in JSON and in Cap'n Proto's text form, as far as it goes here
  const gate = (ledger, storage = '') => `(
  compatibilityDate = "2026-11-17",
  compatibilityFlags = ["experimental"],
  modules = [${embedded.join(', ')}],
  bindings = [
    (name = "ORIGIN", text = ${text(origin.url)}),
    (name = "ROUTES", json = ${text(JSON.stringify(routes))}),
    (name = "LEDGER", durableObjectNamespace = ${ledger}),
    ${adminToken ? `(name = "ADMIN_TOKEN", text = ${text(adminToken)}),` : ''}
    ${service ? '(name = "ORIGIN_SERVICE", service = "service"),' : ''}
  ],
  ${storage}
  globalOutbound = "internet",
)`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "caller", worker = .caller),
    (name = "service", worker = .service),
    (name = "gate", worker = .gate),
    (name = "twin", worker = .twin),
    (name = "control", worker = .control),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "state", disk = (path = ${text(state)}, writable = true)),
  ],
  sockets = [
    (name = "first", address = "127.0.0.1:0", http = (), service = "${caller ? 'caller' : 'gate'}"),
    (name = "second", address = "127.0.0.1:0", http = (), service = "twin"),
    (name = "control", address = "127.0.0.1:0", http = (), service = "control"),
  ],
);
const caller :Workerd.Worker = (
  compatibilityDate = "2026-11-17",
  modules = [(name = "caller.js", esModule = embed "caller.js")],
  bindings = [(name = "GATE", service = "gate")],
);
const service :Workerd.Worker = (
  compatibilityDate = "2026-11-17",
  modules = [(name = "service.js", esModule = embed "service.js")],
);
const control :Workerd.Worker = (
  compatibilityDate = "2026-11-17",
  modules = [(name = "control.js", esModule = embed "control.js")],
  bindings = [(name = "LEDGER", durableObjectNamespace = (className = "Ledger", serviceName = "gate"))],
);
const gate :Workerd.Worker = ${gate(
    '"Ledger"',
    `durableObjectNamespaces = [(className = "Ledger", uniqueKey = "ledger", enableSql = true)],
  durableObjectStorage = (localDisk = "state"),`,
  )};
const twin :Workerd.Worker = ${gate('(className = "Ledger", serviceName = "gate")')};
`;
}
