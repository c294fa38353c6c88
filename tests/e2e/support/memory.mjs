// How much memory the gate takes, from /proc.

import { readFileSync, writeFileSync } from 'node:fs';

import { descendants, programOf } from './processes.mjs';

const MIB = 1024 * 1024;

/** By how many bytes the gate's workerd grew while `work` ran, at the most; and what `work` gave. */
export async function peakGrowth(gate, work) {
  const pid = descendants(gate.child.pid).find((each) => programOf(each) === 'workerd');
  if (!pid) throw new Error('there is no workerd below the gate');
  const before = memory(pid, 'VmRSS');
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // VmHWM, the peak, begins anew (proc_pid_clear_refs(5))
  const result = await work();
  return { result, bytes: memory(pid, 'VmHWM') - before };
}

/** "12 MiB" */
export function mebibytes(bytes) {
  return `${Math.round(bytes / MIB)} MiB`;
}

/** A field of a process's memory, such as VmRSS, in bytes (proc_pid_status(5)). */
export function memory(pid, field) {
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kibibytes) * 1024;
}
