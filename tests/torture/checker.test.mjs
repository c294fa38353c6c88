// The checker itself: histories written by hand, a good one, and for each rule one that breaks it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { check } from './checker.mjs';
import { missing } from './coverage.mjs';
import { FAULTS } from './faults.mjs';
import { story } from './story.mjs';

const REPLY = { status: 201, h: 'headers', b: 'body' };

/** Writes a history down as clients and origin would, an event each millisecond. */
class Scene {
  origin = [];
  clients = [];
  #t = 0;

  /** What comes of a request from its sending to its end: `called` where it reaches the origin, then what became of it there. */
  request(r, { key = 'k', tenant = 'alice', p = 'payload', called, executed, refused, calm, ...end }) {
    this.sent(r, { key, tenant, p, calm });
    if (called ?? (executed || refused)) this.called(r, { key, tenant, p: called?.p ?? p });
    if (executed) this.executed(r, { key, tenant, p });
    if (refused) this.#push(this.origin, 'replied', { r, key, tenant, fence: r, refuses: true });
    this.ended(r, { key, tenant, ...end });
    return this;
  }

  sent(r, { key = 'k', tenant = 'alice', p = 'payload', calm }) {
    this.#push(this.clients, 'sent', { r, tenant, key, p, ...(calm && { calm }) });
    return this;
  }

  called(r, { key = 'k', tenant = 'alice', p = 'payload', fault = 'right' } = {}) {
    this.#push(this.origin, 'called', { r, tenant, key, p, fence: r, attempt: 1, fault });
    return this;
  }

  executed(r, { key = 'k', tenant = 'alice', p = 'payload' } = {}) {
    this.#push(this.origin, 'executed', { r, tenant, key, p, x: r, ...REPLY });
    return this;
  }

  ended(r, { key = 'k', tenant = 'alice', end = 'answered', mark, ...seen }) {
    const isAnswer = ['created', 'replayed'].includes(mark);
    const reply = isAnswer ? { ...REPLY, o: 'lines' } : { status: 409, isProblem: true };
    this.#push(this.clients, end, { r, tenant, key, ...(end === 'answered' && { mark, ...reply }), ...seen });
    return this;
  }

  all(event) {
    this.#push(this.clients, event, {});
    return this;
  }

  check() {
    return check(this.origin, this.clients);
  }

