/** A number from 0 to 1 (1 excluded) that hangs on these parts alone, so that no two things drawn disturb each other. */
export function draw(...parts) {
  let hash = 0x811c9dc5; // FNV-1a, and then the end of MurmurHash3, which spreads what differs late
  const text = parts.join('/');
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** One of a list. */
export function pick(list, ...parts) {
  return list[Math.floor(draw(...parts) * list.length)];
}

/** The list in another order (Fisher and Yates). */
export function shuffled(list, ...parts) {
  const result = [...list];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(draw(...parts, last) * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}
