// axios with axios-retry.

import axios from 'axios';
import axiosRetry from 'axios-retry';

import { PAYMENT } from '../e2e/support/expect.mjs';
import { pay } from './guide/axios.mjs';
import { testRetries } from './support/retries.mjs';

async function payByDefault(url, key, timeout) {
  const client = axios.create({ timeout });
  axiosRetry(client, { retries: 1 });
  return (await client.post(url, PAYMENT, { headers: { 'Idempotency-Key': `"${key}"` } })).data;
}

await testRetries('axios-retry', (rules, url, key, timeout) =>
  rules === 'guide' ? pay(url, key, PAYMENT, { timeout }) : payByDefault(url, key, timeout),
);
