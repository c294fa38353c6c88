// Header lines, as they can be compared: the platform joins what is repeated, and the order of different names means nothing
// (RFC 9110, section 5.3).

/** The lines of an origin's answer, in any case, as every client of the gate must see them. */
export function asClientsSee(headers) {
  const joined = new Map();
  const lines = [];
  for (const [name, value] of headers.map(([given, content]) => [given.toLowerCase(), content])) {
    if (name === 'set-cookie') lines.push([name, value]);
    else joined.set(name, joined.has(name) ? `${joined.get(name)}, ${value}` : value);
  }
  return inOrder([...lines, ...joined]);
}

/** Lines by their names; those of one name stay as they came. */
export function inOrder(lines) {
  return [...lines].sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
