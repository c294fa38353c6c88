//! How a ledger is led through its records, so that one page is bounded in what it gives and in what it looks at.

use crate::ids::RecordId;
use crate::limits;
use crate::record::{Record, View};
use crate::slot::Slot;
use crate::time::Timestamp;
use crate::wire::{Entry, Page, Position};

/// How many rows are looked at in one statement.
const WINDOW_ROWS: u32 = 500;

/// Which records are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Those whose outcome is unknown, also because a lease has ended without one.
    Unknown,
    /// Those that an attempt holds, or is asking about.
    InProgress,
}

impl Listed {
    /// As it is written in an address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::InProgress => "in-progress",
        }
    }

    /// The state's byte, at [`crate::record::STATE_OFFSET`] of the stored form, of all records that may be listed.
    pub const fn state_bytes(self) -> &'static [u8] {
        match self {
            // In progress and probing may have ended; unknown.
            Self::Unknown => &[0, 3, 5],
            Self::InProgress => &[0, 5],
        }
    }

    /// Whether a record that stands so is listed.
    pub fn takes(self, view: View<'_>) -> bool {
        match self {
            Self::Unknown => matches!(view, View::Unknown(_)),
            Self::InProgress => matches!(view, View::InProgress { .. } | View::Probing { .. }),
        }
    }
}

/// The way through one ledger's records, for one page: generations from the oldest on, so that a record which is claimed
/// anew meanwhile is met later, not missed; and by slot in each.
#[derive(Clone, Debug)]
pub struct Walk {
    listed: Listed,
    limit: usize,
    rows_left: u32,
    generations: Vec<u32>,
    at: Option<Position>,
    page: Page,
}

/// What is to be read next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// In which generation.
    pub generation: u32,
    /// Behind this slot; `None`: from the first row on.
    pub after: Option<Slot>,
    /// How many rows, by slot.
    pub rows: u32,
    /// Newer generations. A row whose id they have is not that key's record any more.
    pub newer: Vec<u32>,
}

/// A row that was read for a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where it is.
    pub slot: Slot,
    /// Whose it is.
    pub id: RecordId,
    /// The record, as stored.
    pub stored: Vec<u8>,
}

impl Walk {
    /// Begins at a position, or at the beginning. Of a generation that is gone meanwhile the records are gone too, and the next
    /// one is begun with.
    pub fn begin(listed: Listed, limit: u16, from: Option<Position>, newest_first: impl Iterator<Item = u32>) -> Self {
        let mut generations: Vec<u32> = newest_first.collect();
        generations.reverse();
        let at = match from {
            Some(from) if generations.contains(&from.generation) => Some(from),
            Some(from) => first_from(&generations, from.generation),
            None => first_from(&generations, 0),
        };
        let limit = usize::from(limit).clamp(1, limits::PAGE_RECORDS_MOST);
        Self { listed, limit, rows_left: limits::PAGE_ROWS, generations, at, page: Page::default() }
    }

    /// What is to be read next; `None` where the page is done.
    pub fn step(&self) -> Option<Step> {
        let Position { generation, after } = self.at.filter(|_| self.rows_left > 0 && self.room() > 0)?;
        let newer = self.generations.iter().copied().filter(|number| *number > generation).collect();
        Some(Step { generation, after, rows: self.rows_left.min(WINDOW_ROWS), newer })
    }

    /// Takes note of what was read for a step: how many rows there were, where the last one is, and of them those that may stand
    /// as is asked, by slot.
    pub fn saw(
        &mut self,
        step: &Step,
        rows: u32,
        last: Option<Slot>,
        candidates: impl IntoIterator<Item = Row>,
        now: Timestamp,
    ) {
        self.rows_left = self.rows_left.saturating_sub(rows.max(1));
        for Row { slot, id, stored } in candidates {
            if self.room() == 0 {
                return;
            }
            self.at = Some(Position { generation: step.generation, after: Some(slot) });
            match Record::decode(&stored) {
                Ok(record) if self.listed.takes(record.view(now)) => self.page.entries.push(Entry { id, now, record }),
                Ok(_) => {}
                Err(_) => self.page.unreadable = self.page.unreadable.saturating_add(1),
            }
        }
        self.at = match last {
            Some(last) if rows >= step.rows => Some(Position { generation: step.generation, after: Some(last) }),
            _ => first_from(&self.generations, step.generation.saturating_add(1)),
        };
    }

    /// The page.
    pub fn finish(self) -> Page {
        Page { next: self.at, ..self.page }
    }

    fn room(&self) -> usize {
        self.limit.saturating_sub(self.page.entries.len())
    }
}

/// The beginning of the first of these generations, oldest first, that is not older than this one.
fn first_from(generations: &[u32], least: u32) -> Option<Position> {
    let generation = generations.iter().copied().find(|number| *number >= least)?;
    Some(Position { generation, after: None })
}
