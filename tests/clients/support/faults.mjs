// What can go wrong with a payment, by the columns of the table in docs/clients.md.

/**
 * Each says what the origin does with the request (`script`, of the key: see examples/payments/misbehaviour.mjs), and
 * what else is needed for the client to meet the fault.
 *
 * `isHeld`: the origin has the request until the client has been told 409. `isRefused`: what the origin answers at first
 * means that it executed nothing. `isFinal`: the answer is kept, so that asking again brings no other.
 */
export const faults = {
  'no answer in time': { script: (key) => ({ hold: key }), isHeld: true, timeoutMs: 2000 },
  'connection lost': { losesAnswer: true },
  '409 in-progress': { script: (key) => ({ hold: key }), isHeld: true, isConcurrent: true },
  '429 released': { script: () => ({ fail: '429' }), isRefused: true },
  '500 created': { script: () => ({ status: '500' }), isFinal: true },
  '502 unknown': { script: () => ({ 'hang-up': 'after' }) },
  '503 released': { script: () => ({ fail: '503' }), isRefused: true },
  '504 unknown': { script: () => ({ status: '504' }) },
};
