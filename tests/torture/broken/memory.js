// What was answered is forgotten: instead of the replay, the outcome is unknown.

import { answer, gate, mark } from './wrapped.js';

export { Ledger } from './wrapped.js';

export default gate((response) => (mark(response) === 'replayed' ? answer(502, 'unknown') : response));
