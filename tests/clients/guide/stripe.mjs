import Stripe from 'stripe';

/** Pays once. `key` names the payment, also when it is tried again later. Each try may take `timeout` milliseconds. */
export function pay(url, key, payment, { secret = 'sk_test_of_nobody', timeout = 30_000 } = {}) {
  const { protocol, hostname, port, pathname } = new URL(url);
  const stripe = new Stripe(secret, {
    protocol: protocol.replace(':', ''),
    host: hostname,
    port,
    maxNetworkRetries: 5,
    timeout,
  });
  return stripe.rawRequest('POST', pathname, payment, { idempotencyKey: key });
}
