// The shipped Worker and ledger, in a wrapper that counts what the platform would bill: calls to the ledger and written rows.
// Worker and ledger share an isolate here, so they share the counts.

import worker, { Ledger as Shipped } from './index.js';

const counts = { calls: 0, rows: 0 };

export default {
  fetch(request, env, context) {
    if (new URL(request.url).pathname === '/counts') return Response.json(counts);
    return worker.fetch(request, env, context);
  },
};

export class Ledger {
  constructor(state, env) {
    const { storage } = state;
    const { sql } = storage;
    const [exec, setAlarm] = [sql.exec.bind(sql), storage.setAlarm.bind(storage)];
    sql.exec = (...statement) => {
      const cursor = exec(...statement);
      counts.rows += cursor.rowsWritten;
      return cursor;
    };
    // An alarm that is set is billed as a row.
    storage.setAlarm = (...when) => {
      counts.rows += 1;
      return setAlarm(...when);
    };
    this.shipped = new Shipped(state, env);
  }

  fetch(request) {
    counts.calls += 1;
    return this.shipped.fetch(request);
  }

  alarm() {
    return this.shipped.alarm();
  }
}
