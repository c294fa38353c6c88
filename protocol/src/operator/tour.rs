//! How the Worker is led through a route's ledgers for one page of records.

use serde_json::{Value, json};

use super::{Listed, Problem, show};
use crate::config::Route;
use crate::limits;
use crate::slot::Slot;
use crate::wire::{Entry, OperatorCommand, Page, Position};

/// How far a route's records have been listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which of the route's ledgers.
    ledger: usize,
    /// Where in it; `None`: at the beginning.
    position: Option<Position>,
}

impl Cursor {
    /// Reads the form that [`Cursor::write`] gives.
    ///
    /// # Errors
    /// Where it is not one, or names a ledger that the route does not have any more.
    pub(super) fn parse(route: &Route, text: &str) -> Result<Self, Problem> {
        let read = || {
            let mut parts = text.split(':');
            let name = parts.next()?;
            let ledger = route.ledgers().position(|ledger| ledger == name)?;
            let position = match (parts.next(), parts.next(), parts.next()) {
                (None, ..) => None,
                (Some(generation), after, None) => Some(Position {
                    generation: generation.parse().ok()?,
                    after: match after {
                        Some(slot) => Some(Slot::new(slot.parse().ok()?)?),
                        None => None,
                    },
                }),
                _ => return None,
            };
            Some(Self { ledger, position })
        };
        let detail = "The query's after must be what the page before gave as next, for the same route and as long as its \
            layout is the same; without it the list begins anew.";
        read().ok_or_else(|| Problem::malformed(detail))
    }

    fn write(self, route: &Route) -> Option<String> {
        let name = route.ledgers().nth(self.ledger)?;
        Some(match self.position {
            None => name,
            Some(Position { generation, after: None }) => format!("{name}:{generation}"),
            Some(Position { generation, after: Some(slot) }) => format!("{name}:{generation}:{slot}"),
        })
    }
}

/// The way through a route's ledgers, one after the other, for one page.
#[derive(Clone, Debug)]
pub struct Tour<'c> {
    route: &'c Route,
    listed: Listed,
    limit: usize,
    at: Cursor,
    calls_left: usize,
    found: Vec<(String, Entry)>,
    unreadable: u32,
    failed: Vec<String>,
}

impl<'c> Tour<'c> {
    pub(super) fn begin(route: &'c Route, listed: Listed, limit: usize, after: Option<Cursor>) -> Self {
        Self {
            route,
            listed,
            limit,
            at: after.unwrap_or(Cursor { ledger: 0, position: None }),
            calls_left: limits::PAGE_LEDGERS,
            found: Vec::new(),
            unreadable: 0,
            failed: Vec::new(),
        }
    }

    /// The route.
    pub fn route(&self) -> &'c Route {
        self.route
    }

    /// Which ledger to ask next, and what; `None` where the page is done.
    pub fn step(&self) -> Option<(String, OperatorCommand)> {
        let room = self.limit.saturating_sub(self.found.len());
        if room == 0 || self.calls_left == 0 {
            return None;
        }
        let limit = u16::try_from(room).unwrap_or(u16::MAX);
        let command = OperatorCommand::List { listed: self.listed, limit, from: self.at.position };
        self.route.ledgers().nth(self.at.ledger).map(|ledger| (ledger, command))
    }

    /// Takes note of what the ledger of a step gave. One that does not answer, or cannot be read, is named and passed over.
    pub fn saw(&mut self, ledger: &str, page: Option<Page>) {
        self.calls_left = self.calls_left.saturating_sub(1);
        let next = match page {
            Some(page) => {
                self.unreadable = self.unreadable.saturating_add(page.unreadable);
                self.found.extend(page.entries.into_iter().map(|entry| (ledger.to_owned(), entry)));
                page.next
            }
            None => {
                self.failed.push(ledger.to_owned());
                None
            }
        };
        self.at = match next {
            Some(position) => Cursor { position: Some(position), ..self.at },
            None => Cursor { ledger: self.at.ledger.saturating_add(1), position: None },
        };
    }

    /// What the operator gets.
    pub fn reply(&self) -> Value {
        let records: Vec<Value> = self.found.iter().map(|(ledger, entry)| show::entry(ledger, entry)).collect();
        json!({
            "route": self.route.name,
            "state": self.listed.name(),
            "records": records,
            "unreadable": self.unreadable,
            "failed": self.failed,
            "next": self.at.write(self.route),
        })
    }
}
