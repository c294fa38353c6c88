// Payloads are not compared: all requests with a key are taken for the same.

import { ledger, worker } from './wrapped.js';

export default worker;

export const Ledger = ledger((begin, ask) => {
  begin.fingerprint.fill(0);
  return ask();
});
