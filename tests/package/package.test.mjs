// The npm package, as it is used by somebody who has no Rust: installed by npm in an empty folder, and run by wrangler. The folder
// knows nothing of this repository; only wrangler is lent to it, which is not to be downloaded once more.

import assert from 'node:assert/strict';
import { cp, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, assertReplayed, freshKey } from '../e2e/support/expect.mjs';
import { temporaryFolder, xtask } from '../e2e/support/gate.mjs';
import { send } from '../e2e/support/http.mjs';
import { handmadeOrigin, startOrigin } from '../e2e/support/origin.mjs';
import { block } from '../e2e/support/pages.mjs';
import { Child } from '../e2e/support/processes.mjs';

const WRANGLER = join(import.meta.dirname, '../../node_modules/.bin/wrangler');
const MINUTE = 60;

const home = await temporaryFolder();
// Wrangler asks nobody, and keeps what it notes down out of the user's own folders.
const ENVIRONMENT = {
  ...process.env,
  ...{ HOME: home.path, XDG_CONFIG_HOME: home.path, CI: '1' },
  ...{ WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
};

const tarball = await pack();
const origin = await startOrigin();
after(() => origin.stop());

/** Makes the package. Gives its file. */
async function pack() {
  const command = await xtask('package').toItsEnd(10 * MINUTE);
  assert.equal(command.end.code, 0, command.output);
  return /^(\/.*\.tgz) \(\d+ bytes\)$/m.exec(command.output)[1];
}

/** An empty folder in which the package is installed, with the template's wrangler.toml. */
async function installation() {
  const { path } = await temporaryFolder();
  // Without a network: the package depends on nothing.
  const npm = new Child('npm', 'npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: path });
  await npm.toItsEnd(2 * MINUTE);
  assert.equal(npm.end.code, 0, npm.output);
  const installed = join(path, 'node_modules/oncegate');
  await cp(join(installed, 'template/wrangler.toml'), join(path, 'wrangler.toml'));
  await mkdir(join(path, 'node_modules/.bin'), { recursive: true });
  await symlink(WRANGLER, join(path, 'node_modules/.bin/wrangler'));
  const wrangler = (...words) =>
    new Child(`wrangler ${words[0]}`, join(path, 'node_modules/.bin/wrangler'), words, { cwd: path, env: ENVIRONMENT });
  return { path, installed, wrangler };
}

/** Runs `wrangler dev` there until `use` is done with the gate's address. */
async function withGate({ wrangler }, use, { url } = origin) {
  const ports = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'];
  const gate = wrangler('dev', ...ports, '--var', `ORIGIN:${url}`);
  try {
    const [, url] = await gate.says(/Ready on (http:\/\/127\.0\.0\.1:\d+)/, 2 * MINUTE);
    await use(url, gate);
  } finally {
    await gate.stop('SIGINT');
  }
}

/** Runs `wrangler deploy --dry-run` there. Gives what it said, and the files that would be sent. */
async function dryRun({ path, wrangler }) {
  const { end, output } = await wrangler('deploy', '--dry-run', '--outdir', 'sent').toItsEnd(2 * MINUTE);
  assert.equal(end.code, 0, output);
  const names = (await readdir(join(path, 'sent'))).filter((name) => name !== 'README.md');
  return { output, names: names.sort(), read: (name) => readFile(join(path, 'sent', name)) };
}

const ALICE = { authorization: 'Bearer alice' };
const pay = (url, key, headers = ALICE) =>
  send(url, 'POST', '/v1/payments', { key, json: PAYMENT, headers });

test('from an empty folder to the first replay', async (context) => {
  const begun = performance.now();
  await withGate(await installation(), async (url) => {
    const key = freshKey();
    const first = await pay(url, key);
    assertCreated(first);
    assertReplayed(await pay(url, key), first);
    const seconds = (performance.now() - begun) / 1000;
    context.diagnostic(`${seconds.toFixed(1)} s from an empty folder to the first replay, where wrangler is there already`);
    assert.equal(await origin.executions(key), 1);
    assertProblem(await pay(url, freshKey(), {}), 400, 'unscoped');
  });
});

test('docs/quickstart.md leads to a protected route, and to what would be deployed', async (context) => {
  const install = await block('quickstart.md', 'sh', 'npm install');
  const template = 'cp node_modules/oncegate/template/wrangler.toml .'; // as installation() does
  assert.equal(install, `npm install ./${basename(tarball)} wrangler@4\n${template}\n`);
  const folder = await installation();
  const file = join(folder.path, 'wrangler.toml');
  const [before] = (await readFile(file, 'utf8')).split('[[vars.ROUTES]]');
  await writeFile(file, before + (await block('quickstart.md', 'toml')));

  const api = await handmadeOrigin((_, outgoing) => outgoing.writeHead(201).end(String(api.seen.length)));
  context.after(() => api.stop());
  const order = async (url) => send(url, 'POST', '/orders', { key: 'order-1', json: { item: 'book' }, headers: ALICE });
  await withGate(
    folder,
    async (url) => {
      const first = await order(url);
      assertCreated(first);
      assertReplayed(await order(url), first);
      assert.equal(api.seen.length, 1);
    },
    api,
  );
  const { output } = await dryRun(folder);
  for (const binding of ['LEDGER', 'ORIGIN', 'ROUTES']) assert.match(output, new RegExp(`env\\.${binding}`));
});

test('what is deployed is the Worker of the package, byte for byte, with its bindings', async () => {
  const folder = await installation();
  const { output, names, read } = await dryRun(folder);
  for (const binding of [/env\.LEDGER \(Ledger\) .*Durable Object/, /env\.ORIGIN/, /env\.ROUTES/]) assert.match(output, binding);
  assert.deepEqual(names, ['index.js', 'index_bg.wasm']);
  for (const name of names) assert.ok((await read(name)).equals(await readFile(join(folder.installed, name))), name);
});

test('the package comes with what is to be read', async () => {
  const { installed } = await installation();
  const licences = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT', 'LICENSE-THIRD-PARTY'];
  for (const name of ['README.md', 'index.d.ts', ...licences]) assert.ok((await readFile(join(installed, name))).length > 0, name);
});

test('a Worker of one’s own that exports what the package exports is a gate', async () => {
  const folder = await installation();
  const file = join(folder.path, 'wrangler.toml');
  const toml = (await readFile(file, 'utf8')).replace(/^main = .*$/m, 'main = "own.js"').replace(/^no_bundle = .*$/m, '');
  await writeFile(file, toml);
  await writeFile(join(folder.path, 'own.js'), "export { default, Ledger } from 'oncegate';\n");
  await withGate(folder, async (url) => {
    const key = freshKey();
    const first = await pay(url, key);
    assertCreated(first);
    assertReplayed(await pay(url, key), first);
  });
});

test('the token of the example is refused, and one’s own opens the operator’s API', async () => {
  const folder = await installation();
  const example = await readFile(join(folder.installed, 'template/.dev.vars.example'), 'utf8');
  const token = 'a-token-to-try-it-with';
  const own = example.replace(/^ADMIN_TOKEN=.*$/m, `ADMIN_TOKEN=${token}`);
  const operator = { headers: { authorization: `Bearer ${token}` } };

  await writeFile(join(folder.path, '.dev.vars'), example);
  await withGate(folder, async (url, gate) => {
    assert.equal((await pay(url, freshKey())).status, 500);
    await gate.says(/ADMIN_TOKEN = …: allowed is 16/, MINUTE);
  });
  await writeFile(join(folder.path, '.dev.vars'), own);
  await withGate(folder, async (url) => {
    assert.equal((await send(url, 'GET', '/_oncegate/config', operator)).status, 200);
    assertCreated(await pay(url, freshKey()));
  });
});

test('the template describes what it asks for', async () => {
  const { installed } = await installation();
  const read = (name) => readFile(join(installed, 'template', name), 'utf8');
  const described = Object.keys(JSON.parse(await read('package.json')).cloudflare.bindings);
  const [toml, secrets] = [await read('wrangler.toml'), await read('.dev.vars.example')];
  const bindings = /^name = "(\w+)"\nclass_name/m.exec(toml)[1];
  const variables = [...toml.matchAll(/^\[\[vars\.(\w+)\]\]$|^([A-Z_]+) =/gm)].map(([, table, variable]) => table ?? variable);
  const secret = [...secrets.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  assert.deepEqual(described.sort(), [bindings, ...variables, ...secret].sort());
});
