// A short run of `cargo xtask torture`, as it is. Longer ones find more: docs/assurance.md.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { report } from './report.mjs';
import { forget, torture } from './run.mjs';

const PLAN = { keys: 200, retries: 20, minutes: 5, seed: 1 };

test(`${PLAN.keys} keys, ${PLAN.retries} retries of each, and all that can go wrong: every promise is kept`, async (t) => {
  const run = await torture(PLAN);
  for (const line of report(run)) t.diagnostic(line);
  assert.equal(run.verdict, 'kept');
  await forget(run);
});
