//! Many seeds, on all processors.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::bug::Bug;
use crate::coverage::Coverage;
use crate::run::run;

/// What came of many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) steps: u64,
    pub(crate) faults: u64,
    /// Runs in which at least two things went wrong.
    pub(crate) runs_with_two_faults: u64,
    pub(crate) coverage: Coverage,
    /// The smallest seed found whose run broke a promise, and which.
    pub(crate) violation: Option<(u64, &'static str)>,
}

/// How many seeds a thread takes at a time.
const BLOCK: u64 = 256;

/// Runs the seeds from `from` on, `count` of them, or fewer where one breaks a promise.
pub(crate) fn run_all(from: u64, count: u64, bug: Option<Bug>, threads: usize) -> Totals {
    let end = from.saturating_add(count);
    let next = AtomicU64::new(from);
    let totals = Mutex::new(Totals::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut mine = Totals::default();
                while mine.violation.is_none() {
                    let start = next.fetch_add(BLOCK, Ordering::Relaxed);
                    if start >= end {
                        break;
                    }
                    mine.run_block(start, end.min(start.saturating_add(BLOCK)), bug);
                }
                if mine.violation.is_some() {
                    // Whoever has a block goes on to its end, or to its own violation: the smallest seed counts.
                    next.store(end, Ordering::Relaxed);
                }
                let mut all = totals.lock().unwrap_or_else(PoisonError::into_inner);
                *all = all.with(mine);
            });
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Totals {
    fn run_block(&mut self, start: u64, end: u64, bug: Option<Bug>) {
        for seed in start..end {
            let ran = run(seed, bug, &mut |_, _, _| {});
            self.runs = self.runs.saturating_add(1);
            self.steps = self.steps.saturating_add(u64::from(ran.steps));
            self.faults = self.faults.saturating_add(u64::from(ran.faults));
            self.runs_with_two_faults = self.runs_with_two_faults.saturating_add(u64::from(ran.faults >= 2));
            self.coverage = self.coverage.union(ran.coverage);
            if let Some(violation) = ran.violation {
                self.violation = Some((seed, violation));
                return;
            }
        }
    }

    fn with(self, other: Self) -> Self {
        Self {
            runs: self.runs.saturating_add(other.runs),
            steps: self.steps.saturating_add(other.steps),
            faults: self.faults.saturating_add(other.faults),
            runs_with_two_faults: self.runs_with_two_faults.saturating_add(other.runs_with_two_faults),
            coverage: self.coverage.union(other.coverage),
            violation: match (self.violation, other.violation) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        }
    }
}
