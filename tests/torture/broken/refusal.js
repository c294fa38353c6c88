// The gate says that it did not call the origin, and it did.

import { answer, gate, mark } from './wrapped.js';

export { Ledger } from './wrapped.js';

export default gate((response) => (mark(response) === 'created' ? answer(503, 'unavailable') : response));
