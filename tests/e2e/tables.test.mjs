// README.md says which test shows what becomes of each fault and complaint; each of those tests is there.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const HERE = import.meta.dirname;

test('every test that README.md names is there', async () => {
  const files = (await readdir(HERE)).filter((name) => name.endsWith('.test.mjs'));
  const sources = (await Promise.all(files.map((name) => readFile(join(HERE, name), 'utf8')))).join('\n');
  const [, tables] = (await readFile(join(HERE, 'README.md'), 'utf8')).split('## Which test shows what');
  const rows = tables.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('|---'));
  const named = rows.flatMap((row) => [...row.split('|').at(-2).matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.ok(named.length > 30, `only ${named.length} tests are named`);
  for (const name of named) {
    assert.ok(["'", '`', '"'].some((quote) => sources.includes(`test(${quote}${name}${quote}`)), `there is no test called ${name}`);
  }
});
