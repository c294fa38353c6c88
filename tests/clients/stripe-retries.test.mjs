// The retries of Stripe's own client library.

import Stripe from 'stripe';

import { PAYMENT } from '../e2e/support/expect.mjs';
import { pay } from './guide/stripe.mjs';
import { testRetries } from './support/retries.mjs';

function payByDefault(url, key, timeout) {
  const { hostname, port, pathname } = new URL(url);
  const stripe = new Stripe('sk_test_of_nobody', {
    protocol: 'http',
    host: hostname,
    port,
    timeout,
    maxNetworkRetries: 1,
  });
  return stripe.rawRequest('POST', pathname, PAYMENT, { idempotencyKey: key });
}

await testRetries('stripe-node', (rules, url, key, timeout) =>
  rules === 'guide' ? pay(url, key, PAYMENT, { timeout }) : payByDefault(url, key, timeout),
);
