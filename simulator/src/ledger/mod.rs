//! The ledger of the world: it carries out the shipped protocol's decisions on the shipped stored form.
//!
//! What it writes can be read at once and is durable later; until then its answers are held back, as the platform's output gate
//! does. A restart loses what is not durable, and the answers with it.

mod cases;
mod mistakes;
mod storage;

use core::time::Duration;

use oncegate_protocol::ids::{AttemptId, Fingerprint};
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::record::{
    Answer, Arrival, Begin, Claim, Counting, Crowd, Intervened, Intervention, Layout, Note, OnUnknown, Order, Outcome,
    Record, Settle, Stored, View, Visit, Witness, arrive, intervene, settle,
};
use oncegate_protocol::time::Timestamp;

pub(crate) use storage::Version;

use crate::bug::Bug;
use crate::coverage::Coverage;
use crate::promises;
use crate::scenario::Scenario;
use crate::world::{Message, Reply, execution_of};
use storage::Storage;

/// What is asked of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    Begin {
        payload: u8,
        on_unknown: OnUnknown,
    },
    Settle {
        of: AttemptId,
        outcome: Outcome,
        number: u32,
    },
    /// An operator's order: the attempt has executed, with this answer, or has not.
    Resolve {
        fence: AttemptId,
        answer: Option<Answer>,
    },
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    Forward { number: u32 },
    Probe { fence: AttemptId, doubt: Doubt },
    Replay { execution: u32 },
    InProgress,
    Mismatch,
    Unknown(Doubt),
    Refused,
    Done,
    Stale,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    current: Storage,
    durable: Storage,
    held: Vec<Reply>,
    version: Version,
}

impl Ledger {
    pub(crate) fn is_durable(&self) -> bool {
        self.held.is_empty() && self.current == self.durable
    }

    /// Makes all that was written durable, and gives the answers that waited for it.
    pub(crate) fn make_durable(&mut self) -> Vec<Reply> {
        if self.current != self.durable {
            self.durable.clone_from(&self.current);
        }
        core::mem::take(&mut self.held)
    }

    /// Holds an answer back, if something is not durable yet; else gives it.
    pub(crate) fn hold(&mut self, reply: Reply) -> Option<Reply> {
        if self.is_durable() {
            return Some(reply);
        }
        self.held.push(reply);
        None
    }

    /// The answers that are held back.
    pub(crate) fn held(&self) -> &[Reply] {
        &self.held
    }

    /// All that is not durable is lost. Says whether there was any.
    pub(crate) fn restart(&mut self) -> bool {
        let loses = self.current != self.durable;
        self.current.clone_from(&self.durable);
        self.held.clear();
        loses
    }

    pub(crate) fn change_version(&mut self) {
        self.version = match self.version {
            Version::Shipped => Version::Next,
            Version::Next => Version::Shipped,
        };
    }

    pub(crate) const fn version(&self) -> Version {
        self.version
    }

    /// As a deployment ends that is not rolled back.
    pub(crate) fn finish_deployment(&mut self) {
        self.version = Version::Next;
    }

    /// Drops what there is, as only a bug does.
    pub(crate) fn forget(&mut self) {
        self.current.forget();
        self.durable.forget();
    }

    /// Whether a sweep would find something to do.
    pub(crate) fn has_expired(&self, now: Timestamp, scenario: &Scenario) -> bool {
        self.current.has_expired(now) || (scenario.bug == Some(Bug::SweepTooEarly) && self.current.has_rows())
    }

    pub(crate) fn sweep(&mut self, now: Timestamp, scenario: &Scenario) {
        self.current.sweep(now);
        if scenario.bug == Some(Bug::SweepTooEarly) {
            self.current.forget();
        }
    }

