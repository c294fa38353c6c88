// Routes that take events: only what their sender has signed gets a record, and each event is taken once. Events are signed by the senders'
// own libraries (Standard Webhooks, Stripe), and for GitHub as its documentation says.

import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';

import { assertCreated, assertProblem, assertReplayed, freshKey } from './support/expect.mjs';
import { serve } from './support/gate.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NEXT = `whsec_${Buffer.from('the next secret of the sender').toString('base64')}`;
const STRIPE = 'whsec_test_secret_of_stripe';
const GITHUB = 'a-secret-of-a-repository';

const { gate, origin } = await serve(
  [
    { name: 'standard', path: '/v1/payments', webhook: 'standard', shards: 1 },
    { name: 'stripe', path: '/v1/payment_intents', webhook: { sender: 'stripe', secret: 'WEBHOOK_SECRET_STRIPE' }, shards: 1 },
    { name: 'github', path: '/v1/orders', webhook: { sender: 'github', secret: 'WEBHOOK_SECRET_GITHUB' }, shards: 1 },
  ],
  {
    vars: {
      ADMIN_TOKEN: TOKEN,
      WEBHOOK_SECRET: `${NEXT} ${SECRET}`,
      WEBHOOK_SECRET_STRIPE: STRIPE,
      WEBHOOK_SECRET_GITHUB: GITHUB,
    },
  },
);
const operator = operatorOf(gate);
const BODY = JSON.stringify({ amount: 1000, currency: 'eur' });
const seconds = () => Math.floor(Date.now() / 1000);

/** The headers of an event of Standard Webhooks. */
function standard(id, { body = BODY, at = new Date(), secret = SECRET } = {}) {
  const signature = new Webhook(secret).sign(id, at, body);
  return { 'webhook-id': id, 'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`, 'webhook-signature': signature };
}
const stripe = (body, { timestamp = seconds(), secret = STRIPE } = {}) => {
  return { 'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp }) };
};
const github = (body, secret = GITHUB) => {
  return { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
};
const send = (path, headers, body = BODY, label = 'event') => {
  return gate.post(path, { body, headers: { 'content-type': 'application/json', 'x-label': label, ...headers } });
};

test('an event of Standard Webhooks is taken once, however often it is delivered', async () => {
  const id = `msg_${randomUUID()}`;
  const first = await send('/v1/payments', standard(id), BODY, id);
  assertCreated(first);
  for (const at of [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)]) {
    assertReplayed(await send('/v1/payments', standard(id, { at, secret: NEXT }), BODY, id), first);
  }
  assert.equal(await origin.calls(id), 1);
});

test('a hundred events of random content are verified as the reference signs them', async () => {
  for (let index = 0; index < 100; index++) {
    const body = JSON.stringify({ amount: index + 1, currency: 'eur', note: randomUUID().repeat(index % 7) + 'ä€😀'.slice(index % 3) });
    assertCreated(await send('/v1/payments', standard(`msg_${index}`, { body }), body));
  }
});

test('nobody without the secret can use up the id of an event', async () => {
  const id = `msg_${randomUUID()}`;
  const good = standard(id);
  const old = new Date(Date.now() - 10 * 60_000);
  const forged = [
    {},
    { ...good, 'webhook-signature': undefined },
    { ...good, 'webhook-id': `msg_${randomUUID()}` },
    { ...good, 'webhook-timestamp': `${seconds() - 5}` },
    standard(id, { secret: `whsec_${Buffer.from('of somebody else, long enough').toString('base64')}` }),
    standard(id, { at: old }),
    standard(id, { at: new Date(Date.now() + 10 * 60_000) }),
    { ...good, 'webhook-signature': good['webhook-signature'].replace('v1,', 'v2,') },
  ];
  for (const headers of forged) {
    const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
    const reply = await send('/v1/payments', sent, BODY, id);
    // Without an id it is told that the key is missing; neither gets to the origin.
    if (sent['webhook-id']) assertProblem(reply, 401, 'unverified');
    else assertProblem(reply, 400, 'missing');
  }
  assertProblem(await send('/v1/payments', good, '{"amount":1}', id), 401, 'unverified');
  assert.equal(await origin.calls(id), 0);
  assertCreated(await send('/v1/payments', good, BODY, id));
});

test('an event of Stripe is known by the id in its body, whatever else changes', async () => {
  const id = `evt_${randomUUID()}`;
  const body = (pending) => JSON.stringify({ id, amount: 5, currency: 'eur', pending_webhooks: pending });
  const first = await send('/v1/payment_intents', stripe(body(2)), body(2), id);
  assertCreated(first);
  assertReplayed(await send('/v1/payment_intents', stripe(body(1)), body(1), id), first);
  assertProblem(await send('/v1/payment_intents', stripe(body(1), { secret: SECRET }), body(1), id), 401, 'unverified');
  assertProblem(await send('/v1/payment_intents', stripe(body(1), { timestamp: seconds() - 400 }), body(1), id), 401, 'unverified');
  const without = JSON.stringify({ amount: 5 });
  assertProblem(await send('/v1/payment_intents', stripe(without), without, id), 400, 'missing');
  assert.equal(await origin.calls(id), 1);
});

test('an event of GitHub is known by its delivery', async () => {
  const [id, body] = [randomUUID(), JSON.stringify({ item: 'book' })];
  const headers = { 'x-github-delivery': id, ...github(body) };
  const first = await send('/v1/orders', headers, body, id);
  assertCreated(first);
  assertReplayed(await send('/v1/orders', headers, body, id), first);
  assertProblem(await send('/v1/orders', { ...headers, ...github(body, 'another secret of nobody') }, body, id), 401, 'unverified');
  assert.equal(await origin.calls(id), 1);
});

test('an event that the origin does not take is sent on again when its sender sends it again', async () => {
  const id = `msg_${randomUUID()}`;
  for (const status of ['500', '404', '410', '302']) {
    const refused = await send('/v1/payments', { ...standard(id), 'x-test-status': status }, BODY, id);
    assert.deepEqual([refused.status, refused.outcome], [Number(status), 'released']);
  }
  const taken = await send('/v1/payments', standard(id), BODY, id);
  assertCreated(taken);
  assertReplayed(await send('/v1/payments', standard(id), BODY, id), taken);
  assert.equal(await origin.calls(id), 5);
});

test('two deliveries at once: one is taken, the other is told to come again', async () => {
  const id = `msg_${randomUUID()}`;
  const held = send('/v1/payments', { ...standard(id), 'x-test-hold': id }, BODY, id);
  await origin.arrived(id);
  const other = await send('/v1/payments', standard(id), BODY, id);
  assertProblem(other, 409, 'in-progress');
  await origin.go(id);
  const first = await held;
  assertCreated(first);
  assertReplayed(await send('/v1/payments', standard(id), BODY, id), first);
});

test('no secret is in the log, or shown to an operator', async () => {
  await send('/v1/payments', standard(freshKey(), { secret: NEXT }));
  const shown = (await operator.get('config')).text;
  assert.match(shown, /"webhook": "standard"/);
  for (const text of [SECRET, NEXT, STRIPE, GITHUB]) assert.ok(!gate.log.includes(text) && !shown.includes(text));
});
