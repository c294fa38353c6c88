// What a client is told when the gate itself answers: RFC 9457, and nothing that is not its business.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, freshKey, route } from './support/expect.mjs';
import { serve } from './support/gate.mjs';

const SECRET = 'Bearer sk_live_d41d8cd98f00b204';
const { gate, origin } = await serve([
  route('payments', '/v1/payments', { scope: ['header:Authorization'], max_request: '1KiB', max_response: '1KiB' }),
]);

const pay = (options = {}) => {
  const { headers, ...rest } = options;
  return gate.post('/v1/payments', { json: PAYMENT, ...rest, headers: { authorization: SECRET, ...headers } });
};

/** How to come by each problem, with its status. */
const problems = {
  missing: [400, () => pay()],
  malformed: [400, () => pay({ key: '"broken' })],
  unscoped: [400, () => gate.post('/v1/payments', { key: freshKey(), json: PAYMENT })],
  'too-large': [413, () => pay({ key: freshKey(), json: { ...PAYMENT, note: 'x'.repeat(2000) } })],
  mismatch: [
    422,
    async () => {
      const key = freshKey();
      await pay({ key });
      return pay({ key, json: { ...PAYMENT, amount: 1 } });
    },
  ],
  'in-progress': [
    409,
    async () => {
      const key = freshKey();
      const running = pay({ key, headers: { 'x-label': key, 'x-test-hold': key } });
      await origin.arrived(key);
      const reply = await pay({ key });
      await origin.go(key);
      await running;
      return reply;
    },
  ],
  'not-stored': [
    409,
    async () => {
      const key = freshKey();
      await pay({ key, headers: { 'x-test-body': 'binary:2000' } });
      return pay({ key });
    },
  ],
  unknown: [
    [502, 504],
    async () => {
      const key = freshKey();
      await pay({ key, headers: { 'x-test-hang-up': 'after' } });
      return pay({ key });
    },
  ],
};

const typesSeen = new Map();
for (const [outcome, [status, provoke]] of Object.entries(problems)) {
  test(`${outcome} is a problem that a person and a program can read`, async () => {
    const reply = await provoke();
    assert.equal(reply.outcome, outcome, reply.text);
    assert.ok([status].flat().includes(reply.status), `status ${reply.status}`);
    assert.match(reply.header('content-type'), /^application\/problem\+json\b/);

    const problem = reply.json;
    assert.equal(problem.status, reply.status);
    for (const member of ['title', 'detail']) {
      assert.equal(typeof problem[member], 'string');
      assert.ok(problem[member].length > 5, `${member} says nothing: ${problem[member]}`);
    }
    assert.ok(URL.canParse(problem.type), `type is no URI: ${problem.type}`);
    assert.ok(!typesSeen.has(problem.type), `${outcome} and ${typesSeen.get(problem.type)} have one type`);
    typesSeen.set(problem.type, outcome);
    assert.match(reply.header('link') ?? '', /^<[^>]+>; *rel="?describedby"?$/);

    const again = await provoke();
    assert.equal(again.json.type, problem.type);
    assert.equal(again.json.title, problem.title);
  });

  test(`${outcome} shows no credential`, async () => {
    const reply = await provoke();
    assert.ok(!`${reply.rawHeaders} ${reply.text}`.includes('sk_live'));
  });
}

test('the answer does not tell whether another scope has the key', async () => {
  const [used, free] = [freshKey(), freshKey()];
  await pay({ key: used });
  const answers = [];
  for (const key of [used, free]) {
    const unscoped = await gate.post('/v1/payments', { key, json: PAYMENT });
    const foreign = await pay({ key, headers: { authorization: 'Bearer someone-else' } });
    assert.equal(foreign.outcome, 'created');
    answers.push(`${unscoped.status} ${unscoped.text}`.replaceAll(key, 'KEY'));
  }
  assert.equal(answers[0], answers[1]);
});

test('a problem answers as JSON even to a client that would rather have something else', async () => {
  const reply = await pay({ headers: { accept: 'text/html' } });
  assert.match(reply.header('content-type'), /^application\/problem\+json\b/);
});

test('no credential is in the log', () => {
  assert.ok(!gate.log.includes('sk_live'), gate.log);
});