    /// The attempt whose outcome is unknown, if it is and can be read.
    pub(crate) fn unknown_attempt(&self, now: Timestamp) -> Option<AttemptId> {
        match self.stored() {
            Stored::Record(record) if matches!(record.view(now), View::Unknown(_)) => Some(record.attempt),
            _ => None,
        }
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// Which promise it broke.
    pub(crate) fn carry_out(
        &mut self,
        message: &Message,
        now: Timestamp,
        scenario: &Scenario,
        coverage: &mut Coverage,
    ) -> Result<Said, &'static str> {
        match &message.asked {
            Asked::Begin { payload, on_unknown } => {
                let claim = Claim {
                    attempt: message.attempt,
                    fingerprint: Fingerprint::from_bytes([*payload; Fingerprint::LENGTH]),
                    lease: scenario.lease(),
                    retention: mistakes::retention(scenario),
                    on_unknown: *on_unknown,
                    layout: Layout::Current,
                    max_records: u32::MAX,
                    counting: Counting::Done,
                };
                self.begin(claim, now, scenario, coverage)
            }
            Asked::Settle { of, outcome, number } => {
                let witness = Witness { attempt: message.attempt, of: *of };
                Ok(self.settle(witness, *number, outcome, now, scenario, coverage))
            }
            Asked::Resolve { fence, answer } => {
                let note = Note::new("operator", "asked the origin").map_err(|_| "an operator's note was refused")?;
                let intervention = answer.clone().map_or(Intervention::Release, Intervention::Complete);
                let retention = mistakes::retention(scenario);
                let order = Order { fence: *fence, by: message.attempt, intervention, note, retention };
                Ok(self.resolve(order, now, scenario, coverage))
            }
        }
    }

    fn begin(
        &mut self,
        mut claim: Claim,
        now: Timestamp,
        scenario: &Scenario,
        coverage: &mut Coverage,
    ) -> Result<Said, &'static str> {
        let real = self.stored();
        let shown = scenario.bug.and_then(|bug| mistakes::at_begin(&real, &mut claim, now, bug));
        let visit = Visit { arrived_at: now, wait: Duration::ZERO, was_parked: false };
        let arrival = arrive(shown.as_ref().unwrap_or(&real), &claim, &visit, Crowd::default(), now);
        let Arrival::Now(begin) = arrival else { return Err("a begin that does not wait was made to") };
        promises::check_begin(&real, &claim, &begin, now)?;
        cases::of_begin(&real, &begin, now).into_iter().for_each(|case| coverage.add(case));
        Ok(match begin {
            Begin::Forward { number, write, .. } => {
                self.claim(write, &claim, now);
                Said::Forward { number }
            }
            Begin::Probe { fence, doubt, write, .. } => {
                self.claim(write, &claim, now);
                Said::Probe { fence, doubt }
            }
            Begin::Replay { answer, .. } => Said::Replay { execution: execution_of(answer) },
            Begin::InProgress { .. } => Said::InProgress,
            Begin::Mismatch => Said::Mismatch,
            Begin::Unknown(doubt) => Said::Unknown(doubt),
            Begin::Stale => Said::Stale,
            Begin::Refuse(_) => Said::Refused,
            Begin::Moved { .. } | Begin::Elsewhere | Begin::Count | Begin::Full => {
                return Err("a begin came to what this world does not have");
            }
        })
    }

    fn claim(&mut self, write: Option<Record>, claim: &Claim, now: Timestamp) {
        if let Some(record) = write {
            self.current.insert(&record, claim.lease, claim.retention, now, self.version);
        }
    }

    fn settle(
        &mut self,
        witness: Witness,
        number: u32,
        outcome: &Outcome,
        now: Timestamp,
        scenario: &Scenario,
        coverage: &mut Coverage,
    ) -> Said {
        let retention = mistakes::retention(scenario);
        let (stored, witness) = mistakes::at_settle(self.stored(), witness, number, outcome, scenario.bug);
        let settled = settle(&stored, witness, outcome.clone(), retention, now);
        cases::of_settle(&stored, witness.attempt, outcome, &settled, now)
            .into_iter()
            .for_each(|case| coverage.add(case));
        match settled {
            Settle::Write(record) => {
                self.current.overwrite(&record, retention, now, self.version);
                Said::Done
            }
            Settle::Already => Said::Done,
            Settle::Stale(_) => Said::Stale,
            Settle::Refuse(_) => Said::Refused,
        }
    }

    fn resolve(&mut self, mut order: Order, now: Timestamp, scenario: &Scenario, coverage: &mut Coverage) -> Said {
        let stored = self.stored();
        if let (Stored::Record(record), Some(Bug::OrderNotBound)) = (&stored, scenario.bug) {
            order.fence = record.attempt;
        }
        let retention = order.retention;
        let resolved = intervene(&stored, order, now);
        cases::of_resolve(&resolved).into_iter().for_each(|case| coverage.add(case));
        match resolved {
            Intervened::Write(record) => {
                self.current.overwrite(&record, retention, now, self.version);
                Said::Done
            }
            Intervened::Already(_) => Said::Done,
            Intervened::OtherAttempt(_) | Intervened::Refused(_) | Intervened::Absent => Said::Stale,
            Intervened::Refuse(_) => Said::Refused,
        }
    }

    fn stored(&self) -> Stored {
        self.current.read(self.version)
    }
}
