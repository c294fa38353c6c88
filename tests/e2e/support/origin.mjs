// Origins: the example one as a process of its own, and ones that a test writes itself.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { send } from './http.mjs';
import { Child } from './processes.mjs';
import { until } from './until.mjs';

const SERVER = join(import.meta.dirname, '../../../examples/payments/server.mjs');

/** The example origin, in a process of its own. */
export async function startOrigin() {
  const child = new Child('the origin', process.execPath, [SERVER, '--port', '0']);
  const [, url] = await child.says(/^payments origin ready on (http:\S+)$/m);
  const ask = async (method, path, json) => (await send(url, method, path, { json })).json;
  return {
    url,
    port: Number(new URL(url).port),

    /** How often something was executed under this key. */
    async executions(key) {
      return (await ask('GET', '/_test/charges')).executions[key] ?? 0;
    },

    /** How often something was executed. */
    async count() {
      return (await ask('GET', '/_test/charges')).count;
    },

    /** The requests that arrived with this header and value, or all. */
    async requests(name, value) {
      const log = await ask('GET', '/_test/log');
      return name
        ? log.filter(({ headers }) => headers.some(([n, v]) => n.toLowerCase() === name && v === value))
        : log;
    },

    /** Waits until `times` requests of a test's label (see `labelled`) have arrived. */
    arrived(label, times = 1) {
      return until(`${times} requests labelled ${label} are at the origin`, async () => {
        return (await this.requests('x-label', label)).length >= times;
      });
    },

    /** How many requests of a test's label have arrived. */
    async calls(label) {
      return (await this.requests('x-label', label)).length;
    },

    /** Says what goes wrong with each of the next requests (see misbehaviour.mjs). */
    script: (...instructions) => ask('POST', '/_test/next', instructions),

    /** Lets those requests go on that wait for this name. */
    go: (name) => ask('POST', `/_test/go/${name}`),

    stop: () => child.stop(),
  };
}

/** An origin in this process. `handler` is as in `node:http`; `seen` has what came before the body of each request. */
export async function handmadeOrigin(handler = (_, outgoing) => outgoing.end('ok')) {
  const seen = [];
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers, rawHeaders } = incoming;
    seen.push({ method, url, headers, rawHeaders });
    handler(incoming, outgoing);
  });
  server.keepAliveTimeout = 10 * 60 * 1000; // see the example origin
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  return {
    server,
    seen,
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
