// Stripe's own client library, pointed at the gate. It makes a key for each payment by itself and retries by itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Stripe from 'stripe';

import { freshKey, route } from '../e2e/support/expect.mjs';
import { serve } from '../e2e/support/gate.mjs';

const { gate, origin } = await serve([route('intents', '/v1/payment_intents', { scope: ['header:Authorization'] })]);

function client(options = {}) {
  return new Stripe('sk_test_of_nobody', {
    host: '127.0.0.1',
    port: gate.port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 3,
    ...options,
  });
}

/** A payment by the library, labelled so that `charges` can count it; `key` where the library shall not make one. */
function pay(stripe, { label, key, amount = 1000 }) {
  const options = { additionalHeaders: { 'X-Label': label }, ...(key && { idempotencyKey: key }) };
  return stripe.rawRequest('POST', '/v1/payment_intents', { amount, currency: 'eur' }, options);
}

/** The payments that one label made: how often the origin executed under the key that its requests bore. */
async function charges(label) {
  const [request] = await origin.requests('x-label', label);
  const [, key] = request.headers.find(([name]) => name.toLowerCase() === 'idempotency-key');
  return origin.executions(key.replaceAll('"', ''));
}

test('a payment gets its result', async () => {
  const before = await origin.count();
  const payment = await client().paymentIntents.create({ amount: 1000, currency: 'eur' });
  assert.equal(payment.amount, 1000);
  assert.equal(payment.lastResponse.statusCode, 201);
  assert.equal(await origin.count(), before + 1);
});

test('an origin that executes and then hangs up is not asked again, and the caller gets an error', async () => {
  const label = freshKey();
  await origin.script({ 'hang-up': 'after' });
  await assert.rejects(pay(client({ maxNetworkRetries: 2 }), { label }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeError, `${error}`);
    assert.ok([502, 504].includes(error.statusCode), `status ${error.statusCode}`);
    assert.ok(error.message.length > 10, `the message says nothing: ${error.message}`);
    return true;
  });
  assert.equal(await charges(label), 1);
  assert.equal(await origin.calls(label), 1);
});

test('an origin that answers late has been asked once, and the caller gets its result', async () => {
  const label = freshKey();
  await origin.script({ delay: '1500ms' });
  const payment = await pay(client({ timeout: 400, maxNetworkRetries: 8 }), { label });
  assert.equal(payment.amount, 1000);
  assert.equal(payment.lastResponse.headers['idempotency-status'], 'replayed');
  assert.equal(await charges(label), 1);
  assert.equal(await origin.calls(label), 1);
});

test('an origin that refuses twice is asked a third time, and the caller gets its result', async () => {
  const label = freshKey();
  await origin.script({ fail: '503' }, { fail: '503' });
  const payment = await pay(client(), { label });
  assert.equal(payment.amount, 1000);
  assert.equal(await charges(label), 1);
  assert.equal(await origin.calls(label), 3);
});

test('a caller that uses its key again gets the same payment', async () => {
  const [label, key] = [freshKey(), freshKey()];
  const one = await pay(client(), { label, key });
  const other = await pay(client(), { label, key });
  assert.equal(other.id, one.id);
  assert.equal(other.lastResponse.headers['idempotency-replayed'], 'true');
  assert.equal(await charges(label), 1);
});

test('a caller that uses its key for another amount gets an error', async () => {
  const [label, key] = [freshKey(), freshKey()];
  await pay(client(), { label, key });
  await assert.rejects(pay(client(), { label, key, amount: 1 }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeError, `${error}`);
    assert.equal(error.statusCode, 422);
    return true;
  });
  assert.equal(await charges(label), 1);
});

test('a caller whose payment is still running when it has no more retries gets an error', async () => {
  const [label, key] = [freshKey(), freshKey()];
  await origin.script({ hold: label });
  const running = pay(client({ maxNetworkRetries: 0 }), { label, key });
  await origin.arrived(label);
  await assert.rejects(pay(client({ maxNetworkRetries: 0 }), { label, key }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeError, `${error}`);
    assert.equal(error.statusCode, 409);
    return true;
  });
  await origin.go(label);
  assert.equal((await running).amount, 1000);
  assert.equal(await charges(label), 1);
});
