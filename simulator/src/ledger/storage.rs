//! What a ledger has stored for the one key, as the shipped ledger does: rows in generations, newest first.

use core::time::Duration;

use oncegate_protocol::record::{Record, Stored};
use oncegate_protocol::retention::{Generations, Placement};
use oncegate_protocol::time::Timestamp;

/// Which of two versions of the program is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    /// The shipped one.
    #[default]
    Shipped,
    /// A later one, which writes the next schema. It reads both, as every version must.
    Next,
}

/// The rows under the one key, and the generations that they lie in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Storage {
    rows: Vec<(u32, Vec<u8>)>,
    generations: Generations,
}

impl Storage {
    /// From the newest generation to the oldest; the first hit counts.
    fn newest(&self) -> Option<&(u32, Vec<u8>)> {
        self.generations
            .newest_first()
            .find_map(|number| self.rows.iter().find(|(generation, _)| *generation == number))
    }

    /// What this version reads.
    pub(super) fn read(&self, version: Version) -> Stored {
        let row = self.newest().map(|(_, bytes)| bytes.as_slice());
        let Some(([schema, rest @ ..], Version::Next)) = row.map(|row| (row, version)) else {
            return Stored::read(row);
        };
        // The next schema is this one by another number.
        let schema = if *schema == NEXT_SCHEMA { SCHEMA } else { *schema };
        Stored::read(Some(&[&[schema], rest].concat()))
    }

    /// Writes a row where its key has one, or else to the newest generation.
    pub(super) fn overwrite(&mut self, record: &Record, retention: Duration, now: Timestamp, version: Version) {
        match self.newest().map(|(generation, _)| *generation) {
            Some(generation) => {
                self.generations.keep_until(generation, record.expires_at, retention);
                self.put(generation, record, version);
            }
            None => self.insert(record, Duration::ZERO, retention, now, version),
        }
    }

    /// Writes a row to the newest generation.
    pub(super) fn insert(
        &mut self,
        record: &Record,
        lease: Duration,
        retention: Duration,
        now: Timestamp,
        version: Version,
    ) {
        let number = match self.generations.place(lease, retention, now) {
            Placement::Into(number) => number,
            Placement::Open(generation) => {
                self.generations.open(generation);
                generation.number
            }
        };
        self.generations.keep_until(number, record.expires_at, retention);
        self.put(number, record, version);
    }

    fn put(&mut self, generation: u32, record: &Record, version: Version) {
        let mut bytes = record.encode();
        if let (Some(schema), Version::Next) = (bytes.first_mut(), version) {
            *schema = NEXT_SCHEMA;
        }
        self.rows.retain(|(number, _)| *number != generation);
        self.rows.push((generation, bytes));
        self.rows.sort_unstable();
    }

    /// Whether a sweep would find something to do.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.generations.next_sweep().is_some_and(|at| at <= now)
    }

    /// Drops the generations whose time has come.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let expired = self.generations.take_expired(now);
        self.rows.retain(|(number, _)| !expired.contains(number));
    }

    /// Whether there is any row.
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Drops what there is, as only a bug does.
    pub(super) fn forget(&mut self) {
        self.rows.clear();
    }
}

const SCHEMA: u8 = 1;
const NEXT_SCHEMA: u8 = 2;
