// What happened, as JSON lines: `t` is when, in microseconds of the machine's one clock that never steps, and `e` is what.

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';

const READ_BYTES = 1 << 20;

/** Writes events to the end of a file, each at once or, where so many bytes may wait, together. */
export class History {
  #file;
  #waiting = '';
  #mayWait;

  constructor(path, { mayWait = 0 } = {}) {
    this.#file = openSync(path, 'a');
    this.#mayWait = mayWait;
  }

  write(event, fields = {}) {
    this.#waiting += `${JSON.stringify({ t: now(), e: event, ...fields })}\n`;
    if (this.#waiting.length > this.#mayWait) this.flush();
  }

  flush() {
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
  }

  close() {
    this.flush();
    closeSync(this.#file);
  }
}

/** The events of a file, from the first to the last; never more than a piece of it is in memory. */
export function* eventsOf(path) {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    let begun = '';
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      const lines = (begun + buffer.latin1Slice(0, read)).split('\n'); // events are ASCII
      begun = lines.pop();
      for (const line of lines) yield JSON.parse(line);
    }
  } finally {
    closeSync(file);
  }
}

/** What tells bytes, or header lines, from all others. */
export function digest(content) {
  const bytes = Buffer.isBuffer(content) ? content : JSON.stringify(content);
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
}

function now() {
  return Number(process.hrtime.bigint() / 1000n);
}
