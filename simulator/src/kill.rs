//! Searches for each bug of the kill list, both ways.

use oncegate_protocol::record::OnUnknown;

use crate::bug::Bug;
use crate::check::search;
use crate::runs::run_all;
use crate::scenario::{Faults, Scenario};

/// How a bug fared.
pub(crate) struct Hunted {
    pub(crate) bug: Bug,
    pub(crate) text: &'static str,
    /// Why the runs may fail to find it.
    pub(crate) rare: Option<&'static str>,
    /// What the search found, after how many states.
    pub(crate) by_search: Option<(&'static str, usize)>,
    /// What the runs found, and after how many of them.
    pub(crate) by_runs: Option<(&'static str, u64)>,
}

/// Searches for all bugs by the exhaustive search, and by up to so many seeds from 0 on.
pub(crate) fn hunt(seeds: u64, threads: usize) -> impl Iterator<Item = Hunted> {
    Bug::ALL.into_iter().map(move |(bug, text)| Hunted {
        bug,
        text,
        rare: rare(bug),
        by_search: by_search(bug),
        by_runs: by_runs(bug, seeds, threads),
    })
}

/// One thread, so that the number of states is the same each time.
fn by_search(bug: Bug) -> Option<(&'static str, usize)> {
    let searched = search(&world_with(bug), 1);
    searched.violation.map(|(violation, _)| (violation, searched.states))
}

/// What the first seed found that found anything.
pub(crate) fn by_runs(bug: Bug, seeds: u64, threads: usize) -> Option<(&'static str, u64)> {
    let (seed, violation) = run_all(0, seeds, Some(bug), threads).violation?;
    Some((violation, seed.saturating_add(1)))
}

/// Why seeds hardly find a bug.
const fn rare(bug: Bug) -> Option<&'static str> {
    match bug {
        Bug::ProbeNotBound => Some(
            "chance hardly has two messages of one request repeated, keeps both copies back until another attempt has \
             claimed, executed and ended unknown, and then delivers the right one first",
        ),
        _ => None,
    }
}

/// The small world in which the bug does harm.
fn world_with(bug: Bug) -> Scenario {
    let none = Faults::NONE;
    let long = |faults| Scenario { ttl: 6, horizon: 7, faults, ..Scenario::small() };
    // Its record is gone after five ticks.
    let brief = || Scenario { ttl: 1, guard: 0, lateness: 0, horizon: 9, ..Scenario::small() };
    // All at once.
    let crowded =
        |on_unknown, faults| Scenario { payloads: vec![0; 3], on_unknown, horizon: 1, faults, ..Scenario::small() };
    let scenario = match bug {
        Bug::ExecuteAgainAfterLease | Bug::LeaseNeverEnds => long(Faults { deaths: 1, ..none }),
        Bug::DeleteOnTimeout | Bug::LeaseNotHeld | Bug::SweepTooEarly => long(none),
        Bug::DoubtReleases => long(Faults { ambiguities: 1, ..none }),
        Bug::NewAttemptPerTry => long(Faults { losses: 1, ..none }),
        Bug::ReplyBeforeDurable => long(Faults { restarts: 1, ..none }),
        Bug::UnreadableIsAbsent => long(Faults { upgrades: 2, ..none }),
        Bug::FingerprintIgnored => Scenario { payloads: vec![0, 1], ..long(none) },
        Bug::ProbeNotBound => crowded(OnUnknown::Probe, Faults { ambiguities: 2, repeats: 2, ..none }),
        Bug::OrderNotBound => crowded(OnUnknown::Hold, Faults { ambiguities: 2, repeats: 1, resolutions: 1, ..none }),
        Bug::NoGuard => Scenario { faults: Faults { ambiguities: 1, ..none }, ..Scenario::small() },
        Bug::CompleteIgnoresFence | Bug::FenceRestarts | Bug::CompleteOverwrites | Bug::DeadlineIgnored => brief(),
    };
    Scenario { bug: Some(bug), ..scenario }
}
