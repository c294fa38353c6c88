// The shipped Worker on a platform that throws where nothing is expected to be thrown: once, for a request that says so. It runs in
// workerd, as the main module of a gate.

import worker, { Ledger } from './index.js';

export { Ledger };

const now = Date.now;
let throws = false;
Date.now = () => {
  if (!throws) return now();
  throws = false;
  throw new RangeError('no memory is left');
};

export default {
  fetch(request, env, context) {
    throws = request.headers.has('x-throw');
    return worker.fetch(request, env, context);
  },
};
