// `cargo xtask dev`: what it shows, what it says when it cannot start, and that it leaves nothing behind.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, freshKey, route } from './support/expect.mjs';
import { dev, startGate, temporaryFolder } from './support/gate.mjs';
import { send } from './support/http.mjs';
import { handmadeOrigin, startOrigin } from './support/origin.mjs';
import { descendants, isRunning } from './support/processes.mjs';
import { until } from './support/until.mjs';

const folder = await temporaryFolder();
after(folder.forget);

/** A free folder for the ledgers, as arguments. */
const ownState = () => ['--state', join(folder.path, freshKey('state'))];

/** Runs dev until it ends by itself. */
const devToItsEnd = (...args) => dev(...args).toItsEnd(120);

/** Asserts that dev refuses these arguments at once, and that what it says fits every one of `wordings`. */
async function assertRefuses(args, ...wordings) {
  const { end, output } = await devToItsEnd('--port', '0', ...ownState(), ...args);
  assert.notEqual(end.code, 0, output);
  assert.doesNotMatch(output, /oncegate ready/);
  assert.doesNotMatch(output, /panicked|RUST_BACKTRACE/);
  for (const wording of wordings) assert.match(output, wording);
}

test('dev --once shows a retried payment that was made once, and ends', async () => {
  const { end, output } = await devToItsEnd('--once', '--port', '0', ...ownState());
  assert.equal(end.code, 0, output);
  for (const shown of [/201/, /created/, /replayed/, /422/, /mismatch/, /409|in-progress/]) assert.match(output, shown);
});

test('dev without an origin brings the example one', async () => {
  const child = dev('--port', '0', ...ownState());
  try {
    const [, url] = await child.says(/^oncegate ready on (http:\/\/127\.0\.0\.1:\d+)$/m, 120);
    const pay = () =>
      send(url, 'POST', '/v1/payments', { key: 'k', json: PAYMENT, headers: { authorization: 'Bearer t' } });
    const first = await pay();
    assertCreated(first);
    assert.equal((await pay()).json.id, first.json.id);
  } finally {
    await child.stop('SIGINT');
  }
});

test('a port in use is said', async () => {
  const other = await handmadeOrigin();
  const { end, output } = await devToItsEnd('--port', String(other.port), '--origin', other.url, ...ownState());
  await other.stop();
  assert.notEqual(end.code, 0, output);
  assert.match(output, new RegExp(String(other.port)));
  assert.match(output, /in use/i);
  assert.doesNotMatch(output, /oncegate ready|panicked/);
});

test('an origin that cannot be reached is said', async () => {
  const gone = await handmadeOrigin();
  await gone.stop();
  await assertRefuses(['--origin', gone.url], new RegExp(`127\\.0\\.0\\.1:${gone.port}`), /reach|connect|refused/i);
});

test('an origin that is no URL is said', () => assertRefuses(['--origin', 'not a url'], /not a url/, /http/));
test('an origin of another protocol is said', () => assertRefuses(['--origin', 'ftp://127.0.0.1'], /ftp:/, /http/));
test('a port that is none is said', () => assertRefuses(['--port', '70000'], /70000/));
test('an unknown flag is said', () => assertRefuses(['--prot', '1'], /--prot\b/));
test('a variable without a value is said', () => assertRefuses(['--var', 'NAME'], /NAME/, /=/));

test('a routes file that is not there is said', () => {
  return assertRefuses(['--routes', join(folder.path, 'none.toml')], /none\.toml/, /no such file|not found|cannot/i);
});

test('a routes file that is no TOML is said, with the line', async () => {
  const file = join(folder.path, 'broken.toml');
  await writeFile(file, '[[ROUTES]]\nname = "payments"\npath = /v1/payments\n');
  await assertRefuses(['--routes', file], /broken\.toml/, /line 3|:3\b/);
});

for (const [how, interrupt] of [
  ['Ctrl-C, which every process of the terminal gets', (child) => child.killGroup('SIGINT')],
  ['SIGINT to dev alone', (child) => child.signal('SIGINT')],
  ['SIGTERM to dev alone', (child) => child.signal('SIGTERM')],
]) {
  test(`${how} stops everything that dev started`, async () => {
    const origin = await startOrigin();
    const gate = await startGate({ origin, routes: [route('payments', '/v1/payments')] });
    const family = [gate.child.pid, ...descendants(gate.child.pid)];
    assert.ok(family.length > 1, 'dev has started nothing');
    interrupt(gate.child);
    await until('all of them have ended', () => !family.some(isRunning), { seconds: 10 });
    await assert.rejects(
      new Promise((resolve, reject) => connect(gate.port, '127.0.0.1', resolve).on('error', reject)),
    );
    await gate.stop();
    await origin.stop();
  });
}

test('dev brings down the example origin too', async () => {
  const child = dev('--port', '0', ...ownState());
  await child.says(/^oncegate ready on /m, 120);
  const family = descendants(child.pid);
  child.signal('SIGINT');
  await until('all of them have ended', () => ![child.pid, ...family].some(isRunning), { seconds: 10 });
  await child.stop();
});
