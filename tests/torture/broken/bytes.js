// A byte of each replay is another one than was stored.

import { ledger, mark, worker } from './wrapped.js';

export default worker;

export const Ledger = ledger(async (_, ask) => {
  const response = await ask();
  if (mark(response) !== 'replayed' || response.body === null) return response;
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.length > 0) bytes[bytes.length - 1] ^= 1;
  return new Response(bytes, response);
});
