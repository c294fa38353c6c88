//! What a ledger does for an operator.

use js_sys::Uint8Array;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::limits;
use oncegate_protocol::operator::{Listed, Walk};
use oncegate_protocol::record::{Answer, Intervened, Intervention, Order, Record, Stored, View, intervene};
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{OperatorCommand, Page, Position, Report, ShownBody};

use super::bodies::Replay;
use super::records::{Found, Records};
use super::sql::{Fault, Stores};
use super::{Shard, replies, unreadable};
use crate::platform::{Response, now};

impl Shard {
    /// Carries out what an operator asks.
    pub(super) fn report(&self, command: OperatorCommand, body: Option<&Uint8Array>) -> Result<Response, Fault> {
        let mut records = self.records.borrow_mut();
        // Looking into a ledger that has never been used must not make one of it.
        let report = match command {
            OperatorCommand::Tally if !records.exist()? => Report::Tally(Box::default()),
            OperatorCommand::Tally => Report::Tally(Box::new(records.tally()?)),
            OperatorCommand::List { .. } if !records.exist()? => Report::Page(Page::default()),
            OperatorCommand::List { listed, limit, from } => Report::Page(list(&mut records, listed, limit, from)?),
            _ if !records.exist()? => Report::Nothing,
            OperatorCommand::Look { id, with_body } => look(&mut records, &id, with_body)?,
            OperatorCommand::Intervene { id, fence, by, retention, intervention, note } => {
                let order = Order { fence, by, intervention: intervention.for_record(), note, retention };
                let report = change(&mut records, &id, order, body)?;
                self.waiters.wake(&id);
                report
            }
        };
        Ok(replies::report(&report)?)
    }
}

fn look(records: &mut Records, id: &RecordId, with_body: bool) -> Stores<Report> {
    let found = if with_body { records.find(id)? } else { records.find_without_body(id)? };
    let now = now();
    let body = match &found.stored {
        Stored::Record(record) if with_body => match record.view(now) {
            View::Completed(answer) => body(records, id, &found, answer)?,
            _ => ShownBody::None,
        },
        _ => ShownBody::None,
    };
    Ok(match found.stored {
        Stored::Absent => Report::Nothing,
        Stored::Unreadable(error) => Report::Unreadable(error.to_string()),
        Stored::Record(record) => Report::Found { now, record: Box::new(record), body },
    })
}

fn body(records: &Records, id: &RecordId, found: &Found, answer: &Answer) -> Stores<ShownBody> {
    if answer.body.length().is_none_or(|length| length > limits::OPERATOR_BODY_BYTES) {
        return Ok(ShownBody::TooLarge);
    }
    Ok(match records.body(id, found, answer)? {
        Replay::Whole(body) => ShownBody::Bytes(Uint8Array::new(&body).to_vec()),
        Replay::Stored(body) => body.whole()?.map_or(ShownBody::Lost, ShownBody::Bytes),
        Replay::Lost => ShownBody::Lost,
    })
}

fn change(records: &mut Records, id: &RecordId, order: Order, body: Option<&Uint8Array>) -> Stores<Report> {
    let (found, now) = (records.find_without_body(id)?, now());
    let (is_to_be_forgotten, retention) = (order.intervention == Intervention::Forget, order.retention);
    let done = |record: Record| Report::Done { now, record: Box::new(record) };
    Ok(match intervene(&found.stored, order, now) {
        Intervened::Write(record) if is_to_be_forgotten => {
            records.forget(id, &found, &record, retention)?;
            done(record)
        }
        Intervened::Write(record) => {
            records.resolve(id, &found, &record, body, retention)?;
            done(record)
        }
        Intervened::Already(record) => done(record.clone()),
        Intervened::OtherAttempt(record) => Report::OtherAttempt { now, record: Box::new(record.clone()) },
        Intervened::Refused(record) => Report::Refused { now, record: Box::new(record.clone()) },
        Intervened::Absent => Report::Nothing,
        Intervened::Refuse(error) => {
            records.count(|counters| &mut counters.unreadable);
            unreadable(&id.to_string(), error);
            Report::Unreadable(error.to_string())
        }
    })
}

fn list(records: &mut Records, listed: Listed, limit: u16, from: Option<Position>) -> Stores<Page> {
    let now: Timestamp = now();
    let mut walk = Walk::begin(listed, limit, from, records.generations()?.into_iter());
    while let Some(step) = walk.step() {
        let (rows, last) = records.window(&step)?;
        let candidates = match last {
            Some(last) => records.candidates(&step, last, listed.state_bytes())?,
            None => Vec::new(),
        };
        walk.saw(&step, rows, last, candidates, now);
    }
    Ok(walk.finish())
}
