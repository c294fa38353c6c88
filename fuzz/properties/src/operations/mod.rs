//! One record, through any list of operations: what becomes of each is what a small model says that was written from
//! GUARANTEES.md, and the promises hold.

mod model;
mod promises;
mod world;

use arbitrary::{Arbitrary, Unstructured};

use world::World;

/// How many attempts, orders and answers there are: few, so that the same ones meet.
const FEW: u8 = 4;
/// How many operations are looked at.
const MOST: usize = 60;

/// The rules of the route.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Rules {
    on_unknown: OnUnknownRule,
    lease: u8,
    retention: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum OnUnknownRule {
    Hold,
    Retry,
    Probe,
}

/// How an attempt says that it ended.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Ended {
    Completed(u8),
    Released,
    NotExecuted,
    Doubted,
}

/// What an operator wants.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Complete(u8),
    Release,
    Forget,
}

/// An operation. Attempts are named by small numbers; messages may come late and twice.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Begin {
        attempt: u8,
        has_other_payload: bool,
    },
    BeginInPreviousLayout {
        attempt: u8,
    },
    Settle {
        attempt: u8,
        ended: Ended,
    },
    SettleAnother {
        attempt: u8,
        of: u8,
        ended: Ended,
    },
    Intervene {
        by: u8,
        of: u8,
        wanted: Wanted,
    },
    Wait(u8),
    /// The clock is put back.
    PutBack(u8),
    /// What has expired is collected.
    Sweep,
    /// A newer version has written the row, until it is taken back.
    Unreadable,
}

/// Any list of operations, behind the rules.
pub fn check(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(rules) = Rules::arbitrary(&mut input) else { return };
    let Ok(steps) = Vec::<Step>::arbitrary_take_rest(input) else { return };
    let mut world = World::new(rules);
    for step in steps.into_iter().take(MOST) {
        world.take(step);
    }
}

impl Rules {
    fn lease(self) -> u64 {
        u64::from(self.lease) + 1
    }

    fn retention(self) -> u64 {
        u64::from(self.retention) + 1
    }
}
