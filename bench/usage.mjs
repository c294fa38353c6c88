// What processes have used, from /proc (proc_pid_stat(5)).

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

import { memory } from '../tests/e2e/support/memory.mjs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK']));

/** The CPU time that these processes have used, with all their threads and in the kernel too, in microseconds. */
export function cpuMicroseconds(pids) {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return (sum(ticks) * 1e6) / TICKS_PER_SECOND;
}

/**
 * The CPU time that the threads which this process has now have used, in microseconds: finer than the above, which is counted in
 * ticks of ten milliseconds, but without threads that have ended (Documentation/scheduler/sched-stats.rst).
 */
export function fineCpuMicroseconds(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]));
  return sum(nanoseconds) / 1000;
}

/** The most memory that these processes have had, in MiB. */
export function peakMebibytes(pids) {
  return Math.round(sum(pids.map((pid) => memory(pid, 'VmHWM'))) / 1024 / 1024);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
