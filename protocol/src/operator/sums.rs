//! Sums over ledgers.

use serde_json::{Value, json};

use super::Problem;
use super::metrics::{self, RouteTally};
use crate::config::Route;
use crate::limits;
use crate::wire::Tally;

/// Which ledgers are asked for their counters.
#[derive(Clone, Debug)]
pub struct Sums<'c> {
    routes: Vec<&'c Route>,
    from: usize,
    all: usize,
}

impl<'c> Sums<'c> {
    /// The ledgers of these routes, from the given one on; without one, all of them.
    pub(super) fn of(routes: Vec<&'c Route>, from: Option<usize>) -> Result<Self, Problem> {
        let sums = Self::some_of(routes, from);
        let (all, most) = (sums.all, limits::COUNTED_LEDGERS);
        if from.is_none() && all > most {
            let detail = format!(
                "There are {all} ledgers, and at most {most} are asked at a time. Ask route by route, or with from=0, and \
                 then with what next says until it is null; the sums are those of the ledgers asked."
            );
            return Err(Problem::malformed(detail));
        }
        Ok(sums)
    }

    /// The ledgers to be asked, each with its route.
    pub fn ledgers(&self) -> Vec<(&'c Route, String)> {
        let each = self.routes.iter().flat_map(|route| route.ledgers().map(|name| (*route, name)));
        each.skip(self.from).take(limits::COUNTED_LEDGERS).collect()
    }

    /// From the given ledger on, or the first; there may be more.
    pub(super) fn some_of(routes: Vec<&'c Route>, from: Option<usize>) -> Self {
        let all = routes.iter().fold(0_usize, |sum, route| sum.saturating_add(route.ledger_count()));
        Self { routes, from: from.unwrap_or(0), all }
    }

    /// As [`Self::reply`], as OpenMetrics text.
    pub fn metrics(&self, tallies: &[(String, Option<Tally>)]) -> String {
        let mut routes: Vec<RouteTally<'c>> = Vec::new();
        let tally_of = |ledger: &str| tallies.iter().find(|(name, _)| name == ledger).and_then(|(_, tally)| *tally);
        for (route, ledger) in self.ledgers() {
            if routes.last().is_none_or(|last| last.route.name != route.name) {
                routes.push(RouteTally { route, sum: Tally::default(), asked: 0, failed: 0 });
            }
            let Some(last) = routes.last_mut() else { continue };
            last.asked = last.asked.saturating_add(1);
            match tally_of(&ledger) {
                Some(tally) => last.sum = last.sum.plus(&tally),
                None => last.failed = last.failed.saturating_add(1),
            }
        }
        let asked = routes.iter().fold(0_usize, |sum, route| sum.saturating_add(route.asked));
        metrics::text(&routes, self.all.saturating_sub(self.from).saturating_sub(asked))
    }

    /// What the operator gets, given what each of [`Self::ledgers`] has counted; `None` where it gave no answer.
    pub fn reply(&self, tallies: &[(String, Option<Tally>)]) -> Value {
        let mut sum = Tally::default();
        let mut largest: Option<(&str, u64)> = None;
        let mut failed = Vec::new();
        for (ledger, tally) in tallies {
            let Some(tally) = tally else {
                failed.push(ledger.as_str());
                continue;
            };
            sum = sum.plus(tally);
            if tally.bytes > largest.map_or(0, |(_, bytes)| bytes) {
                largest = Some((ledger, tally.bytes));
            }
        }
        let to = self.from.saturating_add(tallies.len());
        json!({
            "routes": self.routes.iter().map(|route| route.name.as_str()).collect::<Vec<_>>(),
            "ledgers": { "asked": tallies.len(), "of": self.all },
            "counters": sum.counters.shown(),
            "generations": sum.generations,
            "bytes": sum.bytes,
            "largest": largest.map(|(ledger, bytes)| json!({ "ledger": ledger, "bytes": bytes })),
            "failed": failed,
            "next": (to < self.all && !tallies.is_empty()).then_some(to),
        })
    }
}
