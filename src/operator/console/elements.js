// Elements, made from text: nothing that comes from a record is ever read as markup.

const SVG = 'http://www.w3.org/2000/svg';

/** The one element of the page, or of a part of it, that a selector names. */
export function pick(selector, within = document) {
  return within.querySelector(selector);
}

/** An element with these attributes and children. A function listens to the event of its name; what is `undefined` is left out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Likewise one of a drawing. */
export function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== undefined));
  return made;
}

/** A list of terms and what is to be said of them. */
export function terms(pairs) {
  return element('dl', {}, pairs.map(([term, said]) => [element('dt', {}, term), element('dd', {}, said)]).flat());
}

/** A point in time that the API gave (RFC 3339, in UTC), to the second. */
export function time(text) {
  return element('time', { datetime: text, title: text }, text.replace('T', ' ').replace(/(\.\d+)?Z$/, ''));
}

/** Fills a choice with the names of the routes. */
export function offerRoutes(select, routes) {
  select.replaceChildren(...routes.map(({ name }) => element('option', { value: name }, name)));
}

/** Tells those who do not see the page what has changed on it. */
export function say(text) {
  pick('#status').textContent = text;
}

/**
 * Does something that a person has asked for, once at a time, and says what goes wrong at the place for problems in `where`. The
 * control that asked is off meanwhile, but not `disabled`: it would lose the focus.
 */
export async function attempt(where, control, work) {
  if (control?.ariaDisabled === 'true') return;
  const place = pick('.problem', where);
  place.textContent = '';
  if (control) control.ariaDisabled = 'true';
  try {
    await work();
  } catch (problem) {
    place.textContent = problem.message;
  } finally {
    if (control) control.ariaDisabled = null;
  }
}
