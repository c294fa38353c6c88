// The shipped Worker and ledger, in a wrapper that breaks what lies below and between them as a test says: the storage, the
// clock, the alarm, and the calls. It runs in workerd, as the main module of a gate; `control.js` reaches it.

import worker, { Ledger as Shipped } from './index.js';

export default worker;

const BEGIN = 1; // the second byte of a frame
const now = Date.now;
let stepMs = 0;
Date.now = () => now() + stepMs;

/** What is to happen to each ledger, by its name. It outlives the object, which is made anew when its storage has failed. */
const plans = new Map();
const late = new Map();

export class Ledger {
  constructor(state, env) {
    this.state = state;
    this.plan = plans.get(state.id.name) ?? { begin: [], settle: [] };
    plans.set(state.id.name, this.plan);
    if (this.plan.pages) state.storage.sql.setMaxPageCountForTest(this.plan.pages);
    this.shipped = new Shipped(state, env);
  }

  async fetch(request) {
    if (new URL(request.url).host === 'test') return this.obey(await request.json());
    const frame = await request.arrayBuffer();
    const call = () => this.shipped.fetch(new Request(request.url, { method: 'POST', body: frame.slice() }));
    const calls = new Uint8Array(frame)[1] === BEGIN ? this.plan.begin : this.plan.settle;
    const fault = calls.shift();
    if (fault === 'lost') throw new Error('lost on its way');
    if (fault === 'hang') await new Promise((end) => setTimeout(end, 60_000));
    if (fault === 'late') {
      late.set(this.state.id.name, [...(late.get(this.state.id.name) ?? []), frame]);
      throw new Error('late');
    }
    if (fault === 'twice') await call();
    const answer = await call();
    if (fault === 'answer-hangs') await new Promise((end) => setTimeout(end, 60_000));
    if (fault === 'answer-lost') throw new Error('its answer is lost');
    return answer;
  }

  async alarm() {
    if (this.plan.alarm === 'never') return;
    if (this.plan.alarm === 'twice') await this.shipped.alarm();
    await this.shipped.alarm();
  }

  /** Does what a test says, and answers with the rows that it asked for. */
  async obey({ step, pages, sql, plan, alarm, deliver, abort, query }) {
    if (step !== undefined) stepMs = step;
    if (pages) this.state.storage.sql.setMaxPageCountForTest(pages);
    Object.assign(this.plan, plan, pages && { pages });
    if (alarm) await this.shipped.alarm();
    for (const frame of deliver ? (late.get(this.state.id.name) ?? []) : []) {
      await this.shipped.fetch(new Request('https://ledger/', { method: 'POST', body: frame }));
    }
    if (sql) this.state.storage.sql.exec(sql);
    if (abort) this.state.abort('moved elsewhere');
    return Response.json({ rows: query ? [...this.state.storage.sql.exec(query)] : [] });
  }
}
