// profile.mjs SUBJECT LOAD: where a subject's CPU time goes under a load of `plan.mjs`, as `perf` sees it; for example `c replay`.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Child } from '../tests/e2e/support/processes.mjs';
import { measure } from './load.mjs';
import { startOrigin } from './origin.mjs';
import { LOADS } from './plan.mjs';
import { SUBJECTS } from './subjects.mjs';

/** What a sample is counted as: the first of these that a function of its stack matches. */
const GROUPS = [
  ['collecting garbage', /CollectGarbage|MinorGC|Scaveng|Sweeper|MarkCompact|ConcurrentMarking/],
  ['compiling and optimising code', /OptimizingCompile|ExecuteCompilationUnits|CompileLazy|TieringManager|turboshaft/],
  ['SQLite', /sqlite3|SqliteDatabase|ActorSqlite/],
  ['the kernel: sockets and files', /do_syscall_64|asm_exc_|asm_sysvec/],
];
const OWN = 'code of the Worker itself, JavaScript and Wasm';
const OBJECTS = 'objects and promises between JavaScript and the platform';
const REST = 'the rest of the platform: HTTP, streams, locks, timers';

const [letter, name] = process.argv.slice(2);
const load = LOADS[letter]?.find((load) => load.name === name);
if (!load) throw new Error(`there is no load ${name} of ${letter}; loads are ${JSON.stringify(LOADS)}`);

process.env.BENCH_V8_FLAGS = '--perf-basic-prof --interpreted-frames-native-stack';
const folder = await mkdtemp('/dev/shm/oncegate-profile-');
const origin = await startOrigin(join(folder, 'origin'));
const subject = { ...(await SUBJECTS[letter].start({ origin, folder: join(folder, 'subject') })), name: letter };
try {
  // What is to be known has been done before.
  const preparing = LOADS[letter].filter(({ name, path }) => name.startsWith('first') && path === load.path);
  for (const before of [...preparing, load, load]) await measure(subject, before, { run: 'run', seconds: 3 }).catch(() => {});
  const data = join(folder, 'perf.data');
  const perf = new Child('perf', 'perf', ['record', '-e', 'cpu-clock', '-F', '1999', '-g', '-p', `${subject.pids[0]}`, '-o', data]);
  const { cpu, requests } = await measure(subject, load, { run: load.keys === 'fresh' ? 'profile' : 'run', seconds: 5 });
  await perf.stop('SIGINT');
  const { stdout } = await promisify(execFile)('perf', ['script', '-i', data], { maxBuffer: 2 ** 31 });
  print(share(stdout.split('\n\n').map(functions)), cpu, requests);
} finally {
  await subject.stop();
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}

/** The functions of a sample, the innermost first. */
function functions(sample) {
  return [...sample.matchAll(/^\s+[0-9a-f]+ (.*) \([^)]*\)$/gm)].map(([, name]) => name.replace(/\+0x[0-9a-f]+$/, ''));
}

function group(stack) {
  const found = GROUPS.find(([, pattern]) => stack.some((name) => pattern.test(name)));
  if (found) return found[0];
  if (/^(JS:|Builtins_|Stub:)/.test(stack[0])) return OWN;
  return stack.slice(0, 6).some((name) => /^v8::|jsg::|cppgc|Wrappable/.test(name)) ? OBJECTS : REST;
}

/** Which part of all samples is of each group. */
function share(stacks) {
  const samples = stacks.filter((stack) => stack.length > 0);
  const counted = Object.groupBy(samples, group);
  return Object.entries(counted).map(([name, { length }]) => [name, length / samples.length]);
}

function print(shares, cpu, requests) {
  console.log(`${letter}, ${name}: ${Math.round(cpu)} µs of CPU per request, of ${requests} requests, with the profiler on\n`);
  console.log('| | % | µs |\n| --- | --- | --- |');
  for (const [name, part] of shares.sort(([, a], [, b]) => b - a)) {
    console.log(`| ${name} | ${(100 * part).toFixed(1)} | ${Math.round(part * cpu)} |`);
  }
}
