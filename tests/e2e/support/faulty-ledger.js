// The shipped Worker and ledger, in a wrapper that breaks what lies below and between them as a test says: the storage, the
// clock, the alarm, and the calls. It runs in workerd, as the main module of a gate; `control.js` reaches it.

import worker, { Ledger as Shipped } from './index.js';
import { Sent } from './sent.js';

export default worker;

const BEGIN = 1;
const now = Date.now;
let stepMs = 0;
Date.now = () => now() + stepMs;

/** Where a test may have calls held, in the order in which a request passes there. */
const POINTS = ['before begin', 'after begin', 'before settle', 'after settle'];
const forever = () => new Promise((end) => setTimeout(end, 600_000));

/** What is to happen to each ledger, by its name. It outlives the object, which is made anew when its storage has failed. */
const plans = new Map();
const late = new Map();

export class Ledger {
  constructor(state, env) {
    this.state = state;
    this.plan = plans.get(state.id.name) ?? { begin: [], settle: [] };
    plans.set(state.id.name, this.plan);
    this.held = new Map();
    if (this.plan.pages) state.storage.sql.setMaxPageCountForTest(this.plan.pages);
    const { sql } = state.storage;
    const exec = sql.exec.bind(sql);
    sql.exec = (statement, ...values) => this.stopAt(statement) ?? exec(statement, ...values);
    this.shipped = new Shipped(state, env);
  }

  async fetch(request) {
    if (new URL(request.url).host === 'test') return this.obey(await request.json());
    const sent = await Sent.of(request);
    const call = () => this.shipped.fetch(sent.request());
    const kind = sent.command === BEGIN ? 'begin' : 'settle';
    const fault = this.plan[kind].shift();
    await this.reach(`before ${kind}`, sent);
    if (fault === 'lost') throw new Error('lost on its way');
    if (fault === 'hang') await new Promise((end) => setTimeout(end, 60_000));
    if (fault === 'late') {
      late.set(this.state.id.name, [...(late.get(this.state.id.name) ?? []), sent]);
      throw new Error('late');
    }
    if (fault === 'twice') await call();
    const answer = await call();
    await this.reach(`after ${kind}`, sent);
    if (fault === 'answer-hangs') await new Promise((end) => setTimeout(end, 60_000));
    if (fault === 'answer-lost') throw new Error('its answer is lost');
    return answer;
  }

  /** Holds a call for good at the point where its ledger's plan says so, and later calls at the same or a later point. */
  async reach(point, sent) {
    if (!this.plan.hold || POINTS.indexOf(point) < POINTS.indexOf(this.plan.hold)) return;
    if (point === this.plan.hold) this.held.set(sent.id.toString(), sent);
    await forever();
  }

  /** Stops the whole of workerd, for good, before the statement that begins as the plan says, the so-manieth time. */
  stopAt(statement) {
    const { stopBefore } = this.plan;
    if (!stopBefore || !statement.startsWith(stopBefore.statement)) return;
    stopBefore.times -= 1;
    if (stopBefore.times > 0) return;
    console.log(`stopped before ${statement}`);
    for (;;);
  }

  async alarm() {
    if (this.plan.alarm === 'never') return;
    if (this.plan.alarm === 'twice') await this.shipped.alarm();
    await this.shipped.alarm();
  }

  /** Does what a test says, and answers with the rows that it asked for. */
  async obey({ step, pages, sql, plan, alarm, deliver, abort, query, undurable, held }) {
    if (step !== undefined) stepMs = step;
    if (pages) this.state.storage.sql.setMaxPageCountForTest(pages);
    Object.assign(this.plan, plan, pages && { pages });
    if (alarm) await this.shipped.alarm();
    for (const sent of deliver ? (late.get(this.state.id.name) ?? []) : []) await this.shipped.fetch(sent.request());
    if (sql) this.state.storage.sql.exec(sql);
    if (undurable) this.state.waitUntil(this.state.storage.transaction(() => this.writeInVain()));
    if (abort) this.state.abort('moved elsewhere');
    if (held) return Response.json({ rows: [...this.held.keys()] });
    return Response.json({ rows: query ? [...this.state.storage.sql.exec(query)] : [] });
  }

  /** Carries the held calls out in a transaction that never ends: what they write can be read here, and is not on disk. */
  async writeInVain() {
    for (const sent of this.held.values()) await this.shipped.fetch(sent.request());
    console.log(`${this.state.id.name} has written in vain`);
    await forever();
  }
}
