//! What happened to a record: one compact entry per transition, in the record's own row.

use super::Note;
use crate::limits;
use crate::outcome::{Doubt, Status};
use crate::time::Timestamp;

/// One transition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transition {
    /// When, by the ledger's clock.
    pub at: Timestamp,
    /// Of which attempt.
    pub attempt_number: u32,
    /// What happened.
    pub event: Event,
}

/// What can happen to a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// An attempt claimed it.
    Claimed,
    /// The origin's answer was kept.
    Completed(Status),
    /// It was freed.
    Released,
    /// Its outcome became unknown.
    Doubted(Doubt),
    /// The key was given away to the next layout.
    Moved,
    /// The origin was asked what became of the attempt.
    Probed,
    /// An operator settled it by hand.
    Resolved {
        /// The status of the answer that was given; `None` where it was freed.
        status: Option<Status>,
        /// Who did, and why.
        note: Note,
    },
    /// An operator freed it, and had its answer deleted.
    Forgotten(Note),
}

/// The transitions of a record, oldest first.
///
/// At most [`limits::HISTORY`] are kept: the first, which says when it all began, and the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History(Vec<Transition>);

impl History {
    /// The transitions, oldest first.
    pub fn transitions(&self) -> &[Transition] {
        &self.0
    }

    /// This history with one more transition.
    #[must_use]
    pub fn with(mut self, transition: Transition) -> Self {
        self.0.push(transition);
        if self.0.len() > limits::HISTORY {
            self.0.remove(1);
        }
        self
    }
}

impl FromIterator<Transition> for History {
    fn from_iter<T: IntoIterator<Item = Transition>>(transitions: T) -> Self {
        transitions.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_its_beginning_and_its_end() {
        let entry =
            |n: u32| Transition { at: Timestamp::from_millis(u64::from(n)), attempt_number: n, event: Event::Claimed };
        let history: History = (1..=100).map(entry).collect();
        let numbers: Vec<u32> = history.transitions().iter().map(|t| t.attempt_number).collect();
        assert_eq!(numbers.len(), limits::HISTORY);
        assert_eq!((numbers[0], numbers[1], *numbers.last().unwrap()), (1, 70, 100));
    }
}
