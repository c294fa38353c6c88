//! What the records of the deployed routes are kept under, in `routes.lock` beside `wrangler.toml`.
//!
//! A route's name, its number of shards and its jurisdiction are part of where its records are. Changed without a word, they
//! make the Worker forget every key, and a retry would be executed again. So a deployment writes them down, and the next one
//! is refused that changes them and does not say so.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, bail};
use oncegate_protocol::config::{Placement, Route};
use serde_json::Value as Json;

use crate::check_config::Document;
use crate::output;
use crate::project::Project;
use crate::wrangler;

const FILE: &str = "routes.lock";

const HEADER: &str = "\
# What the records of the deployed routes are kept under. `cargo xtask build` writes it when wrangler deploys; commit it.
# A deployment that changes one of these and does not say so is refused: it would forget the records, and retries would be
# executed again. Where there are no records, delete the route here.
";

/// What the records of one route are kept under.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// The table of `wrangler.toml` with its variables.
    table: String,
    name: String,
    shards: u16,
    /// Empty where there is none.
    jurisdiction: String,
    path: String,
    methods: Vec<String>,
}

/// Whether wrangler has this build run in order to deploy it.
pub(crate) fn is_deployment() -> bool {
    matches!(std::env::var("WRANGLER_COMMAND").as_deref(), Ok("deploy" | "versions upload"))
}

/// Refuses a deployment that would forget records, and else writes down where they are from now on.
pub(crate) fn check(project: &Project) -> Result<()> {
    let Some(document) = Document::find(project)? else { return Ok(()) };
    let routes = wrangler::routes(&document.json);
    let file = project.path(FILE);
    let named = || format!("the file {}", file.display());
    let kept = match fs::read_to_string(&file) {
        Ok(text) => read(&text).with_context(named)?,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).with_context(named),
    };
    let forgotten: Vec<String> = kept.iter().filter_map(|kept| forgotten(kept, &routes)).collect();
    if !forgotten.is_empty() {
        bail!("this deployment would forget records, which {FILE} tells of:\n{}", forgotten.join("\n"));
    }
    let now: Vec<Kept> = routes.iter().map(|(table, route)| Kept::of(table, route)).collect();
    if now != kept {
        fs::write(&file, write(&now)).with_context(named)?;
        output::notice(format_args!("wrote {FILE}, which tells where the routes' records are: commit it"));
    }
    Ok(())
}

impl Kept {
    fn of(table: &str, route: &Route) -> Self {
        let jurisdiction = match route.placement {
            Placement::Jurisdiction(name) => name,
            Placement::Anywhere | Placement::Hint(_) => "",
        };
        Self {
            table: table.to_owned(),
            name: route.name.clone(),
            shards: route.layout.shards.get(),
            jurisdiction: jurisdiction.to_owned(),
            path: route.path.clone(),
            methods: route.methods.clone(),
        }
    }
}

/// What is wrong where these records would be forgotten.
fn forgotten(kept: &Kept, routes: &[(String, Route)]) -> Option<String> {
    let Kept { table, name, shards, jurisdiction, .. } = kept;
    let in_table = || routes.iter().filter(|(other, _)| other == table).map(|(_, route)| route);
    let is_declared = |route: &Route| {
        route.previous.as_ref().is_some_and(|previous| previous.name == *name && previous.shards.get() == *shards)
    };
    if let Some(route) = in_table().find(|route| route.name == *name || is_declared(route)) {
        let now = Kept::of(table, route);
        if now.jurisdiction != *jurisdiction {
            let shown = |name: &str| if name.is_empty() { "none".to_owned() } else { format!("\"{name}\"") };
            return Some(format!(
                "[{table}] the route {name} had jurisdiction {}, and has {} now: records cannot move between jurisdictions, so \
                 give the route another name and path, or keep the jurisdiction",
                shown(jurisdiction),
                shown(&now.jurisdiction),
            ));
        }
        let is_kept = (route.name == *name && now.shards == *shards) || is_declared(route);
        return (!is_kept).then(|| {
            format!(
                "[{table}] the route {name} had {shards} shards, and has {} now: say shards = {{ count = {}, previous = {shards} }}",
                now.shards, now.shards,
            )
        });
    }
    let successor = in_table()
        .find(|route| route.path == kept.path && route.methods.iter().any(|method| kept.methods.contains(method)))?;
    Some(format!(
        "[{table}] the route {} for {} was called {name}: say renamed_from = \"{name}\"",
        successor.name, successor.path,
    ))
}

