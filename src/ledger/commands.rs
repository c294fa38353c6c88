//! Commands, and how they are carried out.

use core::time::Duration;

use js_sys::Uint8Array;
use oncegate_protocol::DecodeError;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::problem::Problem;
use oncegate_protocol::quota::Verdict;
use oncegate_protocol::record::{Arrival, Begin, Claim, Crowd, KeptBody, Settle, Visit, Witness, arrive, settle};
use oncegate_protocol::replay_cache::Use;
use oncegate_protocol::time::Timestamp;
use oncegate_protocol::wire::{self, Command, Kind, Reply, SentOutcome};
use serde_json::json;
use wasm_bindgen::JsValue;

use super::bodies::Replay;
use super::records::{Found, Span};
use super::scopes::Expense;
use super::sql::Fault;
use super::{Shard, replies, unreadable};
use crate::gateway::problem_reply;
use crate::log;
use crate::platform::{Request, Response, describe, now, settled};

/// What has become of a command.
pub(super) enum Carried {
    /// It is carried out.
    Out(Response),
    /// It waits.
    Parked(Parked),
}

/// A begin that waits until the attempt under way is over.
pub(super) struct Parked {
    id: RecordId,
    claim: Claim,
    visit: Visit,
    replays: Use,
    /// For how long at most.
    longest: Duration,
}

impl Shard {
    /// Carries a command out that comes in a body, where the body of an answer follows it.
    pub(super) async fn read_and_carry_out(&self, request: &Request) -> Result<Response, JsValue> {
        let frame = Uint8Array::new(&settled(request.array_buffer()?).await?);
        match self.carry_out(read_frame(&frame))? {
            Carried::Out(response) => Ok(response),
            Carried::Parked(parked) => self.wait(parked).await,
        }
    }

    /// Waits, as often as there is something to wait for.
    pub(super) async fn wait(&self, mut parked: Parked) -> Result<Response, JsValue> {
        loop {
            self.waiters.park(parked.id, parked.longest).await;
            let Parked { id, claim, visit, replays, .. } = parked;
            match or_unreadable(self.begin(&id, &claim, visit, replays))? {
                Carried::Out(response) => return Ok(response),
                Carried::Parked(again) => parked = again,
            }
        }
    }

    /// Carries a command out, as far as that is possible now.
    pub(super) fn carry_out(
        &self,
        read: Result<(Command, Option<Uint8Array>), DecodeError>,
    ) -> Result<Carried, JsValue> {
        let (command, body) = match read {
            Ok(read) => read,
            Err(error) => {
                log::error("frame not understood", json!({ "reason": error.to_string() }));
                return replies::frame(Reply::NotUnderstood).map(Carried::Out);
            }
        };
        or_unreadable(match command {
            Command::Begin { id, claim, wait, replays, failures } => {
                let visit = Visit { arrived_at: now(), wait, was_parked: false };
                self.count_failures(failures).and_then(|()| self.begin(&id, &claim, visit, replays))
            }
            Command::Count { id, key, quota, max_records, lease, retention, .. } => {
                let expense = Expense { key, quota, span: Span { lease, retention } };
                self.count(&id, &expense, max_records).map(Carried::Out)
            }
            Command::Settle { id, witness, lease, retention, outcome } => {
                self.settle(&id, witness, outcome, &Span { lease, retention }, body.as_ref()).map(Carried::Out)
            }
            Command::Operator(command) => self.report(command, body.as_ref()).map(Carried::Out),
        })
    }

    /// Counts what a Worker tells of calls that have failed.
    fn count_failures(&self, failures: u16) -> Result<(), Fault> {
        if failures > 0 {
            let mut records = self.records.borrow_mut();
            records.state()?;
            records.count_rows(failures.into(), |counters| &mut counters.ledger_failures);
        }
        Ok(())
    }

    fn begin(&self, id: &RecordId, claim: &Claim, visit: Visit, replays: Use) -> Result<Carried, Fault> {
        let crowd = self.crowd(id)?;
        let (found, now) = (self.records.borrow_mut().find(id)?, now());
        match arrive(&found.stored, claim, &visit, crowd, now) {
            Arrival::Now(begin) => self.answer_begin(id, claim, &found, begin, replays, now).map(Carried::Out),
            Arrival::Again => Ok(Carried::Out(replies::frame(Reply::Again)?)),
            Arrival::Park(longest) => {
                self.records.borrow_mut().count(|counters| &mut counters.waited);
                let visit = Visit { was_parked: true, ..visit };
                Ok(Carried::Parked(Parked { id: *id, claim: *claim, visit, replays, longest }))
            }
        }
    }

    fn crowd(&self, id: &RecordId) -> Result<Crowd, Fault> {
        let (here, in_ledger) = self.waiters.count(id);
        Ok(Crowd { here, in_ledger, records: self.records.borrow_mut().about_how_many()? })
    }

    fn count(&self, scope: &RecordId, expense: &Expense, max_records: u32) -> Result<Response, Fault> {
        let mut records = self.records.borrow_mut();
        Ok(match records.spend(scope, expense, max_records, now())? {
            Verdict::Granted(_) => replies::frame(Reply::Done)?,
            Verdict::Exhausted(left) => {
                records.count(|counters| &mut counters.limited);
                replies::frame(Reply::Exhausted { left })?
            }
            Verdict::Full => {
                records.count(|counters| &mut counters.full);
                replies::frame(Reply::Full)?
            }
        })
    }

