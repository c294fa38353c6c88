// What `cargo xtask torture` says of a gate that is broken, so that its word on the shipped one is worth something.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { forget, torture } from './run.mjs';

const AT_A_TIME = 4; // most of a run is waiting for leases to end
const PLAN = { keys: 60, retries: 10, minutes: 5, seed: 1 };

/** What breaks which rule; other rules may be broken too. */
const FOUND_BY = {
  lease: 'no call while another one may have executed',
  doubt: 'at most one execution',
  fingerprint: 'another payload executes nothing and gets no answer',
  tenant: 'an answer is that of the execution',
  bytes: 'an answer is that of the execution',
  headers: 'an answer is that of the execution',
  invention: 'no answer without an execution',
  memory: 'what was answered stays so',
  refusal: 'a refusal has executed nothing',
  progress: 'in the end every key is settled',
};

describe('a broken gate is found out', { concurrency: AT_A_TIME }, () => {
  for (const [broken, rule] of Object.entries(FOUND_BY)) {
    test(`broken ${broken}: ${rule}`, async (t) => {
      const run = await torture({ ...PLAN, broken });
      t.diagnostic(`${JSON.stringify(run.figures.answers)}, ${run.breaches.length} breaches`);
      assert.equal(run.verdict, 'violated');
      assert.ok(run.rules[rule].broken > 0, JSON.stringify(run.rules));
      await forget(run);
    });
  }
});

test('each way to break a gate is tried', async () => {
  const files = await readdir(join(import.meta.dirname, 'broken'));
  assert.deepEqual(files.map((name) => name.replace('.js', '')).sort(), Object.keys(FOUND_BY).sort());
});
