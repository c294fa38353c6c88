// How long it takes until there is a first answer: of the gate, beside a Worker that has nothing to start.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { send } from '../tests/e2e/support/http.mjs';
import { builtWorker } from '../tests/e2e/support/workerd.mjs';
import { spread } from './statistics.mjs';
import { SUBJECTS } from './subjects.mjs';
import { fineCpuMicroseconds } from './usage.mjs';

const STARTS = 9;

/** Measures how much more CPU and time the gate takes to start than the pass-through Worker, and gives each with its target. */
export async function measureStartup({ origin, folder }) {
  await startOnce('c', { origin, folder: join(folder, 'c-0') }); // reads the programs from disk
  const more = [];
  for (let start = 1; start <= STARTS; start += 1) {
    const [floor, gate] = [
      await startOnce('a', { origin, folder: join(folder, `a-${start}`) }),
      await startOnce('c', { origin, folder: join(folder, `c-${start}`) }),
    ];
    more.push({ cpu: gate.cpu - floor.cpu, time: gate.time - floor.time });
  }
  const wasm = readFileSync((await builtWorker()).find((file) => file.endsWith('.wasm')));
  const inNode = Array.from({ length: STARTS }, (_, start) => instantiate(wasm, start));
  return [
    { name: 'start-up: CPU to the first answer, beyond a, ms', ...spread(more.map(({ cpu }) => cpu)), most: 50 },
    { name: 'start-up: time to the first answer, beyond a, ms', ...spread(more.map(({ time }) => time)), most: 50 },
    { name: 'start-up: compiling the Wasm and an instance of it, in Node, ms', ...spread(inNode), most: 50 },
  ];
}

/** From the process's first moment to its first answer, in milliseconds. */
async function startOnce(letter, { origin, folder }) {
  const subject = await SUBJECTS[letter].start({ origin, folder });
  try {
    const reply = await send(subject.url, 'POST', '/v1/events', { json: { amount: 1099 } });
    const time = performance.now() - subject.startedAt;
    if (reply.status !== 201) throw new Error(`${letter} answers first with ${reply.status}: ${reply.text}`);
    return { time, cpu: fineCpuMicroseconds(subject.pids[0]) / 1000 };
  } finally {
    await subject.stop();
  }
}

/** Compiles the Wasm and makes an instance of it, in milliseconds. What it imports it does not use yet. */
function instantiate(wasm, start) {
  // V8 has what it has compiled before. A custom section with a name makes it another module, of the same code.
  const bytes = Buffer.concat([wasm, Buffer.from([0, 2, 1, start])]);
  const before = performance.now();
  const module = new WebAssembly.Module(bytes);
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === 'tag' ? WebAssembly.JSTag : () => {};
  }
  new WebAssembly.Instance(module, imports);
  return performance.now() - before;
}
