// main.mjs --rounds N --seconds S --storage tmpfs|disk --subjects abcde --into FOLDER: one part of `cargo xtask bench`, which says
// what they mean.

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { showNoChildren } from '../tests/e2e/support/processes.mjs';
import { count } from './counts.mjs';
import { startOrigin } from './origin.mjs';
import { casesTable, countsTable, memoryTable, plot, targetsTable } from './report.mjs';
import { runRounds } from './run.mjs';

const names = ['rounds', 'seconds', 'storage', 'subjects', 'into'];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
const { storage, into } = values;
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const letters = [...values.subjects];

showNoChildren();
await mkdir(into, { recursive: true });
const folder = await mkdtemp(storage === 'tmpfs' ? '/dev/shm/oncegate-bench-' : join(into, '.state-'));
await chmod(folder, 0o755); // nginx gives up root's rights
const origin = await startOrigin(join(folder, 'origin'));
const progress = (text) => process.stderr.write(`${text}\n`);
const run = { storage, seconds, cores: cpus().length, processor: cpus()[0].model };
try {
  run.rounds = await runRounds({ letters, rounds, seconds, origin, folder, progress });
  if (letters.includes('c')) {
    progress('counting calls and rows (a minute)');
    run.counts = await count({ origin, folder: join(folder, 'counts') });
  }
} finally {
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}

const heading = `${rounds} rounds of ${seconds} s each, objects on ${storage}, ${run.cores} cores (${run.processor})`;
const tables = [heading, casesTable(run), targetsTable(run), memoryTable(run), run.counts && countsTable(run.counts)];
const text = `${tables.filter(Boolean).join('\n\n')}\n`;
await writeFile(join(into, `${storage}.json`), `${JSON.stringify(run, null, 1)}\n`);
await writeFile(join(into, `${storage}.md`), text);
await writeFile(join(into, `${storage}.svg`), plot(run));
console.log(text);
const missed = (run.counts ?? []).filter(({ value, most }) => value > most);
for (const { name, value, most } of missed) console.error(`missed: ${name} is ${value}, and at most ${most} was aimed at`);
process.exitCode = missed.length > 0 ? 1 : 0;
