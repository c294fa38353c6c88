// Processes that tests start: their output is kept and shown when a test fails, and none outlives its test.

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

import { until } from './until.mjs';

const SHOWN_LINES = 40;
const SHOWN_CHILDREN = 8;
const children = [];
let areShown = true;

// Whether a test has failed is only known here. An exception in a test file ends up here too, so nothing stays behind.
process.on('exit', (code) => {
  for (const child of children) if (!child.end) child.killGroup('SIGKILL');
  if (code === 0 || !areShown) return;
  for (const child of children.filter(({ output }) => output).slice(-SHOWN_CHILDREN)) {
    process.stderr.write(`--- the last lines of ${child.name} ---\n${child.lastLines()}\n`);
  }
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // by way of the above

/** For a program that has a report of its own: what its children wrote is not shown, however it ends. */
export function showNoChildren() {
  areShown = false;
}

/** A program in a process group of its own, so that it can be stopped with everything it started. */
export class Child {
  #process;
  #output = '';

  constructor(name, command, args, options = {}) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output += text;
      });
    }
    this.exited = new Promise((resolve) => {
      this.#process.on('error', (error) => {
        this.#output += `cannot be started: ${error.message}\n`;
        resolve({ code: null, signal: null });
      });
      this.#process.on('close', (code, signal) => resolve({ code, signal }));
    });
    this.exited.then((how) => {
      this.end = how;
    });
    children.push(this);
  }

  get pid() {
    return this.#process.pid;
  }

  /** Everything it wrote so far, to both streams. */
  get output() {
    return this.#output;
  }

  lastLines() {
    return this.#output.split('\n').slice(-SHOWN_LINES).join('\n');
  }

  /** The match of `line` in its output, as soon as it is there. */
  async says(line, seconds, everyMs) {
    const match = await until(`${this.name} says ${line}`, () => line.exec(this.#output) ?? (this.end && 'ended'), {
      seconds,
      everyMs,
    }).catch((error) => {
      throw new Error(`${error.message}; it said:\n${this.lastLines()}`);
    });
    if (match === 'ended')
      throw new Error(`${this.name} ended with code ${this.end.code}; it said:\n${this.lastLines()}`);
    return match;
  }

  /** Waits until it ends by itself, and gives it. After so many seconds it is killed, and that is an error. */
  async toItsEnd(seconds) {
    await until(`${this.name} has ended`, () => this.end, { seconds }).catch(async (error) => {
      await this.kill9();
      throw new Error(`${error.message}; it said:\n${this.lastLines()}`);
    });
    return this;
  }

  signal(name) {
    this.#process.kill(name);
  }

  killGroup(signal) {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group has no process any more, or it never began.
    }
  }

  /** Ends it the polite way, and whatever is left of it the other way. */
  async stop(signal = 'SIGTERM') {
    const family = descendants(this.pid);
    this.signal(signal);
    await until(`${this.name} has ended`, () => this.end, { seconds: 10 }).catch(() => {});
    await this.#bury(family);
  }

  /** Ends it and everything below it at once, those named first. */
  async kill9(first = () => false) {
    const family = descendants(this.pid);
    await this.#bury([...family.filter(first), this.pid, ...family]);
  }

  async #bury(pids) {
    for (const pid of pids) kill9(pid);
    this.killGroup('SIGKILL');
    await this.exited;
    await until(`what ${this.name} started has ended`, () => !pids.some(isRunning));
  }
}

function kill9(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The processes below this one, from /proc. */
export function descendants(pid) {
  const byParent = new Map();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) && statOf(entry)?.parent;
    if (parent) byParent.set(parent, [...(byParent.get(parent) ?? []), Number(entry)]);
  }
  const below = (parent) => (byParent.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** Whether a process is there and not merely a dead one that nobody has asked after. */
export function isRunning(pid) {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** The program that a process runs, without its folder. */
export function programOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].split('/').at(-1);
  } catch {
    return undefined;
  }
}

function statOf(pid) {
  try {
    // "PID (name) STATE PARENT ...", where a name may itself hold spaces and parentheses.
    const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
