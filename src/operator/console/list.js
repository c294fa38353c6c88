// The records of a route that stand so: page by page, as the API walks through its ledgers.

import { attempt, element, offerRoutes, pick, say, time } from './elements.js';

const STATES = { unknown: 'unknown', 'in-progress': 'in progress' };

export class List {
  #api;
  #open;
  /** What is listed, with where each page begins up to this one. */
  #asked;
  #section = pick('#list');

  /** `open(route, id)` is called for a record that is chosen. */
  constructor(api, routes, open) {
    this.#api = api;
    this.#open = open;
    offerRoutes(pick('#list-route'), routes);
    pick('form', this.#section).onsubmit = (event) => {
      event.preventDefault();
      const value = (id) => pick(id).value;
      this.#asked = { route: value('#list-route'), state: value('#list-state'), limit: value('#list-limit'), pages: [undefined] };
      this.#load(event.submitter);
    };
    pick('#next').onclick = ({ target }) => {
      this.#asked.pages.push(this.#asked.next);
      this.#load(target);
    };
    pick('#previous').onclick = ({ target }) => {
      this.#asked.pages.pop();
      this.#load(target);
    };
  }

  /** Lists the same page again, after a change. */
  reload() {
    if (this.#asked) this.#load(undefined, () => {});
  }

  #load(control, tell = say) {
    return attempt(this.#section, control, async () => {
      const { route, state, limit, pages } = this.#asked;
      const page = await this.#api.records(route, { state, limit, after: pages.at(-1) });
      this.#asked.next = page.next;
      tell(this.#show(page));
    });
  }

  /** Shows a page, and gives what is to be said of it. */
  #show({ route, state, records, unreadable, failed, next }) {
    const { pages } = this.#asked;
    const isWhole = next === null && pages.length === 1;
    const count = records.length === 0 ? 'No records' : `${records.length} ${records.length === 1 ? 'record' : 'records'}`;
    const where = isWhole ? '' : ` on page ${pages.length}${next === null ? ', the last' : ''}`;
    const lost = unreadable > 0 ? ` ${unreadable} could not be read.` : '';
    const silent = failed.length > 0 ? ` These ledgers did not answer: ${failed.join(', ')}.` : '';
    const said = `${count} of ${route} in state ${STATES[state]}${where}.${lost}${silent}`;
    pick('#list-note').textContent = said;

    const table = pick('table', this.#section);
    table.hidden = records.length === 0;
    pick('caption', table).textContent = said;
    pick('tbody', table).replaceChildren(...records.map((record) => this.#row(route, record)));
    offer(pick('#previous'), pages.length > 1);
    offer(pick('#next'), next !== null);
    return said;
  }

  #row(route, { id, state, doubt, since, attempt: number }) {
    const click = () => this.#open(route, id);
    const open = element('button', { type: 'button', class: 'code', title: id, click }, `${id.slice(0, 8)}…`);
    return element(
      'tr',
      {},
      element('td', {}, open),
      element('td', {}, doubt ? `${STATES[state] ?? state}: ${doubt}` : (STATES[state] ?? state)),
      element('td', {}, since === null ? '' : time(since)),
      element('td', { class: 'wide number' }, String(number)),
    );
  }
}

/** Shows a control or hides it. The focus does not vanish with it. */
function offer(button, isPossible) {
  if (!isPossible && document.activeElement === button) pick('#list-note').focus();
  button.hidden = !isPossible;
}
