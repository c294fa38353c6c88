// What the console makes of counters, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { duplicateRate, growth, label, outcomes, percent, total } from '../../src/operator/console/counters.js';

test('what has grown is counted, also where a counter is new; one that has shrunk was lost, and not given back', () => {
  const before = { forwarded: 5, replayed: 7 };
  const after = { forwarded: 8, replayed: 2, 'later-invention': 3 };
  assert.deepEqual(growth(before, after), { forwarded: 3, replayed: 0, 'later-invention': 3 });
});

test('the duplicate rate is that of all requests, each counted once where it ended', () => {
  const grown = { forwarded: 6, replayed: 1, in_progress: 1, unknown: 1, mismatch: 1, waited: 50, completed: 6, record_rows: 12 };
  assert.equal(duplicateRate(grown), 0.4);
  assert.deepEqual(outcomes(grown), [6, 1, 1, 1, 1]);
  assert.equal(duplicateRate({ limited: 3, full: 1, probed: 4 }), 0.5);
  assert.equal(duplicateRate({ completed: 3 }), undefined);
});

test('a part is written as people read it, and a counter that is not known by its own name', () => {
  assert.deepEqual([0, 0.1236, 1].map(percent), ['0 %', '12.4 %', '100 %']);
  assert.equal(label('replayed'), 'Answered from the record');
  assert.equal(label('later-invention'), 'later-invention');
});

test('sums are sums by name', () => {
  assert.deepEqual(total([{ a: 1, b: 2 }, { b: 3 }, {}]), { a: 1, b: 5 });
});
