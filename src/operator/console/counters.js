// What the counters say: their names in words, and what differences of them mean. Nothing here touches the page.

const LABELS = {
  forwarded: 'Sent to the origin',
  replayed: 'Answered from the record',
  in_progress: 'Told that the first is still running',
  waited: 'Parked until the first was done',
  mismatch: 'Refused: a key with another payload',
  unknown: 'Told that the outcome is unknown',
  probed: 'Origin asked about an unknown outcome',
  limited: "Refused: the caller's new keys are used up",
  full: 'Refused: no room for a new record',
  completed: 'Answers kept',
  released: 'Keys freed',
  doubted: 'Outcomes in doubt',
  moved: 'Keys given away to the next layout',
  resolved: 'Settled by operators',
  forgotten: 'Forgotten by operators',
  stale: 'Outcomes refused: another attempt holds the record',
  unreadable: 'Records that could not be read',
  record_rows: 'Rows written for records',
  other_rows: 'Rows written for all else',
  dropped: 'Generations dropped',
  unknown_lease_expired: 'Of those with an unknown outcome: the Worker never said how it ended',
  unknown_origin_timeout: 'Likewise: the origin took too long',
  unknown_connection_lost: 'Likewise: the connection broke',
  unknown_body_cut: "Likewise: the answer's body broke off",
  unknown_not_recorded: 'Likewise: the answer could not be written down',
  unknown_status: 'Likewise: something before the origin answered',
  ledger_failures: 'Calls to ledgers that failed',
};

/** What becomes of requests: a counted request is in one of these. One that is parked is counted where it ends. */
export const OUTCOMES = [
  { kind: 'forwarded', label: 'Sent to the origin', counters: ['forwarded'] },
  { kind: 'replayed', label: 'Replayed', counters: ['replayed'] },
  { kind: 'running', label: 'Still running', counters: ['in_progress'] },
  { kind: 'in-doubt', label: 'Outcome unknown', counters: ['unknown', 'probed'] },
  { kind: 'refused', label: 'Refused', counters: ['mismatch', 'limited', 'full'] },
];

/** Requests whose key had a record already. */
const DUPLICATES = ['replayed', 'in_progress', 'mismatch', 'unknown', 'probed'];

/** Counters that should stay at 0. */
export const ALARMING = ['stale', 'unreadable', 'full'];

/** A counter in words. One that is not known here has its own name: the gate may be newer than this page. */
export function label(name) {
  return LABELS[name] ?? name;
}

/** How much each counter has grown. One that has shrunk was lost in part when its ledger restarted: how much it grew is not known. */
export function growth(before, after) {
  const names = Object.keys(after);
  return Object.fromEntries(names.map((name) => [name, Math.max(0, after[name] - (before[name] ?? 0))]));
}

/** How many requests came to each of `OUTCOMES`, in their order. */
export function outcomes(grown) {
  return OUTCOMES.map(({ counters }) => sum(grown, counters));
}

/** Which part of the requests were duplicates, from 0 to 1; `undefined` where there was no request. */
export function duplicateRate(grown) {
  const requests = outcomes(grown).reduce((all, some) => all + some, 0);
  return requests === 0 ? undefined : sum(grown, DUPLICATES) / requests;
}

/** All of these together. */
export function total(list) {
  const sums = {};
  for (const counters of list) {
    for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

/** A part from 0 to 1 as people read it. */
export function percent(part) {
  return `${Math.round(part * 1000) / 10} %`;
}

function sum(counters, names) {
  return names.reduce((all, name) => all + (counters[name] ?? 0), 0);
}
