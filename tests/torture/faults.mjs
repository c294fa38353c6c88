// What goes wrong in an origin. It is as bad as an origin may be, but it never lies: what it refuses it does not execute.

import { draw } from './random.mjs';

/** How many of the calls go wrong. */
export const WRONG_SHARE = 0.3;

/**
 * What becomes of a call: whether it is executed (`first`, before the answer; `late`, long after the gate has given up; or not
 * at all), and how it is answered: by the `reply` to what was executed,
 * under this `status` where there is one; by `half` of it; by a status without it; by `nothing`, or a `reset`. `refuses` says
 * that the origin gives its word not to have executed.
 */
export const FAULTS = {
  'reset before': { answer: 'reset' },
  'reset after': { executes: 'first', answer: 'reset' },
  'reset, executed late': { executes: 'late', answer: 'reset' },
  'hung before': { answer: 'nothing' },
  'hung after': { executes: 'first', answer: 'nothing' },
  'hung, executed late': { executes: 'late', answer: 'nothing' },
  'half an answer': { executes: 'first', answer: 'half', status: 200 },
  'slow': { executes: 'first', answer: 'reply', isSlow: true },
  'error 500': { executes: 'first', answer: 'reply', status: 500 },
  '502 before': { answer: 502 },
  '502 after': { executes: 'first', answer: 502 },
  '504, executed late': { executes: 'late', answer: 504 },
  'refused: 503': { answer: 503, refuses: true },
  'refused: 429': { answer: 429, refuses: true },
  'refused: not to be stored': { answer: 400, refuses: true, headers: [['Oncegate-Store', 'no']] },
};

const GOLDEN_RATIO = 0.618_033_988_749_895;

export const RIGHT = 'right';
const NOTHING_WRONG = { executes: 'first', answer: 'reply' };

/**
 * Which fault a call of a key has, by its attempt. Those of the first attempts are spread over the keys as evenly as can be (by
 * multiples of the golden ratio), so that few keys come across all of them.
 */
export function faultOf(seed, number, attempt) {
  const isFirst = attempt === 1;
  const place = isFirst ? (draw(seed, 'faults') + number * GOLDEN_RATIO) % 1 : draw(seed, 'fault', number, attempt);
  if (place >= WRONG_SHARE) return RIGHT;
  const kinds = Object.keys(FAULTS);
  return kinds[Math.floor((place / WRONG_SHARE) * kinds.length)];
}

export function behaviour(fault) {
  return FAULTS[fault] ?? NOTHING_WRONG;
}
