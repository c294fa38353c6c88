// What kept records take: of workerd's memory, by a ledger of few and one of many after the same requests, and of storage.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { bytesPerRecord, startFilled } from './filled.mjs';
import { payUnderKeys } from './keys.mjs';
import { RECORDS } from './plan.mjs';
import { spread } from './statistics.mjs';
import { peakMebibytes } from './usage.mjs';

const STARTS = 3;
/** Each touches some pages of the ledger's file, anywhere in it: together more than storage keeps in memory. */
const REQUESTS = 1500;

/** Measures, and gives each figure by its name. */
export async function measureGrowth({ origin, folder, kept }) {
  const { few, many } = RECORDS;
  const growths = [];
  for (let start = 1; start <= STARTS; start += 1) {
    const peak = (records) => peakOf(records, { origin, folder: join(folder, `${start}-${records}`), kept });
    const [low, high] = [await peak(few), await peak(many)];
    growths.push(((high - low) / (many - few)) * 100_000);
  }
  const bytes = await bytesPerRecord(RECORDS, { origin, kept });
  return [
    { name: 'memory per 100,000 records kept, MiB', ...spread(growths) },
    { name: 'storage per record kept, bytes', ...spread([bytes]) },
  ];
}

async function peakOf(records, { origin, folder, kept }) {
  const gate = await startFilled(records, { origin, folder, kept });
  try {
    await payUnderKeys(gate.url, REQUESTS, 'created');
    return peakMebibytes(gate.pids);
  } finally {
    await gate.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
