//! A part of what the commands do, run with all the other tests.

use crate::bug::Bug;
use crate::check::search;
use crate::kill::by_runs;
use crate::runs::run_all;
use crate::scenario::{Faults, Scenario};
use crate::story;

const THREADS: usize = 2;

#[test]
fn a_small_world_has_so_many_states_and_keeps_every_promise() {
    let small = Scenario { horizon: 6, ..Scenario::small() };
    let faults = Faults { deaths: 1, refusals: 1, ..Faults::NONE };
    for (scenario, states) in [(small.clone(), 44_889), (Scenario { faults, ..small }, 151_607)] {
        let searched = search(&scenario, THREADS);
        assert_eq!(searched.violation, None);
        assert_eq!(searched.states, states);
    }
}

#[test]
fn seeds_keep_every_promise() {
    let totals = run_all(0, 20_000, None, THREADS);
    assert_eq!(totals.violation, None);
    assert_eq!(totals.runs, 20_000);
    assert!(totals.runs_with_two_faults > 18_000, "{totals:?}");
}

#[test]
fn seeds_find_nearly_every_bug() {
    for (bug, _) in Bug::ALL {
        if matches!(bug, Bug::ProbeNotBound | Bug::OrderNotBound) {
            // Found by the search.
            continue;
        }
        assert!(by_runs(bug, 50_000, THREADS).is_some(), "{bug:?}");
    }
}

#[test]
fn a_bug_that_is_found_is_told_as_a_story() {
    let scenario = Scenario { bug: Some(Bug::SweepTooEarly), ..Scenario::small() };
    let (violation, actions) = search(&scenario, 1).violation.unwrap();
    let lines = story::tell(&scenario, &actions);
    assert!(lines.iter().any(|line| line.contains("the ledger sweeps")), "{lines:#?}");
    assert!(lines.last().unwrap().ends_with(violation), "{lines:#?}");
}
