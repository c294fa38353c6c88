import { setTimeout as sleep } from 'node:timers/promises';

/** The first truthy value that `look` gives, asked again and again; fails with what was waited for after `seconds`. */
export async function until(what, look, { seconds = 15, everyMs = 20 } = {}) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await sleep(everyMs);
  }
}
