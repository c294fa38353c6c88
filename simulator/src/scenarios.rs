//! The small worlds that are searched exhaustively: each fault alone, chosen pairs, and each policy for unknown outcomes.

use oncegate_protocol::record::OnUnknown;

use crate::scenario::{Faults, Scenario};

/// A world to be searched, and what must come of it.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) expected: Expected,
}

/// What must come of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No promise is broken, in exactly so many states. A change of the protocol or of the world may change the number; then
    /// somebody has to say so here. A number that changes by itself would mean that the search is not what it seems to be.
    Holds(usize),
    /// Promise P1 is broken: the rules ask for more than anybody could keep.
    BreaksP1,
}

const NONE: Faults = Faults::NONE;

/// All of them.
pub(crate) fn all() -> Vec<Named> {
    let small = Scenario::small;
    // A short life: its record is gone, and swept, before the world ends.
    let brief = || Scenario { ttl: 1, guard: 0, lateness: 0, horizon: 9, ..small() };
    let probe = || Scenario { on_unknown: OnUnknown::Probe, ttl: 1, horizon: 7, ..small() };
    let retry = || Scenario { on_unknown: OnUnknown::Retry, ttl: 1, horizon: 7, ..small() };
    let crowded = |on_unknown| Scenario { payloads: vec![0; 3], on_unknown, horizon: 1, ..small() };
    let law = |guard| Scenario {
        ttl: 1,
        guard,
        step: 1,
        horizon: 8,
        faults: Faults { steps: 1, ambiguities: 1, ..NONE },
        ..small()
    };
    let with = |scenario: Scenario, faults| Scenario { faults, ..scenario };
    let list = [
        ("nothing goes wrong", small(), 329_826),
        ("nothing goes wrong, two payloads", Scenario { payloads: vec![0, 1], ..small() }, 316_611),
        ("a message is lost", with(Scenario { horizon: 7, ..small() }, Faults { losses: 1, ..NONE }), 524_910),
        ("two messages are lost", with(Scenario { horizon: 5, ..small() }, Faults { losses: 2, ..NONE }), 254_247),
        ("a message comes twice", with(Scenario { horizon: 6, ..small() }, Faults { repeats: 1, ..NONE }), 338_284),
        ("a Worker dies", with(small(), Faults { deaths: 1, ..NONE }), 594_639),
        ("the ledger restarts", with(Scenario { horizon: 7, ..small() }, Faults { restarts: 1, ..NONE }), 510_574),
        (
            "an upgrade is rolled back",
            with(Scenario { horizon: 7, ..small() }, Faults { upgrades: 2, ..NONE }),
            582_869,
        ),
        ("the origin refuses", with(Scenario { horizon: 8, ..small() }, Faults { refusals: 1, ..NONE }), 304_569),
        ("an operator resolves", with(Scenario { horizon: 8, ..small() }, Faults { resolutions: 1, ..NONE }), 832_048),
        ("a Worker dies, 502", with(small(), Faults { deaths: 1, ambiguities: 1, ..NONE }), 1_073_736),
        (
            "a message is lost, another comes twice",
            with(Scenario { horizon: 4, ..small() }, Faults { losses: 1, repeats: 1, ..NONE }),
            241_290,
        ),
        (
            "a Worker dies, the ledger restarts",
            with(Scenario { horizon: 6, ..small() }, Faults { deaths: 1, restarts: 1, ..NONE }),
            429_377,
        ),
        (
            "the clock steps, a message is lost",
            with(Scenario { step: 1, guard: 2, horizon: 5, ..small() }, Faults { steps: 1, losses: 1, ..NONE }),
            389_868,
        ),
        ("records that expire soon", brief(), 785_936),
        ("retry: 502", with(retry(), Faults { ambiguities: 1, ..NONE }), 532_500),
        ("probe: 502", with(probe(), Faults { ambiguities: 1, ..NONE }), 631_266),
        ("probe: a Worker dies", with(probe(), Faults { deaths: 1, ..NONE }), 491_300),
        (
            "probe: a message comes twice",
            with(Scenario { horizon: 5, ..probe() }, Faults { repeats: 1, ..NONE }),
            318_240,
        ),
        (
            "three at once: 502, an order comes twice",
            with(crowded(OnUnknown::Hold), Faults { ambiguities: 2, repeats: 1, resolutions: 1, ..NONE }),
            21_246,
        ),
        (
            "three at once: probe, 502, a message comes twice",
            with(crowded(OnUnknown::Probe), Faults { ambiguities: 2, repeats: 2, ..NONE }),
            231_806,
        ),
        ("retention: guard is lateness and step", law(2), 1_277_690),
    ];
    let held = list.map(|(name, scenario, states)| Named { name, scenario, expected: Expected::Holds(states) });
    let broken = Named { name: "retention: a tick less", scenario: law(1), expected: Expected::BreaksP1 };
    held.into_iter().chain([broken]).collect()
}
