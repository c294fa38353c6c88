// Payloads are not compared: all requests with a key are taken for the same.

import { Worker, ledger } from './wrapped.js';

export default Worker;

export const Ledger = ledger((begin, ask) => {
  begin.fingerprint.fill(0);
  return ask();
});
