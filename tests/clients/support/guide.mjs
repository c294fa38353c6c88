// What docs/clients.md says.

import { readFile } from 'node:fs/promises';

import { blocks, pathOf } from '../../e2e/support/pages.mjs';

const GUIDE = pathOf('clients.md');

/** Its blocks of code. */
export async function snippets() {
  return (await blocks('clients.md')).map(({ text }) => text);
}

/** Its table of what is sent again, by the words at the beginning of a row: a map from fault to whether it is. */
export async function sentAgain(row) {
  const text = await readFile(GUIDE, 'utf8');
  const lines = text.split('\n').filter((line) => line.startsWith('|'));
  const rows = lines.map(cells);
  const [, ...faults] = rows.find((cellsOfRow) => cellsOfRow.includes('no answer in time'));
  const found = rows.find(([first]) => first === row);
  if (!found) throw new Error(`the table in docs/clients.md has no row ${JSON.stringify(row)}`);
  const [, ...marks] = found;
  return new Map(faults.map((fault, index) => [fault, marks[index] === 'yes']));
}

const cells = (line) => line.split(/ *\| */).slice(1, -1);
