// Looking a record up by its scope and key, as the route's configuration names their parts.

import { attempt, element, offerRoutes, pick } from './elements.js';

/** `found(route, record)` is told what was found. */
export function offerFind(api, routes, found) {
  const form = pick('#find form');
  const select = pick('#find-route');
  offerRoutes(select, routes);
  const route = () => routes.find(({ name }) => name === select.value);
  select.onchange = () => pick('#find-parts').replaceChildren(...parts(route()));
  select.onchange();
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(form, pick('button', form), async () => {
      const { name } = route();
      const values = (kind) => [...form.querySelectorAll(`input[data-kind=${kind}]`)].map(read);
      const key = values('key').map(([, value]) => value);
      found(name, await api.find(name, Object.fromEntries(values('scope')), key));
    });
  };
}

/** A field for each part of the scope, and of the key. */
function parts({ scope, key }) {
  const field = (kind, title) => (source, index) => {
    const id = `find-${kind}-${index}`;
    const input = { id, 'data-kind': kind, 'data-source': source, autocomplete: 'off', spellcheck: 'false', required: '' };
    const note = isJson(source) ? ', as in JSON: 17, or "17"' : '';
    return [element('label', { for: id }, `${title} ${source}${note}`), element('input', input)];
  };
  const scopes = scope === 'public' ? [] : scope;
  return [...scopes.flatMap(field('scope', 'Scope:')), ...key.flatMap(field('key', 'Key:'))];
}

/** A source and its value, which is a number where it can be one and looks so; what cannot be read as JSON is a text as it stands. */
function read({ dataset: { source }, value: text }) {
  if (!isJson(source)) return [source, text];
  try {
    const value = JSON.parse(text);
    return [source, typeof value === 'number' || typeof value === 'string' ? value : text];
  } catch {
    return [source, text];
  }
}

function isJson(source) {
  return source.startsWith('json:') || source.startsWith('jwt:');
}
