//! From the head of an operator's request to what it asks for.

use super::{AdminToken, Case, Cursor, Listed, Problem, Sums, Tour};
use crate::config::{Config, Route};
use crate::ids::RecordId;
use crate::limits;
use crate::request::{OWN_PATHS, RequestHead, RequestUrl};

/// What an operator asks for.
#[derive(Clone, Debug)]
pub enum Ask<'c> {
    /// The effective configuration.
    Configuration,
    /// Sums over ledgers.
    Counters(Sums<'c>),
    /// Sums over ledgers, route by route, as OpenMetrics text.
    Metrics(Sums<'c>),
    /// Which records of a route stand so.
    Records(Tour<'c>),
    /// One record.
    Record {
        /// Its route.
        route: &'c Route,
        /// Its id.
        id: RecordId,
        /// Whether the stored body is wanted.
        with_body: bool,
    },
    /// The record of the scope and key in the body: [`super::body::find`].
    Find(&'c Route),
    /// To settle a record as the body says: [`super::body::resolve`].
    Resolve(&'c Route, RecordId),
    /// To have a record forgotten, for the reason in the body: [`super::body::forget`].
    Forget(&'c Route, RecordId),
}

/// What may follow in the address's query.
const NO_PARAMETERS: &[&str] = &[];

/// Decides from the head of a request to one of the gate's own addresses.
///
/// # Errors
/// Why it is refused. Without the token nothing else is told.
pub fn admit<'c>(config: &'c Config, token: &AdminToken, head: &RequestHead<'_>) -> Result<Ask<'c>, Problem> {
    if !token.is_shown((head.header)("authorization").as_deref()) {
        return Err(Problem::unauthorized());
    }
    let url = &head.url;
    let path: Vec<&str> = url.path.strip_prefix(OWN_PATHS).unwrap_or_default().split('/').collect();
    let route = |name: &str| find_route(config, name);
    match path.as_slice() {
        ["config"] => {
            method(head, "GET, HEAD")?;
            Query::read(url, NO_PARAMETERS)?;
            Ok(Ask::Configuration)
        }
        ["counters"] => {
            method(head, "GET, HEAD")?;
            Sums::of(config.routes.all().collect(), from(url)?).map(Ask::Counters)
        }
        ["metrics"] => {
            method(head, "GET, HEAD")?;
            Ok(Ask::Metrics(Sums::some_of(config.routes.all().collect(), from(url)?)))
        }
        ["routes", name, "counters"] => {
            method(head, "GET, HEAD")?;
            Sums::of(vec![route(name)?], from(url)?).map(Ask::Counters)
        }
        ["routes", name, "records"] => {
            method(head, "GET, HEAD")?;
            tour(route(name)?, url).map(Ask::Records)
        }
        ["routes", name, "records", "find"] => {
            method(head, "POST")?;
            Query::read(url, NO_PARAMETERS)?;
            route(name).map(Ask::Find)
        }
        ["routes", name, "records", id] => {
            method(head, "GET, HEAD")?;
            let (route, id) = (route(name)?, record_id(id)?);
            let with_body = match Query::read(url, &["body"])?.value("body") {
                None | Some("0") => false,
                Some("1") => true,
                Some(_) => {
                    return Err(Problem::malformed("The query's body must be 1, to have the stored body shown, or 0."));
                }
            };
            Ok(Ask::Record { route, id, with_body })
        }
        ["routes", name, "records", id, action @ ("resolve" | "forget")] => {
            method(head, "POST")?;
            Query::read(url, NO_PARAMETERS)?;
            let (route, id) = (route(name)?, record_id(id)?);
            Ok(if *action == "resolve" { Ask::Resolve(route, id) } else { Ask::Forget(route, id) })
        }
        _ => Err(Problem::new(Case::NoAddress, ADDRESSES)),
    }
}

const ADDRESSES: &str = "The addresses are GET config, counters, metrics, routes/ROUTE/counters, \
    routes/ROUTE/records?state=unknown, routes/ROUTE/records/ID, and POST routes/ROUTE/records/find, \
    routes/ROUTE/records/ID/resolve, routes/ROUTE/records/ID/forget, all below /_oncegate/.";

fn method(head: &RequestHead<'_>, allowed: &'static str) -> Result<(), Problem> {
    match allowed.split(", ").any(|method| method == head.method) {
        true => Ok(()),
        false => Err(Problem::method(allowed)),
    }
}

fn find_route<'c>(config: &'c Config, name: &str) -> Result<&'c Route, Problem> {
    config.routes.named(name).ok_or_else(|| {
        let names: Vec<&str> = config.routes.all().map(|route| route.name.as_str()).collect();
        Problem::new(Case::NoRoute, format!("The routes are {}.", names.join(", ")))
    })
}

fn record_id(text: &str) -> Result<RecordId, Problem> {
    RecordId::parse(text)
        .ok_or_else(|| Problem::malformed("A record's id is 64 hexadecimal digits, as the log and find give them."))
}

/// From which of the ledgers on to count, if that is said.
fn from(url: &RequestUrl<'_>) -> Result<Option<usize>, Problem> {
    let wrong = || {
        Problem::malformed(
            "The query's from must be a number: from which of the ledgers on to count, the first being 0.",
        )
    };
    Query::read(url, &["from"])?.value("from").map(|text| text.parse().map_err(|_| wrong())).transpose()
}

fn tour<'c>(route: &'c Route, url: &RequestUrl<'_>) -> Result<Tour<'c>, Problem> {
    let query = Query::read(url, &["state", "limit", "after"])?;
    let listed = match query.value("state") {
        Some("unknown") => Listed::Unknown,
        Some("in-progress") => Listed::InProgress,
        _ => return Err(Problem::malformed("The query's state must be unknown or in-progress.")),
    };
    let wrong_limit =
        || Problem::malformed(format!("The query's limit must be a number from 1 to {}.", limits::PAGE_RECORDS_MOST));
    let limit = match query.value("limit").map(str::parse) {
        None => limits::PAGE_RECORDS,
        Some(Ok(limit)) if (1..=limits::PAGE_RECORDS_MOST).contains(&limit) => limit,
        Some(_) => return Err(wrong_limit()),
    };
    let after = query.value("after").map(|text| Cursor::parse(route, text)).transpose()?;
    Ok(Tour::begin(route, listed, limit, after))
}

/// The parameters of a query: those that are known, none of them twice.
struct Query(Vec<(String, String)>);

impl Query {
    fn read(url: &RequestUrl<'_>, known: &[&str]) -> Result<Self, Problem> {
        let mut read: Vec<(String, String)> = Vec::new();
        for parameter in url.parameters() {
            let (name, value) = parameter.ok_or_else(|| Problem::malformed("The query is not UTF-8."))?;
            if !known.contains(&name.as_str()) {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::malformed(format!("The query has {name:?}; its parameters are {known}.")));
            }
            if read.iter().any(|(other, _)| *other == name) {
                return Err(Problem::malformed(format!("The query has {name} twice.")));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    fn value(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}
