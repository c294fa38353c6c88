// Oncegate with a ledger that has had so many live records from the start.

import { cp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { send } from '../tests/e2e/support/http.mjs';
import { builtWorker } from '../tests/e2e/support/workerd.mjs';
import { startWorkerd } from './workerd.mjs';

/** One ledger for all, whose records outlive the bench. */
const ROUTE = { name: 'payments', path: '/v1/payments', scope: ['header:Authorization'], log: 0, ttl: '24h', shards: 1 };

/** What has been filled in this process: by how many records, a promise of it. */
const filled = new Map();

/** Starts it on a copy of a ledger with `records`, which is made once, in the folder `kept`. */
export async function startFilled(records, { origin, folder, kept }) {
  const { state } = await fill(records, { origin, kept });
  await cp(state, join(folder, 'state'), { recursive: true });
  return start(`with ${records} records`, { origin, folder });
}

/** How many bytes a record takes in the ledger's file, beside what a ledger takes that has none to speak of. */
export async function bytesPerRecord({ few, many }, where) {
  const [small, large] = [await fill(few, where), await fill(many, where)];
  return (large.bytes - small.bytes) / (many - few);
}

function fill(records, { origin, kept }) {
  if (!filled.has(records)) filled.set(records, fillAnew(records, { origin, folder: join(kept, `${records}-records`) }));
  return filled.get(records);
}

/** The first record is the gate's own, and so is all else in the ledger: the others are that record under other keys. */
async function fillAnew(records, { origin, folder }) {
  const gate = await start(`to be filled with ${records} records`, { origin, folder });
  const headers = { authorization: 'Bearer alice' };
  const reply = await send(gate.url, 'POST', '/v1/payments', { key: 'the-first', json: { amount: 1099 }, headers });
  if (reply.outcome !== 'created') throw new Error(`nothing was recorded, but ${reply.status}: ${reply.text}`);
  await gate.stop();
  const state = join(folder, 'state');
  const file = await ledgerIn(state);
  const database = new DatabaseSync(file);
  try {
    copyFirstRecord(database, records);
  } finally {
    database.close();
  }
  return { state, bytes: (await stat(file)).size };
}

/** A ledger counts its rows when it is asked first, and ids are digests: nothing else is to be changed, and any bytes and slots will do. */
function copyFirstRecord(database, records) {
  const { name } = database.prepare("SELECT name FROM sqlite_schema WHERE name GLOB 'g[0-9]*'").get();
  const { id, record, body } = database.prepare(`SELECT * FROM ${name}`).get();
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;'); // for this connection, in KiB
  const copies = `WITH RECURSIVE copies (number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM copies WHERE number < ?)
    INSERT INTO ${name} (slot, id, record, body) SELECT random() & 0xfffffffffffff, randomblob(?), ?, ? FROM copies`;
  database.prepare(copies).run(records, id.length, record, body);
  const { count } = database.prepare(`SELECT count(*) AS count FROM ${name}`).get();
  if (count !== records) throw new Error(`the ledger has ${count} records, not ${records}`);
}

/** workerd's own file is not a ledger. */
async function ledgerIn(state) {
  const names = await readdir(state, { recursive: true });
  const [name, ...others] = names.filter((name) => name.endsWith('.sqlite') && !name.endsWith('metadata.sqlite'));
  if (!name || others.length > 0) throw new Error(`there is not one ledger, but ${names}`);
  return join(state, name);
}

async function start(name, { origin, folder }) {
  const bindings = { ORIGIN: origin.url, ROUTES: [ROUTE] };
  return startWorkerd({ name, modules: await builtWorker(), bindings, hasLedger: true, folder });
}
