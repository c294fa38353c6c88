// What pages say of files and tests is so: configurations hold, strategies.md has the code of its example, and links lead to where
// they say.

import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';

import { temporaryFolder, xtask } from './support/gate.mjs';
import { blocks, pathOf } from './support/pages.mjs';

const ROOT = join(import.meta.dirname, '../..');
const read = (path) => readFile(join(ROOT, path), 'utf8');

const folder = await temporaryFolder();
after(folder.forget);

/** The languages of blocks on a page, each with its texts. */
async function textsOf(page, language) {
  const texts = (await blocks(page)).filter((block) => block.language === language).map(({ text }) => text);
  assert.ok(texts.length > 0, `${page} has no ${language}`);
  return texts;
}

for (const page of ['deployment.md', '../README.md', '../package/README.md']) {
  test(`each configuration of ${page} holds`, async () => {
    const template = await read('package/template/wrangler.toml');
    const [withoutRoute] = template.split('[[vars.ROUTES]]');
    for (const text of await textsOf(page, 'toml')) {
      const file = join(folder.path, 'wrangler.toml');
      await writeFile(file, (text.includes('[[vars.ROUTES]]') ? withoutRoute : `${template}\n`) + text);
      const { end, output } = await xtask('check-config', file).toItsEnd(120);
      assert.equal(end.code, 0, `${text}\n${output}`);
    }
  });
}

test('strategies.md shows the code of its example, and names the tests of it', async () => {
  const code = await read('examples/fenced-orders/orders.mjs');
  for (const language of ['js', 'sql']) {
    for (const text of await textsOf('strategies.md', language)) assert.ok(code.includes(text.trim()), text);
  }
  const page = await readFile(pathOf('strategies.md'), 'utf8');
  const tests = await read('tests/e2e/fenced-orders.test.mjs');
  const [, table] = page.split('| | shown by');
  const named = [...table.split('\n\n')[0].matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const titles = named.filter((name) => !name.endsWith('.mjs'));
  assert.ok(titles.length > 5, `only ${titles.length} tests are named`);
  for (const title of titles) assert.ok(tests.includes(`test(\`${title}\``) || tests.includes(`test('${title}'`), title);
});

test('every link between pages leads to a file, and to a heading of it', async () => {
  const inDocs = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
  const inRoot = (await readdir(ROOT)).filter((name) => name.endsWith('.md'));
  for (const page of [...inDocs, ...inRoot]) {
    const links = [...(await read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
    for (const target of links.filter((link) => !/^https?:/.test(link))) {
      const [path, heading] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      const found = await headingsOf(file).catch(() => assert.fail(`${page} links to ${target}, which is not there`));
      if (heading) assert.ok(found.includes(heading), `${page} links to ${target}: ${file} has ${found.join(', ')}`);
    }
  }
});

/** The headings of a page as the addresses that they have on GitHub; none of a folder or of anything else that is there. */
async function headingsOf(path) {
  if (!path.endsWith('.md')) {
    await readdir(dirname(resolve(ROOT, path))).then((names) => assert.ok(names.includes(path.replace(/\/$/, '').split('/').at(-1))));
    return [];
  }
  const headings = [...(await read(path)).matchAll(/^#+ (.*)$/gm)].map(([, text]) => text);
  return headings.map((text) => text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));
}
