// docs/quickstart.md, as it is read by somebody with the repository: its API, its route, its commands, and what they show.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { dev, temporaryFolder } from '../e2e/support/gate.mjs';
import { assertShows, block, consoles } from '../e2e/support/pages.mjs';
import { freePort } from '../e2e/support/port.mjs';
import { Child } from '../e2e/support/processes.mjs';
import { until } from '../e2e/support/until.mjs';

const PAGE = 'quickstart.md';

const folder = await temporaryFolder();
after(folder.forget);
const inFolder = (name) => join(folder.path, name);
const api = `127.0.0.1:${await freePort()}`;

await writeFile(inFolder('api.mjs'), (await block(PAGE, 'js')).replace('.listen(3000)', `.listen(${api.split(':')[1]})`));
await writeFile(inFolder('routes.toml'), await block(PAGE, 'toml'));
const server = new Child('the API', process.execPath, [inFolder('api.mjs')]);
after(() => server.stop());
await until('the API answers', () => fetch(`http://${api}`).catch(() => undefined), { seconds: 60 });

test('the page leads to a protected route', async () => {
  const [, words] = /^cargo xtask dev (.*)$/m.exec(await block(PAGE, 'sh', 'cargo xtask dev'));
  const adapted = words.replace('127.0.0.1:3000', api).replace('routes.toml', inFolder('routes.toml'));
  const gate = dev(...adapted.split(' '), '--port', '0', '--state', inFolder('state'));
  try {
    const [, address] = await gate.says(/^oncegate ready on http:\/\/(127\.0\.0\.1:\d+)$/m, 180);
    const steps = await consoles(PAGE);
    assert.ok(steps.length >= 5, `only ${steps.length} commands are shown`);
    const adapt = (command) =>
      command.replace(/^curl /, 'curl -sS ').replaceAll('127.0.0.1:8787', address).replaceAll('127.0.0.1:3000', api);
    for (const step of steps) await assertShows(step, adapt);
  } finally {
    await gate.stop('SIGINT');
  }
});
