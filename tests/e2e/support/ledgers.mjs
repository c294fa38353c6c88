// The files in which a gate's ledgers lie.

import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes every ledger of a stopped gate unreadable, and gives a function that mends them. */
export async function breakLedgers(gate) {
  const kept = new Map();
  for (const name of await readdir(gate.state, { recursive: true })) {
    if (!name.endsWith('.sqlite') || name.endsWith('metadata.sqlite')) continue; // workerd's own is not a ledger
    const file = join(gate.state, name);
    kept.set(file, await readFile(file));
    await writeFile(file, Buffer.alloc(kept.get(file).length, 'this is no database '));
  }
  assert.ok(kept.size > 0, 'there is no ledger on disk');
  return async () => {
    for (const [file, bytes] of kept) await writeFile(file, bytes);
  };
}
