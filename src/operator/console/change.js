// Changing a record by hand: what can be done, and the dialog that says what it does and asks who wants it and why.

import { attempt, element, pick } from './elements.js';

/** Each change: in which states it is possible, which call of the API makes it, and what it means. */
export const CHANGES = [
  {
    title: 'It executed: resolve as completed',
    states: ['unknown'],
    action: 'resolve',
    as: 'completed',
    meaning:
      'Retries of the same request get the answer below from now on, byte for byte. Do it if you know that the origin executed the ' +
      'request, and what it answered.',
    confirm: 'Resolve as completed',
    done: 'Resolved as completed.',
  },
  {
    title: 'It did not: resolve as released',
    states: ['unknown'],
    action: 'resolve',
    as: 'released',
    isDangerous: true,
    meaning:
      'The key is freed: the next retry is sent to the origin, as the next attempt. If the request has executed after all, or still ' +
      'will, it is executed twice. Wait until the guard time is over, or have the origin refuse the fence below.',
    confirm: 'Resolve as released',
    done: 'Resolved as released.',
  },
  {
    title: 'Forget',
    states: ['unknown', 'completed'],
    action: 'forget',
    isDangerous: true,
    meaning:
      'The stored answer is deleted, with its body and headers, and the key is freed: the next request with the key is executed. ' +
      'Who did it, and why, stays in the history until the record expires.',
    confirm: 'Forget',
    done: 'Forgotten.',
  },
];

/** Who was named last. Not stored: this may be another's screen tomorrow. */
let lastWho = '';

/**
 * Asks for what a change needs. `settle(asked)` makes it, and gives what is to be done when the dialog has closed; what it throws is
 * told in the dialog.
 */
export function askFor(change, record, settle) {
  const dialog = pick('#change');
  const form = pick('form', dialog);
  form.replaceChildren(...content(change, record));
  pick('[name=cancel]', form).onclick = () => dialog.close();
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(form, event.submitter, async () => {
      const asked = read(form, change, record);
      lastWho = asked.who;
      const show = await settle(asked);
      dialog.close();
      show();
    });
  };
  dialog.showModal();
}

function content(change, { id, fence }) {
  const code = (text) => element('span', { class: 'code' }, text);
  const field = (label, name, attributes, kind = 'input') => [
    element('label', { for: `change-${name}` }, label),
    element(kind, { id: `change-${name}`, name, spellcheck: 'false', ...attributes }),
  ];
  const number = { type: 'number', min: '200', max: '599', required: '', value: '200' };
  const example = { placeholder: 'content-type: application/json', rows: '2' };
  const answer = [
    ...field('Status', 'status', number),
    ...field('Headers, one in a line', 'headers', example, 'textarea'),
    ...field('Body', 'body', { rows: '4' }, 'textarea'),
    element('label', {}, element('input', { type: 'checkbox', name: 'is-base64' }), ' The body is written in base64'),
  ];
  return [
    element('h2', { id: 'change-title' }, change.title),
    element('p', { id: 'change-meaning' }, change.meaning),
    element('p', { class: 'note' }, 'Record ', code(id), ', fence ', code(fence)),
    ...(change.as === 'completed' ? answer : []),
    ...field('Who you are', 'who', { required: '', autocomplete: 'off', value: lastWho }),
    ...field('Why', 'why', { required: '', autocomplete: 'off' }),
    element('p', { class: 'problem', role: 'alert' }),
    element(
      'div',
      { class: 'actions' },
      element('button', { type: 'submit', class: change.isDangerous ? 'danger' : '' }, change.confirm),
      element('button', { type: 'button', name: 'cancel' }, 'Cancel'),
    ),
  ];
}

/** What the API asks for: the fence of the attempt that was looked at, so that nothing is done to another. */
function read(form, { as }, { fence }) {
  const value = (name) => form.elements[name].value;
  const asked = { fence, who: value('who'), why: value('why') };
  if (as) asked.as = as;
  if (as === 'completed') {
    asked.response = { status: Number(value('status')), headers: headers(value('headers')) };
    if (value('body')) asked.response[form.elements['is-base64'].checked ? 'body_base64' : 'body'] = value('body');
  }
  return asked;
}

function headers(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error(`The header ${JSON.stringify(line)} must be a name, a colon and a value.`);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}