    fn answer_begin(
        &self,
        id: &RecordId,
        claim: &Claim,
        found: &Found,
        begin: Begin<'_>,
        replays: Use,
        now: Timestamp,
    ) -> Result<Response, Fault> {
        let mut records = self.records.borrow_mut();
        Ok(match begin {
            Begin::Forward { number, lease_until, write } => {
                if let Some(record) = write {
                    records.claim(id, found, &record, claim, now)?;
                }
                records.count(|counters| &mut counters.forwarded);
                replies::frame(Reply::Forward { number, lease_until })?
            }
            Begin::Replay { answer, .. } if answer.body == KeptBody::TooLarge => {
                problem_reply(&Problem::not_stored(answer.status))?
            }
            Begin::Replay { answer, attempt, expires_at } => {
                let body = match records.body(id, found, answer)? {
                    Replay::Whole(body) => body,
                    Replay::Stored(body) => body.stream()?,
                    Replay::Lost => {
                        // It has been executed: that much is known.
                        records.count(|counters| &mut counters.unreadable);
                        log::error("body lost", json!({ "record": id.to_string() }));
                        return Ok(problem_reply(&Problem::not_stored(answer.status))?);
                    }
                };
                records.count(|counters| &mut counters.replayed);
                replies::replay(answer, &body, Kind::of_replay(answer, attempt, replays, expires_at.since(now)))?
            }
            Begin::InProgress { .. } => {
                records.count(|counters| &mut counters.in_progress);
                problem_reply(&Problem::in_progress())?
            }
            Begin::Probe { fence, number, doubt, write } => {
                if let Some(record) = write {
                    records.claim(id, found, &record, claim, now)?;
                }
                records.count(|counters| &mut counters.probed);
                replies::frame(Reply::Probe { fence, number, doubt })?
            }
            Begin::Mismatch => {
                records.count(|counters| &mut counters.mismatch);
                problem_reply(&Problem::mismatch())?
            }
            Begin::Unknown(doubt) => {
                records.tell(|counters| counters.told_unknown(doubt));
                problem_reply(&Problem::unknown(doubt))?
            }
            Begin::Moved { write } => {
                if let Some(record) = write {
                    records.claim(id, found, &record, claim, now)?;
                    records.count(|counters| &mut counters.moved);
                }
                replies::frame(Reply::Moved)?
            }
            Begin::Elsewhere => {
                log::error("the key is in a layout that is not configured", json!({ "record": id.to_string() }));
                replies::frame(Reply::Elsewhere)?
            }
            Begin::Count => replies::frame(Reply::Count)?,
            Begin::Full => {
                records.count(|counters| &mut counters.full);
                log::error("the ledger is full", json!({ "limit": claim.max_records }));
                replies::frame(Reply::Full)?
            }
            Begin::Stale => replies::frame(Reply::Stale)?,
            Begin::Refuse(error) => {
                records.count(|counters| &mut counters.unreadable);
                unreadable(&id.to_string(), error);
                replies::frame(Reply::Unreadable)?
            }
        })
    }

    fn settle(
        &self,
        id: &RecordId,
        witness: Witness,
        outcome: SentOutcome,
        span: &Span,
        body: Option<&Uint8Array>,
    ) -> Result<Response, Fault> {
        let mut records = self.records.borrow_mut();
        let (found, now) = (records.find_to_settle(id)?, now());
        let settled = settle(&found.stored, witness, outcome.for_record(), span.retention, now);
        if !matches!(settled, Settle::Write(_)) {
            records.confirm(id, &found)?;
        }
        let reply = match settled {
            Settle::Write(record) => {
                records.settle(id, &found, &record, body, span, now)?;
                Reply::Done
            }
            Settle::Already => Reply::Done,
            Settle::Stale(reason) => {
                records.count(|counters| &mut counters.stale);
                let details = json!({ "record": id.to_string(), "attempt": witness.attempt.to_string(),
                                      "reason": format!("{reason:?}") });
                log::error("stale outcome", details);
                Reply::Stale
            }
            Settle::Refuse(error) => {
                records.count(|counters| &mut counters.unreadable);
                unreadable(&id.to_string(), error);
                Reply::Unreadable
            }
        };
        self.waiters.wake(id);
        Ok(replies::frame(reply)?)
    }
}

/// What came of a command; or where the ledger's own state cannot be read, the answer that says so.
///
/// # Errors
/// What storage threw.
fn or_unreadable(answer: Result<Carried, Fault>) -> Result<Carried, JsValue> {
    answer.or_else(|fault| match fault {
        Fault::Unreadable(error) => {
            unreadable("the ledger's state", error);
            replies::frame(Reply::Unreadable).map(Carried::Out)
        }
        Fault::Storage(thrown) => {
            log::error("storage failed", json!({ "reason": describe(&thrown) }));
            Err(thrown)
        }
    })
}

/// The command in a header. Nothing follows it.
pub(super) fn read_command(head: &str) -> Result<(Command, Option<Uint8Array>), DecodeError> {
    Ok((Command::decode(&wire::from_header(head)?, 0)?, None))
}

/// The command in a frame, and what follows its head.
fn read_frame(frame: &Uint8Array) -> Result<(Command, Option<Uint8Array>), DecodeError> {
    let prefix = frame.subarray(0, u32::try_from(wire::PREFIX_BYTES).unwrap_or(u32::MAX)).to_vec();
    let head = u32::try_from(wire::head_length(&prefix)?).unwrap_or(u32::MAX);
    let body = frame.subarray(head, frame.length());
    let body_length = usize::try_from(body.length()).unwrap_or(usize::MAX);
    let command = Command::decode(&frame.subarray(0, head).to_vec(), body_length)?;
    Ok((command, Some(body)))
}
