// One load of one subject: what wrk sends it for a while, and what that takes.

import { join } from 'node:path';

import { Child } from '../tests/e2e/support/processes.mjs';
import { cpuMicroseconds } from './usage.mjs';

const CONNECTIONS = 16;

/**
 * Sends `subject` what `load` says, for so many seconds. Gives what a request took of the subject's CPU, and how long.
 *
 * Fails where an answer is not one that the load is to be answered with: a refusal is cheap, and would look like speed.
 */
export async function measure(subject, load, { run, seconds }) {
  const { keys, count = 1, path = '/v1/payments', bodyBytes = 30, isRefused = false } = load;
  const words = [run, keys, count, subject.path ?? path, bodyBytes].map(String);
  const args = ['--threads=1', `--connections=${CONNECTIONS}`, `--duration=${seconds}s`, '--timeout=30s'];
  const before = cpuMicroseconds(subject.pids);
  const wrk = new Child('wrk', 'wrk', [...args, '-s', join(import.meta.dirname, 'load.lua'), subject.url, '--', ...words]);
  await wrk.exited;
  const used = cpuMicroseconds(subject.pids) - before;
  const json = /^{.*}$/m.exec(wrk.output)?.[0];
  if (!json) throw new Error(`wrk has nothing to report:\n${wrk.lastLines()}`);
  const { requests, microseconds, p50, p99, refused, failed } = JSON.parse(json);
  if (requests === 0 || failed > 0 || refused !== (isRefused ? requests : 0)) {
    throw new Error(`${subject.name}, ${load.name}: of ${requests} requests ${refused} were refused, ${failed} failed`);
  }
  return { requests, cpu: used / requests, perSecond: (requests * 1e6) / microseconds, p50, p99 };
}
