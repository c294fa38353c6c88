// A replay lacks a header.

import { Worker, ledger, mark } from './wrapped.js';

export default Worker;

export const Ledger = ledger(async (_, ask) => {
  const response = await ask();
  if (mark(response) !== 'replayed') return response;
  const spoilt = new Response(response.body, response);
  spoilt.headers.delete('link');
  return spoilt;
});
