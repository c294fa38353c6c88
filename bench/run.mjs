// The rounds: in each, every subject is started anew, warmed up, and sent its loads. Subjects that are compared with each other are there at
// the same time, and take turns.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { measure } from './load.mjs';
import { LOADS, SIDE_BY_SIDE, warmUp } from './plan.mjs';
import { together } from './statistics.mjs';
import { SUBJECTS } from './subjects.mjs';
import { peakMebibytes } from './usage.mjs';

/** Runs so many rounds of these subjects, each load for so many seconds, and tells `progress` of each. */
export async function runRounds({ letters, rounds, seconds, origin, folder, progress }) {
  const compared = SIDE_BY_SIDE.map((group) => group.filter((letter) => letters.includes(letter)));
  const alone = letters.filter((letter) => !SIDE_BY_SIDE.flat().includes(letter)).map((letter) => [letter]);
  const groups = [...compared, ...alone].filter((group) => group.length > 0);
  const all = [];
  for (let round = 1; round <= rounds; round += 1) {
    const figures = {};
    for (const group of groups) {
      const place = join(folder, `${group.join('')}-${round}`);
      const tell = (text) => progress(`${round}/${rounds} ${text}`);
      Object.assign(figures, await runGroup(group, { origin, folder: place, kept: folder, seconds, progress: tell }));
      await rm(place, { recursive: true, force: true });
    }
    all.push(figures);
  }
  return all;
}

const WARM_UP = 'warm-up';

async function runGroup(letters, { origin, folder, kept, seconds, progress }) {
  const subjects = [];
  try {
    for (const letter of letters) {
      const { name, start } = SUBJECTS[letter];
      subjects.push({ ...(await start({ origin, folder: join(folder, letter), kept })), letter, name, loads: {} });
    }
    for (const subject of subjects) {
      for (const load of warmUp(subject.letter)) await measure(subject, load, { run: WARM_UP, seconds: 2 * seconds });
    }
    const loads = new Set(letters.flatMap((letter) => LOADS[letter]));
    for (const load of loads) {
      const some = subjects.filter(({ letter }) => LOADS[letter].includes(load));
      await runLoad(some, load, { origin, seconds, progress });
    }
    return Object.fromEntries(subjects.map(({ letter, loads, pids }) => [letter, { loads, peakMebibytes: peakMebibytes(pids) }]));
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}

/** Sends a load: to one subject without a break, to several for a second each in turn, so that they have the same machine. */
async function runLoad(subjects, load, { origin, seconds, progress }) {
  const [turns, length] = subjects.length > 1 ? [seconds, 1] : [1, seconds];
  const parts = subjects.map(() => []);
  for (let turn = 1; turn <= turns; turn += 1) {
    const order = [...subjects.entries()];
    for (const [index, subject] of turn % 2 === 1 ? order : order.reverse()) {
      const run = runOf(load, turn);
      if (load.isHeld) await hold(subject, load);
      if (load.isPrepared) await measure(subject, load, { run, seconds: 2 });
      parts[index].push(await measure(subject, load, { run, seconds: length }));
      // Or the subject would wait for it before it stops, even if the client hung up.
      if (load.isHeld) origin.release();
    }
  }
  for (const [index, { name, loads }] of subjects.entries()) {
    loads[load.name] = together(parts[index]);
    const { cpu, perSecond } = loads[load.name];
    progress(`${name}, ${load.name}: ${Math.round(cpu)} µs of CPU, ${Math.round(perSecond)} requests/s`);
  }
}

/** Which keys a turn has: others than all before, or where they are to be known those of the warm-up. */
function runOf({ run, keys, isHeld = false }, turn) {
  if (keys === 'known' && run === undefined && !isHeld) return WARM_UP;
  return `${run ?? 'run'}${turn > 1 ? turn : ''}`;
}

/** Sends the one request that all others of this load are duplicates of, and that is not answered while they come. */
async function hold(subject, { path }) {
  const headers = { authorization: 'Bearer alice', 'idempotency-key': '"run-00000000"', 'content-type': 'application/json' };
  fetch(subject.url + path, { method: 'POST', headers, body: '{"amount":1099,"pad":"xxxxxx"}' }).catch(() => {});
  await sleep(500);
}
