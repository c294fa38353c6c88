//! Everything that a seed decides: the rules of its run, how much may go wrong, and how likely each sort of step is.
//!
//! Each seed turns some sorts of steps off and makes others frequent ("swarm testing", Groce et al., 2012): what is rare when
//! all is equally likely is then common in some runs.

use fastrand::Rng;
use oncegate_protocol::record::OnUnknown;

use crate::bug::Bug;
use crate::scenario::{Faults, Scenario};
use crate::world::{Action, Kind};

/// The decisions of one seed. It draws 32-bit numbers only, which are the same on every platform.
pub(crate) struct Dice {
    rng: Rng,
    weights: [u32; Kind::COUNT],
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut weights = [0; Kind::COUNT];
        for (kind, weight) in weights.iter_mut().enumerate() {
            let choices: &[u32] = match kind {
                // Far apart as well as together.
                kind if kind == Kind::Arrival as usize => &[1, 4, 16],
                kind if kind == Kind::Time as usize => &[2, 8, 24, 64],
                kind if kind < Kind::Loss as usize => &[2, 8, 32],
                _ => &[0, 1, 4, 16],
            };
            *weight = pick(&mut rng, choices);
        }
        Self { rng, weights }
    }

    /// The rules of the run.
    pub(crate) fn scenario(&mut self, bug: Option<Bug>) -> Scenario {
        let rng = &mut self.rng;
        let requests = rng.u32(2..=5);
        let payload_values = pick(rng, &[1, 1, 2]);
        let payloads = (0..requests).map(|_| u8::try_from(rng.u32(0..payload_values)).unwrap_or(0)).collect();
        let lateness = rng.u32(0..=4);
        let step = rng.u32(0..=2);
        Scenario {
            payloads,
            on_unknown: *pick_ref(rng, &[OnUnknown::Hold, OnUnknown::Hold, OnUnknown::Probe, OnUnknown::Retry]),
            timeout: rng.u32(1..=3),
            ttl: rng.u32(1..=6),
            // Mostly as short as the retention law allows.
            guard: lateness.saturating_add(step).saturating_add(pick(rng, &[0, 0, 0, 1])),
            lateness,
            step,
            horizon: rng.u32(8..=40),
            faults: faults(rng),
            bug,
        }
    }

    /// One of these actions, if the weights leave any.
    pub(crate) fn choose(&mut self, actions: &[Action]) -> Option<Action> {
        let weights = self.weights;
        let weight = |action: &Action| weights.get(action.kind() as usize).copied().unwrap_or_default();
        let total: u32 = actions.iter().map(weight).fold(0, u32::saturating_add);
        if total == 0 {
            return None;
        }
        let mut left = self.rng.u32(0..total);
        for action in actions {
            let weight = weight(action);
            if left < weight {
                return Some(*action);
            }
            left = left.saturating_sub(weight);
        }
        None
    }
}

fn faults(rng: &mut Rng) -> Faults {
    let mut number = || pick(rng, &[0, 1, 2, 3]);
    Faults {
        losses: number(),
        repeats: number(),
        deaths: number(),
        restarts: number(),
        steps: number(),
        upgrades: number(),
        ambiguities: number(),
        refusals: number(),
        resolutions: number().saturating_sub(2),
    }
}

fn pick<T: Copy + Default>(rng: &mut Rng, choices: &[T]) -> T {
    choices.get(index(rng, choices.len())).copied().unwrap_or_default()
}

fn pick_ref<'a, T>(rng: &mut Rng, choices: &'a [T; 4]) -> &'a T {
    let [first, ..] = choices;
    choices.get(index(rng, choices.len())).unwrap_or(first)
}

fn index(rng: &mut Rng, length: usize) -> usize {
    let length = u32::try_from(length).unwrap_or(u32::MAX).max(1);
    usize::try_from(rng.u32(0..length)).unwrap_or(0)
}
