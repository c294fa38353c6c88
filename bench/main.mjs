// main.mjs --rounds N --seconds S --storage tmpfs|disk --subjects abcde --into FOLDER: one part of `cargo xtask bench`, which says
// what they mean.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { showNoChildren } from '../tests/e2e/support/processes.mjs';
import { count } from './counts.mjs';
import { measureGrowth } from './growth.mjs';
import { startOrigin } from './origin.mjs';
import { casesTable, countsTable, memoryTable, plot, startsTable, targetsTable } from './report.mjs';
import { runRounds } from './run.mjs';
import { measureStartup } from './startup.mjs';

const names = ['rounds', 'seconds', 'storage', 'subjects', 'into'];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
const { storage, into } = values;
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const letters = [...values.subjects];
const has = (...some) => some.every((letter) => letters.includes(letter));

showNoChildren();
await mkdir(into, { recursive: true });
const folder = await mkdtemp(storage === 'tmpfs' ? '/dev/shm/oncegate-bench-' : join(into, '.state-'));
const origin = await startOrigin(join(folder, 'origin'));
const progress = (text) => process.stderr.write(`${text}\n`);
const run = { storage, seconds, cores: cpus().length, processor: cpus()[0].model };
try {
  run.starts = [];
  const measureAll = async () => {
    run.rounds = await runRounds({ letters, rounds, seconds, origin, folder, progress });
    if (has('a', 'c')) {
      progress('starting, again and again');
      run.starts.push(...(await measureStartup({ origin, folder: join(folder, 'startup') })));
    }
    if (has('f', 'g')) {
      progress('measuring what records take of memory and storage');
      run.starts.push(...(await measureGrowth({ origin, folder: join(folder, 'growth'), kept: folder })));
    }
  };
  if (has('c')) {
    progress('counting calls and rows');
    run.counts = await count({ origin, folder: join(folder, 'counts'), meanwhile: measureAll });
  } else {
    await measureAll();
  }
} finally {
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}

run.minutes = performance.now() / 60_000;
const heading = `${rounds} rounds of ${seconds} s each, objects on ${storage}, ${run.cores} cores (${run.processor})`;
const tables = [heading, casesTable(run), targetsTable(run), memoryTable(run)];
if (run.starts.length > 0) tables.push(startsTable(run.starts));
if (run.counts) tables.push(countsTable(run.counts));
tables.push(`It took ${run.minutes.toFixed(1)} minutes.`);
const text = `${tables.join('\n\n')}\n`;
await writeFile(join(into, `${storage}.json`), `${JSON.stringify(run, null, 1)}\n`);
await writeFile(join(into, `${storage}.md`), text);
await writeFile(join(into, `${storage}.svg`), plot(run));
console.log(text);
const missed = (run.counts ?? []).filter(({ value, most }) => value > most);
for (const { name, value, most } of missed) console.error(`missed: ${name} is ${value}, and at most ${most} was aimed at`);
process.exitCode = missed.length > 0 ? 1 : 0;
