// The files in which a gate's ledgers lie.

import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Whether these bytes are anywhere in what a gate has on disk. */
export async function isOnDisk(gate, bytes) {
  let read = 0;
  for (const name of await readdir(gate.state, { recursive: true })) {
    const file = join(gate.state, name);
    if (!(await stat(file)).isFile()) continue;
    const content = await readFile(file);
    read += content.length;
    if (content.includes(bytes)) return true;
  }
  assert.ok(read > 0, 'there is nothing on disk');
  return false;
}

/**
 * Changes the stored bodies of a stopped gate. `change` takes them all, each with its `bytes`, and changes these in place or
 * puts others in their place.
 */
export async function changeBodies(gate, change) {
  const databases = (await ledgerFiles(gate)).map((file) => new DatabaseSync(file));
  const bodies = databases.flatMap(bodiesIn);
  change(bodies);
  for (const { bytes, put } of bodies) put(bytes);
  for (const database of databases) database.close();
}

function bodiesIn(database) {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE name GLOB '[gb][0-9]*'").all();
  return tables.flatMap(({ name }) => {
    const column = name.startsWith('g') ? 'body' : 'bytes';
    const rows = database.prepare(`SELECT * FROM ${name} WHERE ${column} IS NOT NULL`).all();
    const update = database.prepare(`UPDATE ${name} SET ${column} = ? WHERE slot = ?`);
    return rows.map((row) => ({ bytes: row[column], put: (bytes) => update.run(bytes, row.slot) }));
  });
}

/** workerd's own file is not a ledger. */
async function ledgerFiles(gate) {
  const names = await readdir(gate.state, { recursive: true });
  const ledgers = names.filter((name) => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'));
  return ledgers.map((name) => join(gate.state, name));
}

/** Makes every ledger of a stopped gate unreadable, and gives a function that mends them. */
export async function breakLedgers(gate) {
  const kept = new Map();
  for (const file of await ledgerFiles(gate)) {
    kept.set(file, await readFile(file));
    await writeFile(file, Buffer.alloc(kept.get(file).length, 'this is no database '));
  }
  assert.ok(kept.size > 0, 'there is no ledger on disk');
  return async () => {
    for (const [file, bytes] of kept) await writeFile(file, bytes);
  };
}