fn write(routes: &[Kept]) -> String {
    let mut text = HEADER.to_owned();
    for route in routes {
        let mut table = toml::Table::new();
        table.insert("table".to_owned(), route.table.clone().into());
        table.insert("name".to_owned(), route.name.clone().into());
        table.insert("shards".to_owned(), i64::from(route.shards).into());
        table.insert("jurisdiction".to_owned(), route.jurisdiction.clone().into());
        table.insert("path".to_owned(), route.path.clone().into());
        table.insert("methods".to_owned(), route.methods.clone().into());
        text.push_str(&format!("\n[[route]]\n{table}"));
    }
    text
}

fn read(text: &str) -> Result<Vec<Kept>> {
    let document = wrangler::parse(text)?;
    let routes = document.get("route").and_then(Json::as_array).cloned().unwrap_or_default();
    routes
        .iter()
        .map(|route| kept(route).with_context(|| format!("a route is not as it was written: {route}")))
        .collect()
}

fn kept(route: &Json) -> Option<Kept> {
    let text = |name: &str| route.get(name).and_then(Json::as_str).map(str::to_owned);
    let methods = route.get("methods")?.as_array()?.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    Some(Kept {
        table: text("table")?,
        name: text("name")?,
        shards: u16::try_from(route.get("shards")?.as_u64()?).ok()?,
        jurisdiction: text("jurisdiction")?,
        path: text("path")?,
        methods,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str) -> Vec<(String, Route)> {
        wrangler::routes(&wrangler::parse(text).unwrap())
    }

    fn route(fields: &str) -> String {
        format!("[[vars.ROUTES]]\npath = \"/v1/payments\"\nscope = \"public\"\n{fields}\n")
    }

    /// What is said when routes with these fields are deployed after these.
    fn after(before: &str, now: &str) -> String {
        let kept: Vec<Kept> = routes(&route(before)).iter().map(|(table, route)| Kept::of(table, route)).collect();
        assert_eq!(read(&write(&kept)).unwrap(), kept, "it is read as it was written");
        let now = routes(now);
        kept.iter().filter_map(|kept| forgotten(kept, &now)).collect()
    }

    #[test]
    fn what_would_forget_records_is_refused_unless_it_is_declared() {
        let payments = "name = \"payments\"";
        let refused = [
            ("name = \"charges\"", "renamed_from = \"payments\""),
            ("name = \"payments\"\nshards = 16", "shards = { count = 16, previous = 8 }"),
            ("name = \"payments\"\nshards = { count = 16, previous = 4 }", "previous = 8"),
            ("name = \"payments\"\njurisdiction = \"eu\"", "cannot move between jurisdictions"),
        ];
        for (fields, expected) in refused {
            let said = after(payments, &route(fields));
            assert!(said.contains(expected) && said.starts_with("[vars] the route"), "{fields}: {said}");
        }
        let taken = [
            payments,
            "name = \"payments\"\nttl = \"1h\"",
            "name = \"payments\"\nshards = { count = 16, previous = 8 }",
            "name = \"charges\"\nrenamed_from = \"payments\"",
            "name = \"charges\"\nrenamed_from = \"payments\"\nshards = { count = 4, previous = 8 }",
        ];
        for fields in taken {
            assert_eq!(after(payments, &route(fields)), "", "{fields}");
        }
    }

    #[test]
    fn a_route_that_seals_is_kept_too() {
        let sealing = routes(&route("name = \"payments\"\nseal = true"));
        assert_eq!(sealing.iter().map(|(_, route)| route.name.as_str()).collect::<Vec<_>>(), ["payments"]);
    }

    #[test]
    fn a_route_may_go_or_move_to_another_path() {
        let elsewhere = "[[vars.ROUTES]]\nname = \"payments\"\npath = \"/v2/payments\"\nscope = \"public\"\n";
        assert_eq!(after("name = \"payments\"", elsewhere), "");
        let another = "[[vars.ROUTES]]\nname = \"orders\"\npath = \"/v1/orders\"\nscope = \"public\"\n";
        assert_eq!(after("name = \"payments\"", another), "");
        let other_method = route("name = \"other\"\nmethods = [\"DELETE\"]");
        assert_eq!(after("name = \"payments\"", &other_method), "");
    }
}