  #push(events, e, fields) {
    this.#t += 1000;
    events.push({ t: this.#t, e, ...fields });
  }
}

/** A key that is executed and answered, as it should be. */
const executed = () => new Scene().request('1', { executed: true, mark: 'created' });

function assertBroken(scene, ...rules) {
  const { breaches, rules: checked } = scene.check();
  assert.deepEqual([...new Set(breaches.map(({ rule }) => rule))].sort(), [...rules].sort());
  for (const rule of rules) assert.ok(checked[rule].broken > 0 && checked[rule].checked > 0);
}

test('a history in which all goes as it may breaks no rule, and checks each', () => {
  const scene = executed()
    .request('2', { mark: 'replayed' })
    .request('3', { p: 'another', mark: 'mismatch' })
    .request('4', { tenant: 'bob', called: {}, mark: 'unknown' })
    .executed('4', { tenant: 'bob' })
    .request('5', { tenant: 'bob', mark: 'unknown' })
    .request('6', { key: 'l', refused: true, mark: 'released', isProblem: false })
    .request('7', { key: 'l', executed: true, mark: 'created' })
    .request('8', { key: 'l', end: 'hung-up', cut: true })
    .sent('9', { key: 'm' })
    .called('9', { key: 'm' })
    .sent('10', { key: 'm' })
    .ended('10', { key: 'm', mark: 'in-progress' })
    .all('killed')
    .ended('9', { key: 'm', end: 'lost', why: 'ECONNRESET' })
    .all('restarted')
    .request('11', { key: 'l', mark: 'unavailable' })
    .all('calm')
    .request('12', { calm: true, mark: 'replayed' })
    .request('13', { key: 'm', calm: true, mark: 'unknown' });
  const { breaches, rules, figures } = scene.check();
  assert.deepEqual(breaches, []);
  for (const [name, { checked }] of Object.entries(rules)) assert.ok(checked > 0, name);
  const once = { replayed: 1, mismatch: 1, released: 1, 'in-progress': 1, unavailable: 1 };
  assert.deepEqual(figures.answers, { created: 2, unknown: 2, ...once });
  assert.deepEqual(figures.lastAnswers, { replayed: 1, unknown: 1 });
  const { keys, requests, calls, executions, kills, hungUp, cut, lost } = figures;
  assert.deepEqual([keys, requests, calls, executions, kills, hungUp, cut, lost], [4, 13, 5, 3, 1, 1, 1, 1]);
});

test('two executions of a key are found, also where the second comes late and unasked', () => {
  const rules = ['at most one execution', 'no call while another one may have executed'];
  assertBroken(
    new Scene().request('1', { executed: true, mark: 'unknown' }).request('2', { executed: true, mark: 'created' }),
    ...rules,
  );
  assertBroken(executed().executed('1'), 'at most one execution');
});

test('a second call is found, even if neither executes', () => {
  const scene = new Scene().request('1', { called: {}, mark: 'unknown' }).request('2', { called: {}, mark: 'unknown' });
  assertBroken(scene, 'no call while another one may have executed');
});

test('a call after a refusal is none to complain of', () => {
  const refused = () => new Scene().request('1', { refused: true, mark: 'released' });
  assertBroken(refused().request('2', { executed: true, mark: 'created' }));
});

test('a call that nobody has sent is found', () => {
  assertBroken(executed().called('9', { key: 'other' }), 'no call that nobody has asked for');
});

const OTHERS = { status: { status: 200 }, header: { h: 'others', o: 'others' }, body: { b: 'other' } };
for (const [what, seen] of Object.entries(OTHERS)) {
  test(`another ${what} than that of the execution is found, in a replay and in the first answer`, () => {
    const rule = 'an answer is that of the execution';
    assertBroken(executed().request('2', { mark: 'replayed', ...seen }), rule, 'what was answered stays so');
    assertBroken(new Scene().request('1', { executed: true, mark: 'created', ...seen }), rule);
  });
}

test('header lines in another order than before are found', () => {
  assertBroken(executed().request('2', { mark: 'replayed', o: 'other' }), 'what was answered stays so');
});

test('who is told that it was created has executed', () => {
  assertBroken(executed().request('2', { mark: 'created' }), 'an answer is that of the execution');
});

test('an answer without an execution is found, also one that comes before it', () => {
  const rule = 'no answer without an execution';
  for (const mark of ['created', 'replayed', 'not-stored']) assertBroken(new Scene().request('1', { mark }), rule);
  assertBroken(new Scene().request('1', { called: {}, mark: 'created' }).executed('1'), rule);
});

test("another tenant's answer is found", () => {
  assertBroken(executed().request('2', { tenant: 'bob', mark: 'replayed' }), 'no answer without an execution');
});

test('after an answer, a retry that gets none is found', () => {
  for (const mark of ['in-progress', 'unknown', 'mismatch']) {
    assertBroken(executed().request('2', { mark }), 'what was answered stays so');
  }
  assertBroken(executed().request('2', { mark: 'unavailable' }));
});

test('a retry that was under way when the answer came may get none', () => {
  const running = new Scene().sent('2', {}).request('1', { executed: true, mark: 'created' });
  assertBroken(running.ended('2', { mark: 'in-progress' }));
});

test('a refusal that called the origin is found', () => {
  const rule = 'a refusal has executed nothing';
  for (const mark of ['unavailable', 'in-progress', 'limited', 'malformed']) {
    assertBroken(new Scene().request('1', { called: {}, mark }), rule);
    assertBroken(new Scene().request('1', { executed: true, mark }), rule);
  }
  assertBroken(new Scene().request('1', { executed: true, mark: 'released' }), rule);
  assertBroken(new Scene().request('1', { called: {}, end: 'hung-up', cut: true }), rule);
});

test('another payload that calls the origin, or gets an answer, is found', () => {
  const rule = 'another payload executes nothing and gets no answer';
  assertBroken(executed().request('2', { p: 'another', mark: 'replayed' }), rule);
  assertBroken(new Scene().request('1', { called: {}, mark: 'mismatch' }), rule);
});

test('a payload that comes changed to the origin is found', () => {
  assertBroken(new Scene().request('1', { called: { p: 'changed' }, mark: 'unknown' }), 'the origin gets what was sent');
});

test('a request that is not answered is found, unless the gate was killed meanwhile', () => {
  const rule = 'every request is answered';
  assertBroken(new Scene().request('1', { end: 'lost', why: 'ECONNRESET' }), rule);
  assertBroken(new Scene().all('killed').all('restarted').request('1', { end: 'lost', why: 'ECONNRESET' }), rule);
  assertBroken(new Scene().sent('1', {}), rule);
  assertBroken(new Scene().request('1', { mark: null, status: 500 }), rule);
  assertBroken(new Scene().sent('1', {}).all('killed').all('restarted').ended('1', { end: 'lost', why: 'ECONNRESET' }));
});

test('a key that is in progress when all is over is found', () => {
  for (const mark of ['in-progress', 'unavailable', 'released']) {
    assertBroken(new Scene().request('1', { calm: true, mark }), 'in the end every key is settled');
  }
});

test('a run that came across too little does not count as good', () => {
  const found = executed().check();
  assert.deepEqual(found.breaches, []);
  const lacking = missing(found);
  const some = ['“a refusal has executed nothing” was never', '“replayed”', '“hung before”', 'no kills', 'not 30.0 %'];
  for (const what of some) {
    assert.ok(lacking.some((text) => text.includes(what)), `${what}: ${lacking}`);
  }

  const enough = { rules: { any: { checked: 1, broken: 0 } }, figures: plenty({ calls: 500 }) };
  assert.deepEqual(missing(enough), []);
  for (const calls of [400, 700]) {
    assert.match(missing({ ...enough, figures: plenty({ calls }) }).join(), /went wrong, not 30\.0 %$/);
  }
  assert.match(missing({ ...enough, rules: { any: { checked: 0, broken: 0 } } }).join(), /“any” was never checked/);
});

/** The figures of a run in which everything happened ten times, with each fault. */
function plenty({ calls }) {
  const times = (names) => Object.fromEntries(names.map((name) => [name, 10]));
  const answers = times(['created', 'replayed', 'in-progress', 'mismatch', 'released', 'unknown']);
  const counts = times(['lateExecutions', 'kills', 'hungUp', 'cut', 'lost']);
  return { ...counts, answers, faults: times(Object.keys(FAULTS)), calls };
}

test('the story of a key has all that concerns it, in order, and nothing of others', () => {
  const scene = executed()
    .request('2', { key: 'other', executed: true, mark: 'created' })
    .all('killed')
    .request('3', { mark: 'replayed' });
  const lines = story({ tenant: 'alice', key: 'k' }, scene.origin, scene.clients);
  assert.deepEqual(
    lines.map((line) => line.trim().split(/\s+/).slice(2).join(' ')),
    [
      'client 1 sent p=payload',
      'origin 1 called p=payload attempt=1 fault=right',
      'origin 1 executed p=payload status=201 h=headers b=body x=1',
      'client 1 answered status=201 mark=created h=headers b=body',
      'all killed',
      'client 3 sent p=payload',
      'client 3 answered status=201 mark=replayed h=headers b=body',
    ],
  );
});
