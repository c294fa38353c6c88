// A lease holds nobody back: a key that is in progress is taken for free.

import { ledger, worker } from './wrapped.js';

export default worker;

export const Ledger = ledger((begin, ask, sql) => {
  const [table] = sql.exec("SELECT name FROM sqlite_schema WHERE name = 'g1'");
  if (table) sql.exec("DELETE FROM g1 WHERE id = ? AND substr(record, 62, 1) = x'00'", begin.id);
  return ask();
});
