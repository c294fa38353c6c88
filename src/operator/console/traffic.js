// What becomes of requests, route by route: the counters, asked again and again, and their differences over time.

import { SHOWN, legend, outcomeBars, rateLine } from './charts.js';
import { ALARMING, duplicateRate, growth, label, outcomes, percent, total } from './counters.js';
import { element, pick } from './elements.js';

export class Traffic {
  #api;
  /** Of each route: its name and mode, the last sums and when they were asked for, what has grown since, and its part of the page. */
  #routes;
  #all = { samples: [], card: card() };
  #timer;
  #isAsking = false;
  #section = pick('#traffic');

  constructor(api, routes) {
    this.#api = api;
    this.#routes = routes.map(({ name, mode }) => ({ name, mode, samples: [], card: card() }));
    pick('#routes').replaceChildren(this.#all.card, ...this.#routes.map((route) => route.card));
    pick('#ask-now').onclick = () => this.ask();
    pick('#interval').onchange = () => this.#wait();
  }

  /** Asks all routes once, shows what has changed, and asks again after the interval. */
  async ask() {
    if (this.#timer === null || this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    const problem = await this.#askAll().catch(({ message }) => message);
    this.#isAsking = false;
    const place = pick('.problem', this.#section);
    // What is said anew is read out anew, so nothing is that has not changed.
    if (place.textContent !== problem) place.textContent = problem;
    this.#wait();
  }

  /** Gives what is to be said of it. */
  async #askAll() {
    const [at, answers] = [new Date(), []];
    for (const { name } of this.#routes) answers.push(await this.#api.counters(name));
    return this.#take(at, answers);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Nobody is asked while nobody looks: each question wakes ledgers, which has its price. */
  #wait() {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    const seconds = Number(pick('#interval').value);
    if (seconds > 0) this.#timer = setTimeout(() => (document.hidden ? this.#wait() : this.ask()), seconds * 1000);
  }

  #take(at, answers) {
    const failed = answers.flatMap((answer) => answer.failed);
    const ledgers = answers.reduce((all, answer) => all + answer.ledgers, 0);
    this.#routes.forEach((route, index) => add(route, at, answers[index]));
    const newest = this.#routes.map((route) => route.samples.at(-1)).filter((sample) => sample !== undefined);
    if (failed.length === 0 && newest.length > 0) push(this.#all, newest[0].since, total(newest.map(({ grown }) => grown)));

    for (const route of this.#routes) this.#show(route, route.name, route.mode, [outcomeBars(route.samples)]);
    const drawings = [rateLine(this.#all.samples), outcomeBars(this.#all.samples)];
    this.#all.sums = total(this.#routes.map(({ sums }) => sums ?? {}));
    this.#show(this.#all, 'All routes', undefined, drawings);
    pick('#asked').textContent =
      `Asked at ${clock(at)} UTC; ${ledgers} ledgers are asked each time, and none while this page is hidden. ` +
      'A bar is what came between two times.';
    return failed.length > 0 ? `These ledgers did not answer, so their routes are not drawn: ${failed.join(', ')}.` : '';
  }

  #show({ sums, samples, card: shown }, name, mode, drawings) {
    const grown = total(samples.map((sample) => sample.grown));
    const requests = outcomes(grown).reduce((all, some) => all + some, 0);
    const since = samples.length > 0 ? `since ${clock(samples[0].since)} UTC` : 'yet';
    const rate =
      requests === 0
        ? [`No requests ${since}`]
        : ['Duplicates: ', element('strong', {}, percent(duplicateRate(grown))), ` of ${requests} requests ${since}`];
    const isOpen = pick('details', shown)?.open;
    const hadFocus = shown.contains(document.activeElement);
    const marked = mode && mode !== 'enforce' ? badge(mode, mode) : undefined;
    shown.replaceChildren(element('div', {}, element('h3', {}, name), marked), element('p', { class: 'rate' }, ...rate));
    shown.append(...drawings, legend(grown), counterTable(name, sums ?? {}, grown, isOpen));
    if (hadFocus) pick('summary', shown).focus();
  }
}

function card() {
  return element('div', { class: 'panel' });
}

function badge(kind, text) {
  return element('span', { class: `badge ${kind}` }, text);
}

/** Sums that lack a ledger would seem to shrink, and then to jump. */
function add(route, at, { counters, failed }) {
  if (failed.length > 0) return;
  if (route.sums) push(route, route.at, growth(route.sums, counters));
  Object.assign(route, { at, sums: counters });
}

function push(of, since, grown) {
  of.samples.push({ since, grown });
  if (of.samples.length > SHOWN) of.samples.shift();
}

function counterTable(name, sums, grown, isOpen) {
  const row = (counter) => {
    const isAlarming = ALARMING.includes(counter) && sums[counter] > 0;
    return element(
      'tr',
      {},
      element('th', { scope: 'row' }, label(counter), isAlarming ? badge('unknown', 'look closer') : undefined),
      element('td', { class: 'number' }, String(grown[counter] ?? 0)),
      element('td', { class: 'number' }, String(sums[counter])),
    );
  };
  const heads = ['Counter', 'Here', 'In all'].map((text) => element('th', { scope: 'col' }, text));
  return element(
    'details',
    { open: isOpen ? '' : undefined },
    element('summary', {}, `All counters of ${name === 'All routes' ? 'all routes' : name}`),
    element('table', {}, element('thead', {}, element('tr', {}, heads)), element('tbody', {}, Object.keys(sums).map(row))),
  );
}

function clock(at) {
  return at.toISOString().slice(11, 19);
}
