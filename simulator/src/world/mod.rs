//! The world around one key: clients' requests, Workers that may die at any step, a ledger whose writes are durable late or
//! never, an origin that executes late or not at all, a true clock and the one that is observed.
//!
//! Everything the protocol decides is decided by the shipped crate; the world only carries it out, as the Worker and the ledger
//! do, and lets go wrong what the [`crate::scenario::Faults`] allow. A message may be under way for any time, and a Worker may
//! take any time for a step.

mod actions;
mod happen;
mod origin;
mod worker;

use core::hash::{Hash, Hasher};

use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::{Answer, KeptBody, Outcome};
use oncegate_protocol::time::Timestamp;

pub(crate) use actions::{Action, Answered, Kind};

use crate::coverage::Coverage;
use crate::ledger::{Asked, Ledger, Said};
use crate::scenario::{Faults, Scenario, TICK};

/// A moment of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The true time, in ticks.
    pub(crate) now: u32,
    /// By how much the observed clock runs ahead.
    pub(crate) ahead: u32,
    pub(crate) ledger: Ledger,
    pub(crate) requests: Vec<Request>,
    /// On their way to the ledger; any of them may arrive next.
    pub(crate) to_ledger: Vec<Message>,
    /// On their way to the Workers.
    pub(crate) to_workers: Vec<Reply>,
    pub(crate) calls: Vec<Call>,
    pub(crate) executions: Vec<Execution>,
    /// The attempts that the origin has been asked about: it will not execute them any more.
    pub(crate) denied: Vec<AttemptId>,
    /// What clients were told that the origin has done.
    pub(crate) told: Vec<Told>,
    /// What may still go wrong.
    pub(crate) left: Faults,
    /// What is wrong already.
    pub(crate) violation: Option<&'static str>,
    pub(crate) latest: Latest,
}

/// One request and the Worker that serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    pub(crate) phase: Phase,
    /// How often its current message was sent.
    pub(crate) tries: u8,
    /// How often it has begun: anew, once the origin has said that it did not execute.
    pub(crate) begins: u8,
    /// The attempt that it makes, or would make.
    pub(crate) attempt: AttemptId,
    /// Whose outcome it brings: its own, or that of the attempt that it asks the origin about.
    pub(crate) of: AttemptId,
    /// Which attempt that is, as the ledger says.
    pub(crate) number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// It has not come yet.
    Away,
    /// It has asked for the right to call the origin.
    Begun { at: Timestamp },
    /// It may call the origin.
    Granted { begun_at: Timestamp },
    /// It may ask the origin what became of another attempt.
    Asking { fence: AttemptId, doubt: Doubt, begun_at: Timestamp },
    /// It is waiting for the origin, until this tick.
    Calling { until: u32 },
    /// It has told the ledger how it ended, and will answer its client when that is durable.
    Settling { outcome: Outcome },
    /// Its client has an answer.
    Over,
    /// Its Worker has died.
    Dead,
}

/// Who sends an operator's order, in the place of a request's number.
pub(crate) const OPERATOR: usize = 255;

/// To the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) attempt: AttemptId,
    pub(crate) asked: Asked,
}

/// To a Worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reply {
    pub(crate) to: usize,
    /// What it answers.
    pub(crate) about: About,
    pub(crate) said: Said,
    /// When it was said.
    pub(crate) at: Moment,
}

/// What a Worker and the ledger are talking about. A Worker takes an answer only for what it has just asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum About {
    Begin(AttemptId),
    Outcome(AttemptId),
}

/// A call of the origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) by: usize,
    pub(crate) attempt: AttemptId,
    pub(crate) at: u32,
    /// Whether it can still come to an execution.
    pub(crate) is_open: bool,
    /// Which execution it came to.
    pub(crate) execution: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Execution {
    pub(crate) by: usize,
    pub(crate) at: u32,
    /// When its answer was first stored.
    pub(crate) stored_at: Option<Moment>,
}

/// What a client was told: which execution's answer it got, and when that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Told {
    pub(crate) client: usize,
    pub(crate) execution: u32,
    pub(crate) at: Moment,
}

/// When something was said or stored. Much can happen in a tick, so it is also told how many answers had been stored before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Moment {
    pub(crate) tick: u32,
    pub(crate) answers: u8,
}

/// What the latest step has shown. It is no part of the moment: two moments that differ in it alone are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest {
    pub(crate) coverage: Coverage,
    pub(crate) said: Option<Said>,
}

impl PartialEq for Latest {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Latest {}

impl Hash for Latest {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Request {
    /// One that has yet to come.
    pub(crate) fn away(index: usize) -> Self {
        let attempt = attempt_id(index, 0, 0);
        Self { phase: Phase::Away, tries: 0, begins: 0, attempt, of: attempt, number: 0 }
    }

    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Away | Phase::Over | Phase::Dead)
    }

    /// What it waits for the ledger's answer to.
    pub(crate) fn awaits(&self) -> Option<About> {
        match self.phase {
            Phase::Begun { .. } => Some(About::Begin(self.attempt)),
            Phase::Settling { .. } => Some(About::Outcome(self.attempt)),
            _ => None,
        }
    }
}

impl Message {
    pub(crate) fn about(&self) -> About {
        match self.asked {
            Asked::Begin { .. } => About::Begin(self.attempt),
            Asked::Settle { .. } | Asked::Resolve { .. } => About::Outcome(self.attempt),
        }
    }
}

impl World {
    /// Before anything has happened.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            now: 1,
            ahead: 0,
            ledger: Ledger::default(),
            requests: (0..scenario.payloads.len()).map(Request::away).collect(),
            to_ledger: Vec::new(),
            to_workers: Vec::new(),
            calls: Vec::new(),
            executions: Vec::new(),
            denied: Vec::new(),
            told: Vec::new(),
            left: scenario.faults,
            violation: None,
            latest: Latest::default(),
        }
    }

    /// The true time.
    pub(crate) fn moment(&self) -> Moment {
        let answers = self.executions.iter().filter(|execution| execution.stored_at.is_some()).count();
        Moment { tick: self.now, answers: u8::try_from(answers).unwrap_or(u8::MAX) }
    }

    /// What the clocks show.
    pub(crate) fn observed(&self) -> Timestamp {
        Timestamp::from_millis(0).after(TICK.saturating_mul(self.now.saturating_add(self.ahead)))
    }
}

/// The id of an attempt: whose it is, of which begin, and of which try where a bug makes a difference of that.
pub(crate) fn attempt_id(request: usize, begin: u8, try_number: u8) -> AttemptId {
    let mut bytes = [0; AttemptId::LENGTH];
    let request = u8::try_from(request).unwrap_or(u8::MAX);
    for (place, byte) in bytes.iter_mut().zip([1, request, begin, try_number]) {
        *place = byte;
    }
    AttemptId::from_bytes(bytes)
}

/// Whether two attempts are of the same begin.
pub(crate) fn are_tries_of_one_begin(one: AttemptId, other: AttemptId) -> bool {
    one.as_bytes().iter().take(3).eq(other.as_bytes().iter().take(3))
}

/// The stored answer to an execution: which one it was is in the length of its body, of which there is no other use here.
pub(crate) fn answer_of(status: Status, execution: u32) -> Answer {
    Answer { status, headers: Vec::new(), body: KeptBody::Inline { length: execution }, sealed_by: None }
}

/// Which execution a stored answer is of.
pub(crate) fn execution_of(answer: &Answer) -> u32 {
    answer.body.length().unwrap_or(u32::MAX)
}
