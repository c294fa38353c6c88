//! What ledgers have counted, as OpenMetrics 1.0 text for Prometheus and its like.
//!
//! Every sum over ledgers is one over what each has written down, so that none ever falls: a fall would count as a restart from zero
//! (OpenMetrics, "Counter").

use core::fmt::Write as _;

use crate::config::Route;
use crate::ledger_state::Counters;
use crate::wire::Tally;

/// The text's media type.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the ledgers of a route have counted.
#[derive(Clone, Debug)]
pub(super) struct RouteTally<'c> {
    pub(super) route: &'c Route,
    pub(super) sum: Tally,
    /// How many ledgers were asked, and how many of them gave no answer.
    pub(super) asked: usize,
    pub(super) failed: usize,
}

/// A gauge: its name, what it is, and what it shows of a route.
type Gauge = (&'static str, &'static str, fn(&RouteTally<'_>) -> u64);

const GAUGES: [Gauge; 4] = [
    ("oncegate_ledgers", "Ledgers that were asked.", |route| whole(route.asked)),
    ("oncegate_ledgers_failed", "Ledgers that gave no answer; their routes have no counters until they do.", |route| {
        whole(route.failed)
    }),
    ("oncegate_generations", "Tables of records.", |route| route.sum.generations),
    ("oncegate_storage_bytes", "What the ledgers take of storage.", |route| route.sum.bytes),
];

/// A value of a metric, by its labels beside the route.
type Sample = (&'static str, u64);

/// A counter: its name, what it is, and its samples by one label.
struct Family {
    name: &'static str,
    help: &'static str,
    label: &'static str,
    samples: fn(&Counters) -> Vec<Sample>,
}

const FAMILIES: [Family; 6] = [
    Family {
        name: "oncegate_requests",
        help: "Keyed requests, by what became of them.",
        label: "outcome",
        samples: |counters| {
            vec![
                ("first", counters.forwarded),
                ("replayed", counters.replayed),
                ("in-progress", counters.in_progress),
                ("mismatch", counters.mismatch),
                ("unknown", counters.unknown),
                ("limited", counters.limited),
                ("full", counters.full),
            ]
        },
    },
    Family {
        name: "oncegate_requests_told_unknown",
        help: "Requests told that the outcome is unknown, by why it is.",
        label: "reason",
        samples: |counters| {
            vec![
                ("lease-expired", counters.unknown_lease_expired),
                ("origin-timeout", counters.unknown_origin_timeout),
                ("connection-lost", counters.unknown_connection_lost),
                ("body-cut", counters.unknown_body_cut),
                ("not-recorded", counters.unknown_not_recorded),
                ("status", counters.unknown_status),
            ]
        },
    },
    Family {
        name: "oncegate_attempts",
        help: "Attempts to execute, by how they ended; stale ones did not hold the record, and may have executed twice.",
        label: "end",
        samples: |counters| {
            vec![
                ("completed", counters.completed),
                ("released", counters.released),
                ("doubted", counters.doubted),
                ("stale", counters.stale),
            ]
        },
    },
    Family {
        name: "oncegate_records",
        help: "What else happened to records.",
        label: "event",
        samples: |counters| {
            vec![
                ("waited-for", counters.waited),
                ("probed", counters.probed),
                ("moved", counters.moved),
                ("resolved", counters.resolved),
                ("forgotten", counters.forgotten),
                ("unreadable", counters.unreadable),
            ]
        },
    },
    Family {
        name: "oncegate_rows_written",
        help: "Rows written to storage, as the platform bills them.",
        label: "of",
        samples: |counters| vec![("records", counters.record_rows), ("other", counters.other_rows)],
    },
    Family {
        name: "oncegate_ledger_failures",
        help: "Calls to ledgers that failed, told when a later one did not.",
        label: "of",
        samples: |counters| vec![("calls", counters.ledger_failures)],
    },
];

/// The text.
pub(super) fn text(routes: &[RouteTally<'_>], not_asked: usize) -> String {
    let mut text = String::new();
    // A sum that lacks a ledger's share would have fallen. A gap does no harm.
    let whole_sums = || routes.iter().filter(|route| route.failed == 0);
    for Family { name, help, label, samples } in FAMILIES {
        head(&mut text, name, "counter", help);
        for RouteTally { route, sum, .. } in whole_sums() {
            for (value, count) in samples(&sum.counters) {
                line(&mut text, &format!("{name}_total{{route=\"{}\",{label}=\"{value}\"}}", route.name), count);
            }
        }
    }
    completion(&mut text, whole_sums());
    for (name, help, value) in GAUGES {
        head(&mut text, name, "gauge", help);
        for route in routes {
            line(&mut text, &format!("{name}{{route=\"{}\"}}", route.route.name), value(route));
        }
    }
    head(&mut text, "oncegate_ledgers_not_asked", "gauge", "Ledgers beyond those that one request asks; see from.");
    line(&mut text, "oncegate_ledgers_not_asked", whole(not_asked));
    text.push_str("# EOF\n");
    text
}

/// The histogram of the time from the first request to the answer on record.
fn completion<'t, 'c: 't>(text: &mut String, routes: impl Iterator<Item = &'t RouteTally<'c>>) {
    let name = "oncegate_completion_seconds";
    head(text, name, "histogram", "The time from the first request with a key until its answer was on record.");
    let _ = writeln!(text, "# UNIT {name} seconds");
    for RouteTally { route, sum, .. } in routes {
        let (route, counters) = (&route.name, &sum.counters);
        let mut so_far = 0_u64;
        for (most, count) in counters.completion_spans() {
            so_far = so_far.saturating_add(count);
            line(text, &format!("{name}_bucket{{route=\"{route}\",le=\"{most}\"}}"), so_far);
        }
        line(text, &format!("{name}_count{{route=\"{route}\"}}"), so_far);
        let (seconds, millis) = (counters.completion_millis / 1000, counters.completion_millis % 1000);
        let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {seconds}.{millis:03}");
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# TYPE {name} {kind}\n# HELP {name} {help}");
}

fn line(text: &mut String, sample: &str, value: u64) {
    let _ = writeln!(text, "{sample} {value}");
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
