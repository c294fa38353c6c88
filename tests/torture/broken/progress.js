// A key whose outcome is unknown stays in progress for ever.

import { answer, gate, mark } from './wrapped.js';

export { Ledger } from './wrapped.js';

export default gate((response) => (mark(response) === 'unknown' ? answer(409, 'in-progress') : response));
