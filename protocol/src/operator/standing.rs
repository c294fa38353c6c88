//! What the ledgers of a record's layouts say of it, taken together.

use super::{Case, Problem, show};
use crate::config::Route;
use crate::ids::RecordId;
use crate::outcome::Status;
use crate::record::{Record, View};
use crate::request::Place;
use crate::seal::{Seal, Unopenable};
use crate::time::Timestamp;
use crate::wire::{Report, ShownBody};

/// Where the record with this id may be, in the order in which to ask.
pub fn places(route: &Route, id: RecordId) -> Vec<Place> {
    route.layouts().map(|layout| Place { ledger: layout.ledger(&id), id }).collect()
}

/// What has been found so far of a record that is looked for in the previous layout, and then in the current one.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    best: Option<(Place, Report)>,
}

impl Findings {
    /// Takes note of what the ledger at a place says, and tells whether the next place need not be asked: where the record
    /// has been given away, has expired, or is not there, the next layout may have it.
    pub fn take(&mut self, place: &Place, report: Report) -> bool {
        let is_final = match &report {
            Report::Nothing => false,
            Report::Found { now, record, .. }
            | Report::Done { now, record }
            | Report::Refused { now, record }
            | Report::OtherAttempt { now, record } => !matches!(record.view(*now), View::Absent | View::Moved { .. }),
            _ => true,
        };
        // What is known of a record that is gone is better than nothing, and the newest of it is the best.
        if report != Report::Nothing || self.best.is_none() {
            self.best = Some((place.clone(), report));
        }
        is_final
    }

    /// Where the record of this route is, and what the operator gets of it.
    ///
    /// # Errors
    /// Why there is nothing to get.
    pub fn finish(self, route: &Route) -> Result<Standing, Problem> {
        let (place, report) = self.best.ok_or_else(|| no_record(None))?;
        match report {
            Report::Nothing => Err(no_record(Some(&place))),
            Report::Found { now, record, body } => Ok(Standing::of(place, now, record, body)),
            Report::Done { now, record } => Ok(Standing::of(place, now, record, ShownBody::None)),
            Report::Refused { now, record } => {
                let detail = not_possible(&record, now);
                let standing = Standing::of(place, now, record, ShownBody::None);
                Err(Problem::about(show::record(route, &standing), Case::NotPossible, detail))
            }
            Report::OtherAttempt { now, record } => {
                let detail = other_attempt(&record);
                let standing = Standing::of(place, now, record, ShownBody::None);
                Err(Problem::about(show::record(route, &standing), Case::OtherAttempt, detail))
            }
            Report::Unreadable(reason) => {
                let reason = if reason.is_empty() { "the reason is in the log" } else { &reason };
                let detail =
                    format!("It can be neither shown nor changed, and its key is refused until it can: {reason}.");
                Err(Problem::new(Case::Unreadable, detail))
            }
            // A ledger of another version, as there may be during a deployment.
            Report::NotUnderstood | Report::Page(_) | Report::Tally(_) => Err(Problem::unavailable(&place.ledger)),
        }
    }
}

/// A record as the operator gets it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Where it is.
    pub place: Place,
    /// By this clock.
    pub now: Timestamp,
    /// The record.
    pub record: Box<Record>,
    /// Its body.
    pub body: ShownBody,
    /// Why the body could not be opened, where that is so.
    pub unopenable: Option<Unopenable>,
}

impl Standing {
    fn of(place: Place, now: Timestamp, record: Box<Record>, body: ShownBody) -> Self {
        Self { place, now, record, body, unopenable: None }
    }

    /// What must be known to open the body, its status, and the body as it is sealed, where it is there and sealed.
    pub fn sealed(&self) -> Option<(Seal, Status, &[u8])> {
        match (self.record.view(self.now), &self.body) {
            (View::Completed(answer), ShownBody::Bytes(bytes)) => {
                Some((answer.seal(self.record.attempt)?, answer.status, bytes))
            }
            _ => None,
        }
    }

    /// The same with the body opened, or with the reason why it was not.
    #[must_use]
    pub fn opened(self, plain: Result<Vec<u8>, Unopenable>) -> Self {
        match plain {
            Ok(plain) => Self { body: ShownBody::Bytes(plain), ..self },
            Err(reason) => Self { body: ShownBody::None, unopenable: Some(reason), ..self },
        }
    }
}

fn no_record(place: Option<&Place>) -> Problem {
    let id = place.map(|place| format!(" Its id would be {}.", place.id)).unwrap_or_default();
    let detail = format!("No request has come with this key, or its record has expired and gone.{id}");
    Problem::new(Case::NoRecord, detail)
}

fn not_possible(record: &Record, now: Timestamp) -> String {
    match record.view(now) {
        View::Absent => "It has expired: the key is free.".to_owned(),
        View::InProgress { lease_until } => {
            format!("An attempt is under way until {}: wait for how it ends.", show::time(lease_until))
        }
        View::Probing { until, .. } => {
            format!("The origin is being asked about it until {}: wait for what it says.", show::time(until))
        }
        View::Completed(answer) => {
            format!("It is completed, with status {}; it can be forgotten.", answer.status.as_u16())
        }
        View::Released => "It is released: the key is free.".to_owned(),
        View::Unknown(_) => "Its outcome is unknown.".to_owned(),
        View::Moved { .. } => "Its key has been given away to the next layout of the route.".to_owned(),
    }
}

fn other_attempt(record: &Record) -> String {
    format!(
        "Its fence is {} by now. The history says what has happened, perhaps this very change included. Before you ask for \
         another, find out about that attempt what you knew of the one before.",
        record.attempt
    )
}
