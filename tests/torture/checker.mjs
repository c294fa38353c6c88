// Decides by the history alone whether the promises were kept. What it holds of a key is bounded by how often the origin was
// called for it.

import { RIGHT } from './faults.mjs';
import { KEY_RULES, REQUEST_RULES, isAnswer } from './rules.mjs';

const MOST_BREACHES = 1_000;
const NAMES = [...Object.keys(KEY_RULES), ...Object.keys(REQUEST_RULES)];

/**
 * The breaches in a history, how often each rule was checked and broken, and figures. `originEvents` and `clientEvents` are
 * what the two have written down, each in its order.
 */
export function check(originEvents, clientEvents) {
  const checker = new Checker();
  for (const event of originEvents) checker.origin(event);
  for (const event of clientEvents) checker.client(event);
  return checker.conclude();
}

class Checker {
  #keys = new Map();
  #open = new Map();
  #downs = [];
  #isCalm = false;
  #rules = Object.fromEntries(NAMES.map((name) => [name, { checked: 0, broken: 0 }]));
  #breaches = [];
  #figures = {
    requests: 0,
    answers: {},
    lastAnswers: {},
    calls: 0,
    lastCalls: 0,
    faults: {},
    executions: 0,
    lateExecutions: 0,
    kills: 0,
    hungUp: 0,
    cut: 0,
    lost: 0,
    stormMicros: 0,
  };

  origin(event) {
    const figures = this.#figures;
    if (event.e === 'called') {
      this.#key(event).calls.push(event);
      figures[event.calm ? 'lastCalls' : 'calls'] += 1;
      if (event.fault !== RIGHT) count(figures.faults, event.fault);
    }
    if (event.e === 'executed') {
      this.#key(event).executions.push(event);
      figures.executions += 1;
      if (event.late) figures.lateExecutions += 1;
    }
    if (event.e === 'replied' && event.refuses) {
      const call = this.#key(event).calls.findLast(({ fence, r }) => fence === event.fence && r === event.r);
      if (call) call.refusedAt = event.t;
    }
  }

  client(event) {
    this.#measure(event);
    if (event.e === 'killed') this.#downs.push({ from: event.t, to: Infinity });
    if (event.e === 'restarted') this.#downs.at(-1).to = event.t;
    if (event.e === 'sent') this.#sent(event);
    if (['answered', 'hung-up', 'lost'].includes(event.e)) this.#ended(event);
  }

  conclude() {
    for (const sent of this.#open.values()) {
      this.#rules['every request is answered'].checked += 1;
      this.#breach('every request is answered', sent, 'the history does not say what became of it');
    }
    for (const [name, known] of this.#keys) {
      const [tenant, key] = JSON.parse(name);
      this.#apply(KEY_RULES, { tenant, key }, known);
    }
    const keys = [...this.#keys.values()].filter(({ isAsked }) => isAsked).length;
    return { rules: this.#rules, breaches: this.#breaches, figures: { keys, ...this.#figures } };
  }

  #sent(event) {
    const known = this.#key(event);
    known.isAsked = true;
    for (const call of known.calls) if (call.r === event.r) call.isAskedFor = true;
    this.#open.set(event.r, event);
    this.#figures.requests += 1;
  }

  #ended({ t, e, r, ...how }) {
    const { t: sentAt, p, calm, tenant, key } = this.#open.get(r);
    this.#open.delete(r);
    const wasUp = !this.#downs.some(({ from, to }) => from <= t && to >= sentAt);
    const asked = { r, tenant, key, p, calm, sentAt, end: e, endedAt: t, wasUp, ...how };
    const known = this.#key(asked);
    this.#apply(REQUEST_RULES, asked, asked, known);
    if (isAnswer(asked)) known.told ??= asked;
    this.#tally(asked);
  }

  #apply(rules, whose, ...what) {
    for (const [name, rule] of Object.entries(rules)) {
      if (!rule.holdsFor(...what)) continue;
      this.#rules[name].checked += 1;
      const text = rule.wrong(...what);
      if (text) this.#breach(name, whose, text);
    }
  }

  #breach(rule, { tenant, key, r }, text) {
    this.#rules[rule].broken += 1;
    if (this.#breaches.length < MOST_BREACHES) this.#breaches.push({ rule, tenant, key, r, text });
  }

  #tally({ end, mark, cut, calm }) {
    if (end === 'answered') count(calm ? this.#figures.lastAnswers : this.#figures.answers, mark);
    if (end === 'hung-up') this.#figures.hungUp += 1;
    if (cut) this.#figures.cut += 1;
    if (end === 'lost') this.#figures.lost += 1;
  }

  #measure({ t, e }) {
    if (e === 'killed') this.#figures.kills += 1;
    if (e === 'calm') this.#isCalm = true;
    this.begunAt ??= t;
    if (!this.#isCalm) this.#figures.stormMicros = t - this.begunAt;
  }

  #key({ tenant, key }) {
    const name = JSON.stringify([tenant, key]);
    if (!this.#keys.has(name)) this.#keys.set(name, { calls: [], executions: [] });
    return this.#keys.get(name);
  }
}

function count(counts, name) {
  counts[name] = (counts[name] ?? 0) + 1;
}
