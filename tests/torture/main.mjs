// main.mjs --keys N --retries M --minutes T [--seed S] [--broken WHAT]: `cargo xtask torture`, which says what they mean.

import { parseArgs } from 'node:util';

import { showNoChildren } from '../e2e/support/processes.mjs';
import { report } from './report.mjs';
import { forget, torture } from './run.mjs';

const names = ['keys', 'retries', 'minutes', 'seed', 'broken'];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
const { broken } = values;
const [keys, retries, minutes, seed] = names.slice(0, 4).map((name) => Number(values[name]));

showNoChildren(); // what the gate wrote is beside the history
console.log(`torture of the ${broken ? `gate with a broken ${broken}` : 'shipped gate'}, seed ${seed}`);
const run = await torture({ keys, retries, minutes, seed, broken });
console.log(report(run).join('\n'));
if (run.verdict === 'kept') await forget(run);
else process.exitCode = 1;
