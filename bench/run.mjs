// The rounds: in each, every subject is started anew, warmed up, and sent its loads, one subject after the other.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { measure } from './load.mjs';
import { LOADS, warmUp } from './plan.mjs';
import { SUBJECTS } from './subjects.mjs';
import { cpuMicroseconds, peakMebibytes } from './usage.mjs';

/** Runs so many rounds of these subjects, each load for so many seconds, and tells `progress` of each. */
export async function runRounds({ letters, rounds, seconds, origin, folder, progress }) {
  const all = [];
  for (let round = 1; round <= rounds; round += 1) {
    const figures = {};
    for (const letter of letters) {
      const place = join(folder, `${letter}-${round}`);
      figures[letter] = await runSubject(letter, { origin, folder: place, seconds, progress: (text) => progress(`${round}/${rounds} ${text}`) });
      await rm(place, { recursive: true, force: true });
    }
    all.push(figures);
  }
  return all;
}

async function runSubject(letter, { origin, folder, seconds, progress }) {
  const { name } = SUBJECTS[letter];
  const subject = { ...(await SUBJECTS[letter].start({ origin, folder })), name };
  try {
    const loads = {};
    for (const load of warmUp(letter)) await measure(subject, load, { run: 'warm-up', seconds: 2 });
    for (const load of LOADS[letter]) {
      if (load.isHeld) await hold(subject, load);
      if (load.isPrepared) await measure(subject, load, { run: 'run', seconds: 2 });
      loads[load.name] = await measure(subject, load, { run: load.run ?? 'run', seconds });
      const { cpu, perSecond } = loads[load.name];
      progress(`${name}, ${load.name}: ${Math.round(cpu)} µs of CPU, ${Math.round(perSecond)} requests/s`);
    }
    return { loads, peakMebibytes: peakMebibytes(subject.pids) };
  } finally {
    await subject.stop();
  }
}

/** Sends the one request that all others of this load are duplicates of, and that is never answered. */
async function hold(subject, { path }) {
  const headers = { authorization: 'Bearer alice', 'idempotency-key': '"run-00000000"', 'content-type': 'application/json' };
  fetch(subject.url + path, { method: 'POST', headers, body: '{"amount":1099,"pad":"xxxxxx"}' }).catch(() => {});
  await sleep(500);
}
