//! What a run of the world is made of: who asks, by which rules, and how much may go wrong.

use core::time::Duration;

use oncegate_protocol::record::OnUnknown;
use oncegate_protocol::{deadline, limits};

use crate::bug::Bug;

/// How long a tick of the world's clock is.
pub(crate) const TICK: Duration = Duration::from_secs(5);

/// By how many ticks the lease outlasts the origin's timeout.
pub(crate) const SLACK: u32 = 2;

const _: () = assert!(limits::LEASE_SLACK.as_millis() == TICK.as_millis() * SLACK as u128);

/// A run's rules. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scenario {
    /// The payload of each request that may come; all have the same key and scope.
    pub(crate) payloads: Vec<u8>,
    /// What the route says of unknown outcomes.
    pub(crate) on_unknown: OnUnknown,
    /// The route's timeout.
    pub(crate) timeout: u32,
    /// The route's ttl.
    pub(crate) ttl: u32,
    /// The route's guard.
    pub(crate) guard: u32,
    /// How much later than it was called the origin may execute.
    pub(crate) lateness: u32,
    /// By how much the observed clock may run ahead of the true one.
    pub(crate) step: u32,
    /// When the world ends.
    pub(crate) horizon: u32,
    /// What may go wrong.
    pub(crate) faults: Faults,
    /// What is wrong with the protocol, on purpose.
    pub(crate) bug: Option<Bug>,
}

/// How often each fault may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// Messages between Worker and ledger that are lost, either way.
    pub(crate) losses: u8,
    /// Messages to the ledger that are delivered twice.
    pub(crate) repeats: u8,
    /// Workers that die.
    pub(crate) deaths: u8,
    /// Restarts of the ledger, which lose what is not durable yet.
    pub(crate) restarts: u8,
    /// Steps of the clock, forwards or back.
    pub(crate) steps: u8,
    /// Changes of the program's version, up or down.
    pub(crate) upgrades: u8,
    /// Answers of the origin's side that leave it open whether it executed, and probes to which it says nothing.
    pub(crate) ambiguities: u8,
    /// Answers by which the origin refuses to execute.
    pub(crate) refusals: u8,
    /// Records that an operator settles by hand, which is no fault, but comes as unexpected.
    pub(crate) resolutions: u8,
}

impl Faults {
    /// Nothing goes wrong.
    pub(crate) const NONE: Self = Self {
        losses: 0,
        repeats: 0,
        deaths: 0,
        restarts: 0,
        steps: 0,
        upgrades: 0,
        ambiguities: 0,
        refusals: 0,
        resolutions: 0,
    };

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        let all = [
            self.losses,
            self.repeats,
            self.deaths,
            self.restarts,
            self.steps,
            self.upgrades,
            self.ambiguities,
            self.refusals,
            self.resolutions,
        ];
        all.into_iter().map(u32::from).sum()
    }
}

impl Scenario {
    /// Two like requests to a route that holds, with little time, where nothing goes wrong but that the origin may execute
    /// one tick late or never. The guard is as short as the retention law allows.
    pub(crate) fn small() -> Self {
        Self {
            payloads: vec![0, 0],
            on_unknown: OnUnknown::Hold,
            timeout: 1,
            ttl: 2,
            guard: 1,
            lateness: 1,
            step: 0,
            horizon: 9,
            faults: Faults::NONE,
            bug: None,
        }
    }

    /// A span of so many ticks.
    pub(crate) fn span(ticks: u32) -> Duration {
        TICK.saturating_mul(ticks)
    }

    /// How long a claim holds.
    pub(crate) fn lease(&self) -> Duration {
        deadline::lease(Self::span(self.timeout))
    }

    /// How long a settled record is kept.
    pub(crate) fn retention(&self) -> Duration {
        Self::span(self.ttl.saturating_add(self.guard))
    }
}
