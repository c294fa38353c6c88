//! The Durable Object that keeps the records of one shard of one route. It is only a ledger and never calls the origin.
//!
//! A command is carried out in one go: from reading the record to writing it nothing is awaited, so that no other command
//! comes between, and the platform holds the answer back until what was written is durable.

mod bodies;
mod by_hand;
mod claimed;
mod generations;
mod operator;
mod pieces;
mod records;
mod replies;
mod scopes;
mod sql;
mod state;
mod statements;
mod waiters;

use std::cell::RefCell;
use std::rc::Rc;

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
use wasm_bindgen::prelude::wasm_bindgen;

use crate::gateway::problem_reply;
use crate::log;
use crate::platform::{Begun, ObjectState, Request, Response, begin, describe, now, settled};
use bodies::Replay;
use records::{Found, Records, Span};
use scopes::Expense;
use sql::Fault;
use waiters::Waiters;

/// The object. Named by route, number of shards, and shard.
///
/// It is `src/entry.js` that the platform makes an object of, and that has this one made.
#[wasm_bindgen]
pub struct Ledger(Rc<Shard>);

/// What the object has in memory.
struct Shard {
    records: RefCell<Records>,
    waiters: Waiters,
}

#[wasm_bindgen]
impl Ledger {
    /// Made when the first command comes, and again when the Wasm had to be started anew.
    #[wasm_bindgen(constructor)]
    pub fn new(state: ObjectState) -> Self {
        Self(Rc::new(Shard { records: RefCell::new(Records::new(state.storage())), waiters: Waiters::default() }))
    }

    /// Carries out one command: gives the response, or where it waits for something the promise of it.
    ///
    /// # Errors
    /// What storage threw: whether the command was carried out is then not known.
    pub fn fetch(&self, request: Request) -> Result<JsValue, JsValue> {
        let shard = Rc::clone(&self.0);
        match begin(async move { shard.answer(&request).await.map(Into::into) }) {
            Begun::Over(result) => result,
            Begun::UnderWay(promise) => Ok(promise.into()),
        }
    }

    /// The standing alarm: drops what has expired, and writes the counters down.
    ///
    /// # Errors
    /// What kept it from that, so that the platform tries the alarm again. Where it gives up, the next generation to be
    /// opened sets the alarm anew.
    pub fn alarm(&self) -> Result<(), JsValue> {
        let mut records = self.0.records.borrow_mut();
        match records.sweep(now()) {
            Ok(state) => {
                let counters = state.counters.shown();
                log::info("swept", json!({ "generations": state.generations.count(), "counters": counters }));
                Ok(())
            }
            Err(fault) => {
                if let Fault::Unreadable(error) = &fault {
                    unreadable("the ledger's state", *error);
                }
                Err(fault.into())
            }
        }
    }
}

impl Shard {
    async fn answer(&self, request: &Request) -> Result<Response, JsValue> {
        let read = match request.headers().get(wire::COMMAND_HEADER)? {
            Some(head) => read_command(&head),
            None => read_frame(&Uint8Array::new(&settled(request.array_buffer()?).await?)),
        };
        let (command, body) = match read {
            Ok(read) => read,
            Err(error) => {
                log::error("frame not understood", json!({ "reason": error.to_string() }));
                return replies::frame(Reply::NotUnderstood);
            }
        };
        let answer = match command {
            Command::Begin { id, claim, wait, replays, failures } => {
                let visit = Visit { arrived_at: now(), wait, was_parked: false };
                match self.count_failures(failures) {
                    Ok(()) => self.begin(&id, &claim, visit, replays).await,
                    Err(fault) => Err(fault),
                }
            }
            Command::Count { id, key, quota, max_records, lease, retention, .. } => {
                self.count(&id, &Expense { key, quota, span: Span { lease, retention } }, max_records)
            }
            Command::Settle { id, witness, lease, retention, outcome } => {
                self.settle(&id, witness, outcome, &Span { lease, retention }, body.as_ref())
            }
            Command::Operator(command) => self.report(command, body.as_ref()),
        };
        match answer {
            Ok(response) => Ok(response),
            Err(Fault::Unreadable(error)) => {
                unreadable("the ledger's state", error);
                replies::frame(Reply::Unreadable)
            }
            Err(Fault::Storage(thrown)) => {
                log::error("storage failed", json!({ "reason": describe(&thrown) }));
                Err(thrown)
            }
        }
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

    async fn begin(&self, id: &RecordId, claim: &Claim, mut visit: Visit, replays: Use) -> Result<Response, Fault> {
        loop {
            let crowd = self.crowd(id)?;
            let (found, now) = (self.records.borrow_mut().find(id)?, now());
            match arrive(&found.stored, claim, &visit, crowd, now) {
                Arrival::Now(begin) => return self.answer_begin(id, claim, &found, begin, replays, now),
                Arrival::Again => return Ok(replies::frame(Reply::Again)?),
                Arrival::Park(longest) => {
                    visit.was_parked = true;
                    self.records.borrow_mut().count(|counters| &mut counters.waited);
                    self.waiters.park(*id, longest).await;
                }
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

/// The command in a header. Nothing follows it.
fn read_command(head: &str) -> Result<(Command, Option<Uint8Array>), DecodeError> {
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

fn unreadable(what: &str, error: DecodeError) {
    log::error("unreadable", json!({ "record": what, "reason": error.to_string() }));
}
