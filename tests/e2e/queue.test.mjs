// Messages of a queue: each is taken once by the origin, however often the queue delivers it. The queue is miniflare's, which delivers to the
// Worker's real `queue` handler in workerd.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { after, suite, test } from 'node:test';

import { Miniflare, convertV4MiniflareOptions } from 'miniflare';

import { route } from './support/expect.mjs';
import { temporaryFolder } from './support/gate.mjs';
import { handmadeOrigin } from './support/origin.mjs';
import { until } from './support/until.mjs';
import { builtWorker } from './support/workerd.mjs';

/** What the origin has executed: the body and the type of each message, by its key. */
const executed = new Map();
/** How many times it still answers so, by the text of the message. */
const faults = new Map();
const origin = await handmadeOrigin(async (incoming, outgoing) => {
  const body = Buffer.concat(await incoming.toArray());
  const [key, type] = [incoming.headers['idempotency-key'], incoming.headers['content-type']];
  const fault = faults.get(body.toString()) ?? [];
  const next = fault.shift();
  if (next === 'refuse') return outgoing.writeHead(500).end('not now');
  executed.set(key, [...(executed.get(key) ?? []), { body, type, path: incoming.url, method: incoming.method }]);
  if (next === 'break') return outgoing.destroy();
  return outgoing.writeHead(201, { 'content-type': 'text/plain' }).end('taken');
});
const folder = await temporaryFolder();
const modules = await Promise.all(
  (await builtWorker()).map(async (path) => {
    const isWasm = path.endsWith('.wasm');
    return { type: isWasm ? 'CompiledWasm' : 'ESModule', path: basename(path), contents: await readFile(path, isWasm ? null : 'utf8') };
  }),
);
const producer = `export default {
  async fetch(request, { ORDERS, STRAY }) {
    const { as, text, queue } = await request.json();
    const bodies = {
      text, bytes: new TextEncoder().encode(text), json: { text },
      date: { text, at: new Date(0), nothing: undefined }, map: { text, tags: new Map([['a', 1]]) },
    };
    await (queue === 'stray' ? STRAY : ORDERS).send(bodies[as], { contentType: as === 'date' || as === 'map' ? 'v8' : as });
    return new Response('sent');
  },
};`;
const delivery = { maxBatchSize: 10, maxBatchTimeout: 0, maxRetries: 10, retryDelay: 0 };
const options = {
  workers: [
    {
      name: 'producer',
      modules: true,
      script: producer,
      queueProducers: { ORDERS: { queueName: 'orders' }, STRAY: { queueName: 'stray' } },
    },
    {
      name: 'gate',
      modules,
      compatibilityDate: '2026-11-17',
      bindings: { ORIGIN: origin.url, ROUTES: [route('orders', '/v1/orders', { queue: 'orders', on_unknown: 'retry' })] },
      durableObjects: { LEDGER: { className: 'Ledger', useSQLite: true } },
      queueConsumers: { orders: delivery, stray: { ...delivery, maxRetries: 1 } },
    },
  ],
  handleStructuredLogs({ message }) {
    log += `${message}\n`;
  },
  defaultPersistRoot: folder.path,
};
let log = '';
const platform = new Miniflare(convertV4MiniflareOptions(options));
after(async () => {
  await platform.dispose();
  await origin.stop();
});
const send = (text, { as = 'text', queue = 'orders' } = {}) => {
  return platform.dispatchFetch('http://producer/', { method: 'POST', body: JSON.stringify({ as, text, queue }) });
};
/** The executions of the messages with this text. */
const of = (text) => [...executed].filter(([, [{ body }]]) => body.toString().includes(text));
const lines = (outcome) => log.split('\n').filter((line) => line.includes(`"outcome":"${outcome}"`)).length;

/** A message comes again after 30 seconds. */
const SECONDS = 120;

suite('messages', { concurrency: true }, () => {
  test('a message is a request with its id as the key, its body as it is', async () => {
    const types = { text: 'text/plain;charset=utf-8', json: 'application/json', bytes: 'application/octet-stream' };
    for (const as of Object.keys(types)) await send(`a message as ${as}`, { as });
    await until('all are executed', () => Object.keys(types).every((as) => of(`a message as ${as}`).length > 0));
    for (const [as, type] of Object.entries(types)) {
      const [[key, [{ body, ...request }]]] = of(`a message as ${as}`);
      assert.match(key, /^"[0-9a-f]{32}"$/);
      assert.deepEqual(request, { type, path: '/v1/orders', method: 'POST' });
      const text = as === 'json' ? JSON.parse(body).text : body.toString();
      assert.equal(text, `a message as ${as}`);
    }
  });

  test('a message of more than JSON has is sent only where nothing of it is lost', async () => {
    await send('a message with a date', { as: 'date' });
    await send('a message with a map', { as: 'map' });
    await until('the one is taken', () => of('a message with a date').length === 1);
    assert.deepEqual(JSON.parse(of('a message with a date')[0][1][0].body), { text: 'a message with a date', at: '1970-01-01T00:00:00.000Z' });
    await until('the other is in the log', () => log.includes('"oncegate":"message not sent"') && log.includes('tags is of the kind Map'));
    assert.equal(of('a message with a map').length, 0);
  });

  test('a message that the origin does not take comes again, and is taken once', async () => {
    faults.set('refused at first', ['refuse']);
    await send('refused at first');
    await until('it is taken', () => of('refused at first').length === 1, { seconds: SECONDS });
    assert.equal(of('refused at first')[0][1].length, 1);
    assert.ok(lines('released') >= 1);
  });

  test('a message whose outcome is unknown comes again under the same key', async () => {
    faults.set('executed without an answer', ['break']);
    await send('executed without an answer');
    // The route says on_unknown = "retry": the origin sees it twice, under one key, and can tell.
    await until('it is taken', () => of('executed without an answer')[0]?.[1].length === 2, { seconds: SECONDS });
    assert.equal(of('executed without an answer').length, 1);
  });

  test('many messages at once are each taken once', async () => {
    const texts = Array.from({ length: 40 }, (_, index) => `one of many ${index}.`);
    for (const text of texts) if (Number(/\d+/.exec(text)) % 5 === 0) faults.set(text, ['refuse']);
    await Promise.all(texts.map((text) => send(text)));
    await until('all are taken', () => texts.every((text) => of(text).length > 0), { seconds: SECONDS });
    for (const text of texts) {
      assert.equal(of(text).length, 1, text);
      assert.equal(of(text)[0][1].length, 1, text);
    }
  });

  test('messages of a queue that no route takes come again, and the log says why', async () => {
    await send('nobody', { queue: 'stray' });
    await until('it is in the log', () => log.includes('"oncegate":"messages not taken"') && log.includes('no route takes the messages of this queue'));
    assert.equal(of('nobody').length, 0);
  });
});
