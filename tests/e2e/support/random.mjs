// Numbers and bytes that look random, and are the same for the same seed.

import { createCipheriv } from 'node:crypto';

/** A source of them. */
export function randomOf(seed) {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const bytes = (length) => stream.update(Buffer.alloc(length));
  const below = (end) => bytes(4).readUInt32BE() % end;
  return {
    bytes,
    below,
    pick: (list) => list[below(list.length)],
    isOneIn: (times) => below(times) === 0,
    /** As many as `count` says, each made from its number. */
    several: (count, make) => Array.from({ length: count }, (_, index) => make(index)),
    shuffled(list) {
      const keyed = list.map((item) => [below(2 ** 31), item]);
      return keyed.sort(([one], [other]) => one - other).map(([, item]) => item);
    },
  };
}
