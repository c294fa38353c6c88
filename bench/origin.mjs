// The origin: nginx with fixed answers, so that it is never what is measured; and for requests that are to take a while, a server in
// this process.

import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { freePort } from '../tests/e2e/support/port.mjs';
import { Child } from '../tests/e2e/support/processes.mjs';
import { until } from '../tests/e2e/support/until.mjs';

/** How long an answer at `/v1/slow` takes. */
const SLOW_MS = 20;

/** Starts it; its files are in `folder`. */
export async function startOrigin(folder) {
  const large = join(folder, 'v1/large');
  await mkdir(large, { recursive: true });
  for (const [name, length] of [['64k', 64 << 10], ['1m', 1 << 20]]) {
    await writeFile(join(large, name), `{"id":"pay_1","pad":"${'x'.repeat(length - 24)}"}`);
  }
  const held = [];
  const slow = createServer((request, response) => {
    request.resume();
    const answer = () => {
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":"pay_1","status":"succeeded"}');
    };
    if (request.url === '/v1/held') held.push(answer);
    else setTimeout(answer, SLOW_MS);
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configuration(folder, port, slow.address().port));
  const child = new Child('nginx', 'nginx', ['-c', file, '-p', folder, '-e', 'stderr'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` },
  });
  const url = `http://127.0.0.1:${port}`;
  await until('nginx answers', () => fetch(url, { method: 'POST' }).catch(() => child.end && Promise.reject(child.output)));
  return {
    url,
    /** Answers what is asked at `/v1/held`, which is not answered before. */
    release: () => held.splice(0).forEach((answer) => answer()),
    async stop() {
      slow.closeAllConnections();
      slow.close();
      await child.stop('SIGQUIT');
    },
  };
}

function configuration(folder, port, slowPort) {
  return `daemon off;
worker_processes 1;
user root; # or a worker could not read what only root can; another user's nginx leaves this out
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 2m;
  client_body_buffer_size 2m;
  keepalive_requests 1000000000;
  upstream slow { server 127.0.0.1:${slowPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    default_type application/json;
    location / { return 201 '{"id":"pay_1","status":"succeeded"}'; }
    # nginx answers only GET from a file, and does so when it is to explain that.
    location /v1/large { root ${folder}; error_page 405 =201 $uri; }
    location /v1/slow { proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location /v1/held { proxy_pass http://slow; proxy_read_timeout 600s; }
  }
}
`;
}
