import axios from 'axios';
import axiosRetry, { exponentialDelay } from 'axios-retry';

const ASK_AGAIN = [408, 409, 425, 429, 502, 503, 504];

/** Pays once. `key` names the payment, also when it is tried again later. Each try may take `timeout` milliseconds. */
export async function pay(url, key, payment, { timeout = 30_000 } = {}) {
  const client = axios.create({ timeout });
  axiosRetry(client, {
    retries: 5,
    // By default a POST is sent again only where the connection broke.
    retryCondition: ({ response, code }) => (response ? ASK_AGAIN.includes(response.status) : code !== 'ERR_CANCELED'),
    // 200 ms, 400 ms and so on, and no less than Retry-After says.
    retryDelay: exponentialDelay,
    // By default all tries together have the time of one.
    shouldResetTimeout: true,
  });
  const answer = await client.post(url, payment, { headers: { 'Idempotency-Key': `"${key}"` } });
  return answer.data;
}
