// A route with `cors`, and scripts of two sites in a browser: of the one that it names, and of another.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { PAYMENT, freshKey, route } from '../e2e/support/expect.mjs';
import { startGate } from '../e2e/support/gate.mjs';
import { handmadeOrigin } from '../e2e/support/origin.mjs';
import { startBrowser } from './support/browser.mjs';

const page = () => handmadeOrigin((_, outgoing) => outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<title>A site</title>'));
const [shop, other] = [await page(), await page()];
let executions = 0;
/** It allows every site what the gate's route allows one. */
const api = await handmadeOrigin((incoming, outgoing) => {
  incoming.resume();
  const allowed = { 'access-control-allow-origin': incoming.headers.origin ?? '*' };
  if (incoming.method === 'OPTIONS') {
    return outgoing.writeHead(204, { ...allowed, 'access-control-allow-headers': 'idempotency-key, content-type' }).end();
  }
  executions += 1;
  return outgoing.writeHead(201, { ...allowed, 'content-type': 'text/plain' }).end(`payment ${executions}`);
});
const gate = await startGate({ origin: api, routes: [route('payments', '/v1/payments', { cors: [shop.url] })] });
const browser = await startBrowser();
after(async () => {
  await gate.stop();
  for (const server of [shop, other, api]) await server.stop();
});

/** What the script of a site can read of the answers to these payments, one after the other; `null` where it can read nothing. */
async function pay(site, payments) {
  const { page, close } = await browser.open(site, { path: '/' });
  try {
    return await page.evaluate(payEach, [`${gate.url}/v1/payments`, payments]);
  } finally {
    await close();
  }
}

async function payEach([url, payments]) {
  const readable = [];
  for (const [key, payment] of payments) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(payment) }).catch(() => null);
    const of = (name) => reply.headers.get(name);
    readable.push(
      reply && { status: reply.status, mark: of('idempotency-status'), isReplay: of('idempotency-replayed'), link: of('link'), text: await reply.text() },
    );
  }
  return readable;
}

test('a script of the site that a route names reads answers, their marks, and what the gate says in their place', async () => {
  const key = freshKey();
  const [first, replay, mismatch] = await pay(shop, [[key, PAYMENT], [key, PAYMENT], [key, { ...PAYMENT, amount: 1 }]]);
  assert.deepEqual([first.status, first.mark, first.isReplay], [201, 'created', null]);
  assert.deepEqual([replay.status, replay.mark, replay.isReplay, replay.text], [201, 'replayed', 'true', first.text]);
  assert.deepEqual([mismatch.status, mismatch.mark], [422, 'mismatch']);
  assert.equal(JSON.parse(mismatch.text).status, 422);
  assert.match(mismatch.link, /problems#mismatch>; rel="describedby"/);
});

test('a script of another site reads what the API lets it read, and nothing that is the gate\'s', async () => {
  const key = freshKey();
  const [first, mismatch] = await pay(other, [[key, PAYMENT], [key, { ...PAYMENT, amount: 1 }]]);
  assert.deepEqual([first.status, first.mark], [201, null]);
  assert.equal(mismatch, null);
});
