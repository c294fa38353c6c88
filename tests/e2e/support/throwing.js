// The shipped Worker on a platform that throws where nothing is expected to be thrown: once, for a request that says so. It runs in
// workerd, as the main module of a gate.

import Worker, { Ledger } from './index.js';

export { Ledger };

const now = Date.now;
let throws = false;
Date.now = () => {
  if (!throws) return now();
  throws = false;
  throw new RangeError('no memory is left');
};

export default class extends Worker {
  fetch(request) {
    throws = request.headers.has('x-throw');
    return super.fetch(request);
  }
}
