// What processes have used, from /proc (proc_pid_stat(5)).

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

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

/** The most memory that these processes have had, in MiB. */
export function peakMebibytes(pids) {
  return Math.round(sum(pids.map((pid) => memory(pid, 'VmHWM'))) / 1024 / 1024);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
