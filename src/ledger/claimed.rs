//! What this object has claimed: most of it is settled soon after, and need not be looked up again for that.
//!
//! It is in memory only, and believed only as far as storage confirms it: the statement that settles a claim does so where the row still
//! has the record that was written.

use std::collections::HashMap;

use oncegate_protocol::ids::RecordId;
use oncegate_protocol::limits;

/// Records as they were written, and the generations that they are in.
#[derive(Default)]
pub(super) struct Claimed(HashMap<RecordId, (u32, Vec<u8>)>);

impl Claimed {
    pub(super) fn note(&mut self, id: RecordId, generation: u32, record: Vec<u8>) {
        // What is forgotten is looked up.
        if self.0.len() >= limits::CLAIMS_IN_MEMORY {
            self.0.clear();
        }
        self.0.insert(id, (generation, record));
    }

    /// Takes out what is known of a record: once it is written to again, that is no longer so.
    pub(super) fn take(&mut self, id: &RecordId) -> Option<(u32, Vec<u8>)> {
        self.0.remove(id)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
