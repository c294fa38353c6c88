// A run told to people.

import { percent, wrongShare } from './coverage.mjs';
import { eventsOf } from './history.mjs';
import { story } from './story.mjs';

const STORIES = 3;
const LINES = 150;
const BREACHES = 20;

/** What a run found, as lines. */
export function report(run) {
  const { plan, figures, verdict } = run;
  const { keys, retries, seed } = plan;
  const asked = `${number(figures.keys)} of ${number(keys)} keys, ${retries} retries of each`;
  return [
    `${asked}; seed ${seed}; stopped at ${run.stoppedBy}`,
    ...told(figures),
    ...rules(run.rules),
    ...(verdict === 'kept' ? [] : [`history         ${run.folder}`]),
    ...(verdict === 'violated' ? breaches(run) : []),
    ...run.missing.map((text) => `not enough: ${text}`),
    `verdict: ${verdict}`,
  ];
}

function told(figures) {
  const seconds = figures.stormMicros / 1e6;
  const { requests, hungUp, cut, lost, calls, lastCalls, executions, lateExecutions } = figures;
  const stormy = requests - total(figures.lastAnswers);
  const rate = `${number(stormy)} before the calm in ${seconds.toFixed(1)} s, ${number(Math.round(stormy / seconds))} a second`;
  return [
    `requests        ${number(requests)}: ${rate}`,
    `answers         ${counts(figures.answers)}`,
    `  in the calm   ${counts(figures.lastAnswers)}`,
    `clients         ${number(hungUp)} hung up, ${number(cut)} of them in the midst of sending; ${number(lost)} lost in a kill`,
    `gate            killed (kill -9) and restarted ${figures.kills} times`,
    `origin          ${number(calls)} calls, and ${number(lastCalls)} in the calm`,
    `  executed      ${number(executions)} times, ${number(lateExecutions)} of them late`,
    `  went wrong    ${percent(wrongShare(figures))}: ${counts(figures.faults)}`,
  ];
}

function rules(checked) {
  const names = Object.keys(checked);
  const width = Math.max(...names.map(({ length }) => length));
  return names.map((name) => {
    const { checked: times, broken } = checked[name];
    const kept = broken === 0 ? 'kept' : `BROKEN ${number(broken)} times`;
    return `  ${name.padEnd(width)}  checked ${number(times).padStart(9)} times, ${kept}`;
  });
}

/** The first breaches, and the stories of the first keys among them. */
function breaches({ breaches: found, files }) {
  const keys = [...new Map(found.map(({ tenant, key }) => [`${tenant}/${key}`, { tenant, key }])).values()];
  const line = ({ rule, tenant, key, r, text }) => `  ${tenant} ${key}${r ? `, request ${r}` : ''}: ${text} (${rule})`;
  return [
    `broken, ${found.length > BREACHES ? `the first ${BREACHES} of ` : ''}${found.length} times that were kept:`,
    ...found.slice(0, BREACHES).map(line),
    ...keys.slice(0, STORIES).flatMap((each) => [`the story of ${each.tenant}'s ${each.key}:`, ...telling(each, files)]),
  ];
}

function telling(whose, files) {
  const lines = story(whose, eventsOf(files.origin), eventsOf(files.clients));
  return lines.length <= LINES ? lines : [...lines.slice(0, LINES), `  … and ${lines.length - LINES} lines more`];
}

function counts(named) {
  return Object.entries(named).map(([name, times]) => `${name} ${number(times)}`).join(' · ') || 'none';
}

function total(named) {
  return Object.values(named).reduce((sum, times) => sum + times, 0);
}

function number(value) {
  return value.toLocaleString('en-US');
}
