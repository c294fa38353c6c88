//! What a ledger keeps beside its records, and what it has counted.

use oncegate_protocol::ledger_state::{Counters, LedgerState};
use oncegate_protocol::slot::Slot;
use oncegate_protocol::wire::Tally;
use wasm_bindgen::JsValue;

use super::records::Records;
use super::sql::{Fault, Stores, blob, first_column};

/// How many rows of a generation are counted one by one.
const COUNTED_ROWS: u64 = 10_000;
/// Of more rows one in so many is counted.
const PARTS: u32 = 256;

impl Records {
    /// Counts something, as the counters themselves decide.
    pub(super) fn tell(&mut self, count: impl FnOnce(&mut Counters)) {
        if let Some(state) = &mut self.state {
            count(&mut state.counters);
        }
    }

    /// Adds one to a counter.
    pub(super) fn count(&mut self, counter: impl FnOnce(&mut Counters) -> &mut u64) {
        self.count_rows(1, counter);
    }

    pub(super) fn count_rows(&mut self, rows: u64, counter: impl FnOnce(&mut Counters) -> &mut u64) {
        self.tell(|counters| {
            let counter = counter(counters);
            *counter = counter.saturating_add(rows);
        });
    }

    /// The ledger's state, read from storage the first time.
    pub(super) fn state(&mut self) -> Stores<&mut LedgerState> {
        let state = match self.state.take() {
            Some(state) => state,
            None => self.load()?,
        };
        Ok(self.state.insert(state))
    }

    pub(super) fn load(&mut self) -> Stores<LedgerState> {
        let table =
            "CREATE TABLE IF NOT EXISTS ledger (one INTEGER PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID, STRICT";
        let rows = self.write(table, &[])?;
        let mut state = match self.database.read("SELECT state FROM ledger WHERE one = 1", &[])?.first() {
            None => LedgerState::default(),
            Some(row) => LedgerState::decode(&first_column(row)).map_err(Fault::Unreadable)?,
        };
        self.stored_counters = state.counters;
        state.counters.other_rows = state.counters.other_rows.saturating_add(rows);
        Ok(state)
    }

    pub(super) fn save(&mut self) -> Stores<()> {
        // The row that this takes is counted in it.
        self.count_rows(1, |counters| &mut counters.other_rows);
        let state = self.state()?;
        let (stored, counters) = (state.encode(), state.counters);
        let statement = "INSERT INTO ledger (one, state) VALUES (1, ?) \
                         ON CONFLICT (one) DO UPDATE SET state = excluded.state";
        self.write(statement, &[&blob(&stored)])?;
        self.stored_counters = counters;
        Ok(())
    }

    /// Runs a statement that writes.
    pub(super) fn write(&mut self, statement: &str, values: &[&JsValue]) -> Stores<u64> {
        let written = self.database.write(statement, values);
        self.known(written)
    }

    /// What has come of writing. After a failure all is read anew: what is in memory may be ahead of what is stored.
    pub(super) fn known(&mut self, written: Stores<u64>) -> Stores<u64> {
        if written.is_err() {
            self.state = None;
            self.claimed.clear();
        }
        written
    }

    /// About how many rows there are. A large generation is not counted: ids are digests, so that a part of the slots has as many as the
    /// others.
    pub(super) fn about_how_many(&mut self) -> Stores<u64> {
        if let Some(rows) = self.rows {
            return Ok(rows);
        }
        let mut sum = 0_u64;
        for number in self.generations()? {
            let counted = self.count_of(&format!("(SELECT 1 FROM g{number} LIMIT {COUNTED_ROWS})"))?;
            sum = sum.saturating_add(if counted < COUNTED_ROWS {
                counted
            } else {
                self.count_of(&format!("g{number} WHERE slot < {}", Slot::end_of_first(PARTS)))?
                    .saturating_mul(PARTS.into())
            });
        }
        Ok(*self.rows.insert(sum))
    }

    pub(super) fn count_of(&self, rows: &str) -> Stores<u64> {
        Ok(self.database.number(&format!("SELECT count(*) FROM {rows}"), &[])?.unwrap_or_default())
    }

    /// Whether there is anything in this ledger's storage.
    pub(super) fn exist(&self) -> Stores<bool> {
        let rows = self.database.read("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ledger'", &[])?;
        Ok(!rows.is_empty())
    }

    /// What has been counted. It is written down first: what is in memory alone may be lost, and what has been shown must not fall.
    pub(super) fn tally(&mut self) -> Stores<Tally> {
        let counted = self.state()?.counters;
        if counted != self.stored_counters {
            self.save()?;
        }
        let bytes = self.database.size();
        let state = self.state()?;
        let generations = u64::try_from(state.generations.count()).unwrap_or(u64::MAX);
        Ok(Tally { counters: state.counters, generations, bytes })
    }
}
