//! How many new keys each scope has used, on a route that limits that.

use oncegate_protocol::ids::RecordId;
use oncegate_protocol::quota::{Quota, Usage, Verdict};
use oncegate_protocol::time::Timestamp;

use super::records::{Records, Span};
use super::sql::{Fault, Stores, first_column};
use super::statements::Columns;

/// A new key that is to be counted.
pub(super) struct Expense {
    pub(super) key: RecordId,
    pub(super) quota: Quota,
    pub(super) span: Span,
}

impl Records {
    /// Counts one more new key of a scope's, if it may have one. What a scope has used lies among the records, under an id of
    /// its own, so that it goes with them: one row per key counted.
    pub(super) fn spend(
        &mut self,
        scope: &RecordId,
        expense: &Expense,
        max_records: u32,
        now: Timestamp,
    ) -> Stores<Verdict> {
        let found = self.newest_row(scope, Columns::Record)?;
        let is_full = self.about_how_many()? >= u64::from(max_records);
        let generation = found.as_ref().map(|(generation, _)| *generation);
        let usage = found.map(|(_, row)| Usage::decode(&first_column(&row))).transpose().map_err(Fault::Unreadable)?;
        let verdict = expense.quota.spend(usage, expense.key, is_full, now);
        if let Verdict::Granted(Some(usage)) = verdict {
            let until = usage.since.after(expense.quota.window);
            let (_, rows) = self.insert(scope, generation, &usage.encode(), &expense.span, until, now)?;
            self.count_rows(rows, |counters| &mut counters.other_rows);
        }
        Ok(verdict)
    }
}
