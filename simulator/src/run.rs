//! One run of a seed: a phase in which things go wrong, and then a calm one in which the key must settle.

use crate::bug::Bug;
use crate::coverage::{Case, Coverage};
use crate::dice::Dice;
use crate::scenario::{Faults, SLACK, Scenario};
use crate::world::{Action, Kind, Phase, Request, World};

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) steps: u32,
    pub(crate) faults: u32,
    pub(crate) coverage: Coverage,
    pub(crate) violation: Option<&'static str>,
}

/// The most steps of a run, so that it ends even if the world does not.
const STEPS: u32 = 5_000;

/// How many requests come when all is calm. The second one must find what the first has left.
const FRESH: u32 = 2;

/// Runs a seed; `watch` sees the world before each step, and what it will be.
pub(crate) fn run(seed: u64, bug: Option<Bug>, watch: &mut impl FnMut(&Scenario, &World, Action)) -> Ran {
    let mut dice = Dice::new(seed);
    let scenario = dice.scenario(bug);
    let mut run = Run {
        world: World::new(&scenario),
        scenario,
        dice,
        actions: Vec::with_capacity(64),
        ran: Ran { steps: 0, faults: 0, coverage: Coverage::default(), violation: None },
    };
    while run.step(watch) {}
    run.calm_down(watch);
    run.ran.violation = run.ran.violation.or(run.world.violation);
    run.ran
}

struct Run {
    scenario: Scenario,
    world: World,
    dice: Dice,
    actions: Vec<Action>,
    ran: Ran,
}

impl Run {
    /// Lets something happen. Says whether anything could.
    fn step(&mut self, watch: &mut impl FnMut(&Scenario, &World, Action)) -> bool {
        self.actions.clear();
        self.world.actions(&self.scenario, &mut self.actions);
        match self.dice.choose(&self.actions) {
            Some(action) => self.happen(action, watch),
            None => false,
        }
    }

    /// Likewise, but everybody is prompt: time passes only where there is nothing else to do.
    fn prompt_step(&mut self, watch: &mut impl FnMut(&Scenario, &World, Action)) -> bool {
        self.actions.clear();
        self.world.actions(&self.scenario, &mut self.actions);
        if self.actions.len() > 1 {
            self.actions.retain(|action| action.kind() != Kind::Time);
        }
        match self.dice.choose(&self.actions) {
            Some(action) => self.happen(action, watch),
            None => false,
        }
    }

    fn happen(&mut self, action: Action, watch: &mut impl FnMut(&Scenario, &World, Action)) -> bool {
        watch(&self.scenario, &self.world, action);
        let before = self.world.left.count();
        self.world.happen(&self.scenario, action);
        self.ran.steps = self.ran.steps.saturating_add(1);
        self.ran.faults = self.ran.faults.saturating_add(before.saturating_sub(self.world.left.count()));
        self.ran.coverage = self.ran.coverage.union(self.world.latest.coverage);
        self.world.violation.is_none() && self.ran.steps < STEPS
    }

    /// P6: when nothing goes wrong any more, and those who were at it have had the time of a lease, each new request learns
    /// how the key stands.
    fn calm_down(&mut self, watch: &mut impl FnMut(&Scenario, &World, Action)) {
        self.world.left = Faults::NONE;
        self.world.ledger.finish_deployment();
        self.world.forget_what_nobody_sees();
        self.more_time();
        while self.step(watch) {}
        for _ in 0..FRESH {
            if self.world.violation.is_some() || self.ran.violation.is_some() {
                return;
            }
            self.ran.violation = self.fresh_request(watch);
        }
    }

    /// Sends requests until one has a payload that does not mismatch. Says what is wrong with what that one learnt.
    fn fresh_request(&mut self, watch: &mut impl FnMut(&Scenario, &World, Action)) -> Option<&'static str> {
        for payload in [0, 1] {
            let index = self.world.requests.len();
            self.world.requests.push(Request::away(index));
            self.scenario.payloads.push(payload);
            self.more_time();
            let before = core::mem::take(&mut self.ran.coverage);
            while self.prompt_step(watch) && !self.is_over(index) {}
            if self.world.violation.is_some() {
                return self.world.violation;
            }
            let seen = core::mem::replace(&mut self.ran.coverage, before);
            self.ran.coverage = before.union(seen);
            if seen.has(Case::Created) || seen.has(Case::Replayed) || SETTLED_UNKNOWN.iter().any(|case| seen.has(*case))
            {
                return None;
            }
            if !seen.has(Case::Mismatch) {
                return Some("P6: in calm weather a request does not learn how its key stands");
            }
        }
        Some("P6: in calm weather the key matches no payload that was ever sent")
    }

    fn is_over(&self, index: usize) -> bool {
        self.world.requests.get(index).is_some_and(|request| request.phase == Phase::Over)
    }

    /// Time for a lease to end, also where the clock that it began by has stepped back since.
    fn more_time(&mut self) {
        let lease = self.scenario.timeout.saturating_add(SLACK).saturating_add(self.scenario.step);
        self.scenario.horizon = self.world.now.saturating_add(lease).saturating_add(1);
    }
}

const SETTLED_UNKNOWN: [Case; 6] = [
    Case::UnknownAfterLease,
    Case::UnknownAfterTimeout,
    Case::UnknownAfterStatus,
    Case::UnknownNotRecorded,
    Case::ToldUnknown,
    Case::ProbeFoundExecution,
];
