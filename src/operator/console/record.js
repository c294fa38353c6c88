// One record: how it stands, what happened to it, and what can be done about it.

import { CHANGES, askFor } from './change.js';
import { attempt, element, pick, say, terms, time } from './elements.js';

const DOUBTS = {
  'connection-lost': 'the connection to the origin broke',
  'origin-timeout': 'the origin did not answer in time',
  'body-cut': "the origin's answer broke off",
  'not-recorded': "the origin's answer could not be written down",
  'lease-expired': 'the Worker never said how it ended',
};

const EVENTS = {
  claimed: 'Claimed, and sent to the origin',
  completed: 'Completed',
  released: 'Released: the key was freed',
  doubted: 'Outcome in doubt',
  moved: 'Given away to the next layout',
  probed: 'The origin was asked about it',
  resolved: 'Settled by an operator',
  forgotten: 'Forgotten by an operator',
};

export class RecordView {
  #api;
  #changed;
  #section = pick('#record');

  /** `changed()` is called when a record has been changed here. */
  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  /** Asks for a record by its id, and shows it. */
  open(route, id) {
    return attempt(this.#section, undefined, async () => this.show(route, await this.#api.record(route, id)));
  }

  /** Shows a record, and leads whoever uses the keyboard or a small screen to it. */
  show(route, record) {
    pick('.problem', this.#section).textContent = '';
    pick('#record-content').replaceChildren(
      ...[summary(route, record), this.#actions(route, record), timeline(record)],
      ...(record.response ? [this.#response(route, record)] : []),
    );
    say(`Record ${record.id.slice(0, 12)} is ${record.state}.`);
    this.#section.focus({ preventScroll: true });
    this.#section.scrollIntoView({ block: 'nearest' });
  }

  #actions(route, record) {
    const offer = (change) => {
      const settle = (asked) => this.#settle(route, record.id, change, asked);
      const click = () => askFor(change, record, settle);
      return element('button', { type: 'button', class: change.isDangerous ? 'danger' : '', click }, `${change.title}…`);
    };
    const again = element('button', { type: 'button', click: () => this.open(route, record.id) }, 'Look again');
    const possible = CHANGES.filter(({ states }) => states.includes(record.state));
    return element('div', { class: 'actions' }, again, possible.map(offer));
  }

  /** Has a change made, and gives what shows what came of it. A refusal that says how the record stands is shown beside that. */
  async #settle(route, id, { action, done }, asked) {
    const shown = (record, tell) => () => {
      this.show(route, record);
      tell();
      this.#changed();
    };
    try {
      return shown(await this.#api[action](route, id, asked), () => say(done));
    } catch (refusal) {
      if (!refusal.record) throw refusal;
      return shown(refusal.record, () => (pick('.problem', this.#section).textContent = refusal.message));
    }
  }

  #response(route, { id, response }) {
    const place = element('div', {}, element('p', { class: 'problem', role: 'alert' }));
    const load = ({ target }) =>
      attempt(place, target, async () => {
        const shown = await this.#api.record(route, id, { body: true });
        target.remove();
        place.append(body(shown.response ?? {}));
      });
    const { status, headers, body_bytes: bytes, body_kept: isKept, sealed_by: key } = response;
    const header = ([name, value]) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value));
    const heads = ['Header', 'Value'].map((text) => element('th', { scope: 'col' }, text));
    return element(
      'div',
      {},
      element('h3', {}, 'Stored answer'),
      terms([
        ['Status', String(status)],
        ['Body', `${isKept ? `${bytes} bytes` : 'too large to be kept'}${key ? `, sealed by ${key}` : ''}`],
      ]),
      element('table', {}, element('thead', {}, element('tr', {}, heads)), element('tbody', {}, headers.map(header))),
      isKept && bytes > 0 ? element('button', { type: 'button', click: load }, 'Show the body') : undefined,
      place,
    );
  }
}

function summary(route, record) {
  const { id, ledger, state, doubt, since, attempt: number, fence, expires_at: expires, as_of: now } = record;
  const code = (text) => element('span', { class: 'code' }, text);
  const moments = { lease_until: 'Lease until', probed_until: 'Being asked about until' };
  return terms([
    ['State', element('span', { class: `badge ${state}` }, state)],
    ...(doubt ? [['Doubt', DOUBTS[doubt] ? `${doubt}: ${DOUBTS[doubt]}` : doubt]] : []),
    ['Since (UTC)', since === null ? 'unknown' : time(since)],
    ['Route', route],
    ['Record', code(id)],
    ['Ledger', code(ledger)],
    ['Attempt', `${number}`],
    ['Fence', code(fence)],
    ...Object.keys(moments).filter((name) => record[name]).map((name) => [moments[name], time(record[name])]),
    ['Expires', time(expires)],
    ['As of', time(now)],
  ]);
}

function timeline({ history }) {
  const entry = ({ at, attempt: number, event, status, doubt, as, who, why }) => {
    const details = [as && `as ${as}`, status && `status ${status}`, doubt, `attempt ${number}`].filter(Boolean).join(', ');
    const reason = who ? element('div', { class: 'note' }, `${who}: ${why}`) : undefined;
    return element('li', {}, time(at), element('div', {}, element('strong', {}, EVENTS[event] ?? event), ` (${details})`), reason);
  };
  return element('div', {}, element('h3', {}, 'History (UTC)'), element('ol', { class: 'timeline' }, history.map(entry)));
}

function body({ body: text, body_base64: encoded, body_not_shown: reason }) {
  if (reason) return element('p', { class: 'note' }, reason);
  const said = text === undefined ? 'The stored body, in base64' : 'The stored body';
  return element('pre', { tabindex: '0', role: 'region', 'aria-label': said }, text ?? encoded ?? '');
}
