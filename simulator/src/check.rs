//! The exhaustive check: every state that a small world can come to, and every way to it.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use stateright::{Checker, Model, Property};

use crate::coverage::Coverage;
use crate::scenario::Scenario;
use crate::world::{Action, World};

/// What came of a search.
pub(crate) struct Searched {
    /// How many different states were found.
    pub(crate) states: usize,
    /// What was seen on the way to them.
    pub(crate) coverage: Coverage,
    /// The promise that was broken, and what led to that. The shortest way, where one thread searched.
    pub(crate) violation: Option<(&'static str, Vec<Action>)>,
}

/// Looks at every state that can be reached, or until a promise is broken.
pub(crate) fn search(scenario: &Scenario, threads: usize) -> Searched {
    let seen = Arc::new(AtomicU64::new(0));
    let search = Search { scenario: scenario.clone(), seen: Arc::clone(&seen) };
    let checker = search.checker().threads(threads).spawn_bfs().join();
    let violation = checker.discovery(PROPERTY).map(|path| {
        let broken = path.last_state().violation.unwrap_or(PROPERTY);
        (broken, path.into_actions())
    });
    let coverage = Coverage::from_bits(seen.load(Ordering::Relaxed));
    Searched { states: checker.unique_state_count(), coverage, violation }
}

const PROPERTY: &str = "the promises hold";

struct Search {
    scenario: Scenario,
    /// The bits of what was seen.
    seen: Arc<AtomicU64>,
}

impl Model for Search {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.scenario)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        world.actions(&self.scenario, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let next = world.after(&self.scenario, action);
        let bits = next.latest.coverage.bits();
        // Nearly always there is nothing new, and a look at it keeps the threads from waiting for each other.
        if self.seen.load(Ordering::Relaxed) & bits != bits {
            self.seen.fetch_or(bits, Ordering::Relaxed);
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(PROPERTY, |_, world: &World| world.violation.is_none())]
    }
}
