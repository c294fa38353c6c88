// What the gate tells Prometheus, as Prometheus' own client reads it; and that the examples for Prometheus and Grafana ask for nothing else.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { PAYMENT, freshKey, route } from '../e2e/support/expect.mjs';
import { serve, temporaryFolder } from '../e2e/support/gate.mjs';
import { TOKEN } from '../e2e/support/operator.mjs';
import { Child } from '../e2e/support/processes.mjs';
import { until } from '../e2e/support/until.mjs';
import { INSTALLED } from './support/programs.mjs';

const EXAMPLES = join(import.meta.dirname, '../../examples/monitoring');
const folder = await temporaryFolder();
const { gate } = await serve(
  [
    route('payments', '/v1/payments', { shards: 2, timeout: '300ms' }),
    route('orders', '/v1/orders', { shards: 1 }),
    route('off', '/v1/off', { shards: 1, mode: 'off' }),
  ],
  { vars: { ADMIN_TOKEN: TOKEN } },
);
const headers = { authorization: `Bearer ${TOKEN}` };
const ask = (query = '') => gate.send('GET', `/_oncegate/metrics${query}`, { headers });
const pay = (key, headers = {}, json = PAYMENT) => gate.post('/v1/payments', { key, json, headers });

/** The samples as the client reads them. Fails where it finds a mistake in the text. */
async function parse(text) {
  const file = join(folder.path, 'metrics');
  await writeFile(file, text);
  const program = join(import.meta.dirname, 'openmetrics.py');
  const child = new Child('openmetrics.py', join(INSTALLED, 'python/bin/python'), [program, file]);
  const { code } = await child.exited;
  assert.equal(code, 0, child.output);
  return child.output.trim().split('\n').map((line) => JSON.parse(line));
}
const samples = async () => parse((await ask()).text);
const value = (all, name, labels) => {
  const found = all.filter((sample) => sample.name === name && Object.entries(labels).every(([label, of]) => sample.labels[label] === of));
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`);
  return found[0].value;
};

test('counters, the histogram and gauges are read, and count what happened, route by route', async () => {
  const key = freshKey();
  await pay(key, { 'x-test-delay': '60ms' });
  await pay(key);
  await pay(key);
  await pay(key, {}, { ...PAYMENT, amount: 7 });
  const late = freshKey();
  await pay(late, { 'x-test-delay': '900ms' });
  await pay(late);
  await pay(freshKey(), { 'x-test-fail': '503' });
  await gate.post('/v1/orders', { key: freshKey(), json: { item: 'book' } });

  const all = await samples();
  const requests = (outcome) => value(all, 'oncegate_requests_total', { route: 'payments', outcome });
  assert.deepEqual(['first', 'replayed', 'mismatch', 'unknown', 'in-progress'].map(requests), [3, 2, 1, 1, 0]);
  assert.equal(value(all, 'oncegate_requests_total', { route: 'orders', outcome: 'first' }), 1);
  assert.equal(value(all, 'oncegate_requests_told_unknown_total', { route: 'payments', reason: 'origin-timeout' }), 1);
  const ends = (end) => value(all, 'oncegate_attempts_total', { route: 'payments', end });
  assert.deepEqual(['completed', 'released', 'doubted', 'stale'].map(ends), [1, 1, 1, 0]);
  const bucket = (le) => value(all, 'oncegate_completion_seconds_bucket', { route: 'payments', le });
  assert.equal(bucket('0.05'), 0, 'the origin took longer');
  assert.equal(bucket('+Inf'), 1);
  assert.equal(value(all, 'oncegate_completion_seconds_count', { route: 'payments' }), 1);
  assert.ok(value(all, 'oncegate_completion_seconds_sum', { route: 'payments' }) >= 0.05);
  assert.equal(value(all, 'oncegate_ledgers', { route: 'payments' }), 2);
  assert.equal(value(all, 'oncegate_ledgers_failed', { route: 'payments' }), 0);
  assert.equal(value(all, 'oncegate_ledgers_not_asked', {}), 0);
  assert.ok(value(all, 'oncegate_storage_bytes', { route: 'payments' }) > 0);
  assert.equal(all.find(({ name }) => name === 'oncegate_completion_seconds_bucket').type, 'histogram');
});

test('it is OpenMetrics by its media type, and for nobody without the token', async () => {
  const reply = await ask();
  assert.equal(reply.header('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.equal(reply.header('cache-control'), 'no-store');
  assert.equal((await gate.send('GET', '/_oncegate/metrics')).status, 401);
  const some = await parse((await ask('?from=2')).text);
  assert.ok(!some.some(({ labels }) => labels.route === 'payments'), 'the first two ledgers are those of payments');
});

test('no counter falls, not even when the gate is killed after it was shown', async () => {
  const counters = async () => (await samples()).filter(({ name }) => /_(total|bucket|count|sum)$/.test(name));
  const before = await counters();
  await gate.kill9();
  await gate.restart();
  const after = await counters();
  for (const [index, { name, labels, value: was }] of before.entries()) {
    assert.deepEqual([after[index].name, after[index].labels], [name, labels]);
    assert.ok(after[index].value >= was, `${name} ${JSON.stringify(labels)} fell from ${was} to ${after[index].value}`);
  }
  const key = freshKey();
  await pay(key);
  await until('it counts on', async () => {
    const requests = (all) => value(all, 'oncegate_requests_total', { route: 'payments', outcome: 'first' });
    return requests(await counters()) === requests(before) + 1;
  });
});

test('the examples for Prometheus and Grafana ask for what is there', async () => {
  const names = new Set((await samples()).map(({ name }) => name));
  const labels = new Map();
  for (const sample of await samples()) {
    for (const [label, of] of Object.entries(sample.labels)) labels.set(label, (labels.get(label) ?? new Set()).add(of));
  }
  for (const file of ['rules.yml', 'dashboard.json']) {
    const text = (await readFile(join(EXAMPLES, file), 'utf8')).replaceAll('\\"', '"');
    const asked = [...text.matchAll(/\boncegate_[a-z_]+/g)].map(([name]) => name).filter((name) => !/^oncegate_(duplicates|retry_success)$/.test(name));
    assert.ok(asked.length > 10, file);
    for (const name of asked) assert.ok(names.has(name) || name === 'oncegate_completion_seconds', `${file}: ${name}`);
    for (const [, label, of] of text.matchAll(/\b(outcome|end|reason|event|of)=~?"([^"]*)"/g)) {
      for (const one of of.split('|')) assert.ok(labels.get(label).has(one), `${file}: ${label}="${one}"`);
    }
  }
  const { panels } = JSON.parse(await readFile(join(EXAMPLES, 'dashboard.json'), 'utf8'));
  assert.ok(panels.every(({ targets }) => targets.every(({ expr }) => balanced(expr))));
});

function balanced(text) {
  let open = 0;
  for (const letter of text) {
    if (letter === '(') open += 1;
    if (letter === ')' && --open < 0) return false;
  }
  return open === 0;
}
