// The floor of doing this job with these durable writes: one claim, one completion, and nothing else that a gate must do. It
// scopes nothing, compares no payload, knows no lease, keeps no headers but one, and what it has begun it never ends after a crash.

import { DurableObject } from 'cloudflare:workers';

export class Ledger extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS r (key TEXT PRIMARY KEY, status INTEGER, type TEXT, body BLOB) WITHOUT ROWID');
  }

  claim(key) {
    if (this.sql.exec('INSERT INTO r (key) VALUES (?) ON CONFLICT DO NOTHING', key).rowsWritten > 0) return null;
    return this.sql.exec('SELECT status, type, body FROM r WHERE key = ?', key).one();
  }

  complete(key, status, type, body) {
    this.sql.exec('UPDATE r SET status = ?, type = ?, body = ? WHERE key = ?', status, type, body, key);
  }
}

export default {
  async fetch(request, env) {
    const key = request.headers.get('idempotency-key');
    const ledger = env.LEDGER.getByName(`payments-${key.charCodeAt(key.length - 1) % 8}`);
    const found = await ledger.claim(key);
    if (found) return answer(found.status, found.type, found.body);
    const { pathname, search } = new URL(request.url);
    const response = await fetch(new Request(env.ORIGIN + pathname + search, request));
    const type = response.headers.get('content-type');
    const body = await response.arrayBuffer();
    await ledger.complete(key, response.status, type, body);
    return answer(response.status, type, body);
  },
};

function answer(status, type, body) {
  return new Response(body, { status, headers: { 'content-type': type } });
}
