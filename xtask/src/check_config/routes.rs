//! The routes that a Worker has, as a table for people.

use oncegate_protocol::config::{Config, Mode, OnDuplicate, Placement, Route, UnknownPolicy};

const HEADINGS: [&str; 10] =
    ["name", "methods", "path", "key", "scope", "ttl", "mode", "on_duplicate", "on_unknown", "ledgers"];

/// A line for each route, below one of headings.
pub(crate) fn table(config: &Config) -> Vec<String> {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(config.routes.all().map(row));
    aligned(&rows)
}

fn row(route: &Route) -> [String; HEADINGS.len()] {
    [
        route.name.clone(),
        route.methods.join(","),
        route.path.clone(),
        route.key.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + "),
        scope(route),
        humantime::format_duration(route.ttl).to_string(),
        mode(route.mode).to_owned(),
        on_duplicate(route.on_duplicate),
        on_unknown(&route.on_unknown),
        ledgers(route),
    ]
}

fn scope(route: &Route) -> String {
    let sources = route.scope.written();
    if sources.is_empty() { "public".to_owned() } else { sources.join(" + ") }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
        Mode::Off => "off",
    }
}

fn on_duplicate(policy: OnDuplicate) -> String {
    match policy {
        OnDuplicate::Conflict => "conflict".to_owned(),
        OnDuplicate::Wait(time) => format!("wait {}", humantime::format_duration(time)),
    }
}

fn on_unknown(policy: &UnknownPolicy) -> String {
    match policy {
        UnknownPolicy::Hold => "hold".to_owned(),
        UnknownPolicy::Retry => "retry".to_owned(),
        UnknownPolicy::Probe(path) => format!("probe {path}"),
    }
}

/// How many there are, and where: those of the previous layout too, which are asked as long as it is named.
fn ledgers(route: &Route) -> String {
    let count = route.layout.shards;
    let previous = route.previous.as_ref().map(|previous| format!(", before {}/{}", previous.name, previous.shards));
    let place = match &route.placement {
        Placement::Anywhere => String::new(),
        Placement::Hint(region) => format!(", near {region}"),
        Placement::Jurisdiction(region) => format!(", inside {region}"),
    };
    format!("{count}{}{place}", previous.unwrap_or_default())
}

/// Rows as lines, with columns of the same width, two spaces apart.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> Vec<String> {
    let length = |text: &String| text.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().enumerate().map(|(column, text)| format!("{text:<width$}", width = width(column)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
