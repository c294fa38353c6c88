// What a run must have come across, so that it says anything that nothing was wrong.

import { FAULTS, WRONG_SHARE } from './faults.mjs';

const ANSWERS = ['created', 'replayed', 'in-progress', 'mismatch', 'released', 'unknown'];
const MOST_OFF = 0.05;

/** What a checked history lacks, as a list of texts. */
export function missing({ rules, figures }) {
  const { answers, faults, calls, lateExecutions, kills, hungUp, cut, lost } = figures;
  const never = (counts, names, text) => names.filter((name) => !counts[name]).map((name) => `${text} “${name}”`);
  const share = wrongShare(figures);
  const needed = {
    'late executions': lateExecutions,
    'kills of the gate': kills,
    'clients that hung up': hungUp,
    'requests that were cut off': cut,
    'requests lost in a kill': lost,
  };
  return [
    ...Object.entries(rules)
      .filter(([, { checked }]) => checked === 0)
      .map(([name]) => `the rule “${name}” was never checked`),
    ...never(answers, ANSWERS, 'nobody was answered'),
    ...never(faults, Object.keys(FAULTS), 'the origin never had the fault'),
    ...Object.entries(needed)
      .filter(([, times]) => times === 0)
      .map(([what]) => `there were no ${what}`),
    ...(Math.abs(share - WRONG_SHARE) <= MOST_OFF ? [] : [wrongly(share, calls)]),
  ];
}

function wrongly(share, calls) {
  return `of ${calls} calls ${percent(share)} went wrong, not ${percent(WRONG_SHARE)}`;
}

/** How many of the calls before the calm went wrong. */
export function wrongShare({ faults, calls }) {
  const wrong = Object.values(faults).reduce((sum, times) => sum + times, 0);
  return calls === 0 ? 0 : wrong / calls;
}

export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
