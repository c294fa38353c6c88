// Orders that are created once and paid once, whatever comes past the gate: a request that the network sends twice, one that
// comes late, one whose key an operator has freed by mistake, one that is sent again when the gate has forgotten its key.
//
// What decides is the database, in the transaction in which the effect is: a process may die between any two lines.

import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, item TEXT NOT NULL, status TEXT NOT NULL, paid_by TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS charges (order_id TEXT NOT NULL) STRICT; -- for somebody else to take, once for each row
  -- Two callers may use the same key, so it is unique for each of them.
  CREATE TABLE IF NOT EXISTS executed (
    account TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, fence TEXT NOT NULL, status INTEGER, body TEXT,
    PRIMARY KEY (account, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS closed_fences (fence TEXT PRIMARY KEY) STRICT;
`;

/** Why a call is not executed, and never will be. */
export class NotExecuted extends Error {}

/** The orders in a database. A `call` is `{ account, key, request, fence, deadline }`; answers are `{ status, body }`. */
export class Orders {
  #database;
  #now;

  constructor(file, now = Date.now) {
    this.#database = new DatabaseSync(file, { timeout: 5000 });
    this.#database.exec(SCHEMA);
    this.#now = now;
  }

  /** (a) A unique constraint on the key, and the answer stored in the same transaction as the effect. */
  create(call, { item }) {
    return this.#transaction(() => {
      // The constraint says who is first. In a database with many writers, a SELECT before it would not.
      const isFirst = this.#change(
        'INSERT INTO executed (account, key, request, fence) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        ...[call.account, call.key, call.request, call.fence],
      );
      if (!isFirst) return this.#storedAnswer(call);
      this.#refuseUnlessItMayBegin(call);

      const order = { id: `ord_${randomUUID()}`, item, status: 'open' };
      this.#change('INSERT INTO orders VALUES (?, ?, ?, ?, NULL)', order.id, call.account, order.item, order.status);
      const answer = { status: 201, body: JSON.stringify(order) };
      this.#change(
        'UPDATE executed SET status = ?, body = ? WHERE account = ? AND key = ?',
        ...[answer.status, answer.body, call.account, call.key],
      );
      return answer;
    });
  }

  /** (b) An update that names the state from which it leads: an order that is not open any more is not paid again. */
  pay(call, id) {
    return this.#transaction(() => {
      const isPaidNow = this.#change(
        "UPDATE orders SET status = 'paid', paid_by = ? WHERE id = ? AND account = ? AND status = 'open'",
        ...[call.key, id, call.account],
      );
      if (isPaidNow) {
        this.#refuseUnlessItMayBegin(call);
        this.#change('INSERT INTO charges VALUES (?)', id);
      }

      const order = this.#row('SELECT * FROM orders WHERE id = ? AND account = ?', id, call.account);
      if (!order) return problem(404, `There is no order ${id}.`);
      if (order.paid_by !== call.key) return problem(409, `The order ${id} was paid by another request.`);
      return { status: 200, body: JSON.stringify({ id, item: order.item, status: order.status }) };
    });
  }

  /**
   * What came of a call of `create`: its answer; or undefined, and then nothing will come of it. It may still be on its way here, so
   * its fence is closed before anybody is told so.
   */
  whatCameOf({ account, key, fence }) {
    return this.#transaction(() => {
      const found = this.#row('SELECT status, body FROM executed WHERE account = ? AND key = ?', account, key);
      if (!found) this.#change('INSERT INTO closed_fences VALUES (?) ON CONFLICT DO NOTHING', fence);
      return found;
    });
  }

  /** After the constraint has let it in, since the database may have had it wait there; what it has changed is taken back. */
  #refuseUnlessItMayBegin({ fence, deadline }) {
    const late = this.#now() - deadline;
    if (late > 0) throw new NotExecuted(`It came ${late} ms after Oncegate-Deadline.`);
    const closed = this.#row('SELECT fence FROM closed_fences WHERE fence = ?', fence);
    if (closed) throw new NotExecuted(`Somebody was told that the attempt ${fence} was not executed.`);
  }

  /** The answer that the key has, whichever attempt has executed it. */
  #storedAnswer({ account, key, request }) {
    const stored = this.#row('SELECT request, status, body FROM executed WHERE account = ? AND key = ?', account, key);
    if (stored.request !== request) return problem(422, `The key ${key} was used for another request.`);
    return { status: stored.status, body: stored.body };
  }

  /** All of it is done, or nothing. */
  #transaction(work) {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #row(statement, ...values) {
    return this.#database.prepare(statement).get(...values);
  }

  /** Whether it has changed anything. */
  #change(statement, ...values) {
    return this.#database.prepare(statement).run(...values).changes > 0;
  }
}

function problem(status, message) {
  return { status, body: JSON.stringify({ error: { message } }) };
}
