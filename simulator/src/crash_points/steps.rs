//! The steps of a plot as actions of the world, and what its requests are told.

use oncegate_protocol::record::Outcome;

use super::carry_out::Stage;
use super::{Plot, Step, Told};
use crate::ledger::{Asked, Said};
use crate::world::{Action, Answered, Phase};

impl Stage {
    /// Everything up to this step, of which nothing goes wrong.
    pub(super) fn until(&mut self, last: Step) -> Result<(), String> {
        if self.plot.begins_unknown() {
            self.becomes_unknown()?;
        }
        for step in self.plot.steps().into_iter().filter(|step| *step <= last) {
            self.make(step)?;
        }
        Ok(())
    }

    /// The first request of those plots, which nobody cuts off.
    fn becomes_unknown(&mut self) -> Result<(), String> {
        let before = [Action::Arrive { request: 0 }, Action::Deliver { message: 0 }, Action::MakeDurable];
        let call = [Action::Receive { reply: 0 }, Action::CallOrigin { request: 0 }];
        let execution = self.plot.executes().then_some(Action::Execute { call: 0 });
        let answer = Action::Answer { call: 0, answered: Answered::BadGateway };
        let after = [answer, Action::Deliver { message: 0 }, Action::MakeDurable, Action::Receive { reply: 0 }];
        before.into_iter().chain(call).chain(execution).chain(after).try_for_each(|action| self.happen(action))
    }

    fn make(&mut self, step: Step) -> Result<(), String> {
        let request = self.plot.subject();
        match step {
            Step::Received => Ok(()),
            Step::ClaimSent => self.happen(Action::Arrive { request }),
            Step::ClaimWritten | Step::OutcomeWritten => {
                self.happen(Action::Deliver { message: 0 })?;
                match self.world.to_workers.as_slice() {
                    [] => Ok(()),
                    _ => Err("the ledger's word does not wait until what it wrote is durable".to_owned()),
                }
            }
            Step::ClaimDurable | Step::OutcomeDurable => self.happen(Action::MakeDurable),
            Step::Granted | Step::ReplyGiven => self.happen(Action::Receive { reply: 0 }),
            Step::OriginCalled => self.happen(Action::CallOrigin { request }),
            Step::OriginExecuted => self.happen(Action::Execute { call: 0 }),
            Step::OutcomeSent => match (self.plot, self.plot.answered()) {
                (Plot::ProbedExecuted | Plot::ProbedNot, _) => self.happen(Action::AskOrigin { request }),
                (Plot::OrderedExecuted | Plot::OrderedNot, _) => self.happen(Action::Resolve),
                (_, Some(answered)) => self.happen(Action::Answer { call: 0, answered }),
                (_, None) => {
                    (0..self.scenario.timeout).try_for_each(|_| self.happen(Action::Tick))?;
                    self.happen(Action::TimeOut { request })
                }
            },
        }
    }

    /// What a request was told, or its client in the end.
    pub(super) fn told(&self, index: usize) -> Told {
        if let Some(told) = self.world.told.iter().rev().find(|told| told.client == index) {
            let execution = usize::try_from(told.execution).ok().and_then(|number| self.world.executions.get(number));
            let is_own = execution.is_some_and(|execution| execution.by == index);
            return if is_own { Told::Created } else { Told::Replayed };
        }
        let is_over = self.world.requests.get(index).is_some_and(|request| request.phase == Phase::Over);
        self.heard.get(&index).filter(|_| is_over).copied().unwrap_or(Told::Nothing)
    }

    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.world.actions(&self.scenario, &mut actions);
        actions
    }

    /// Lets something happen that can.
    pub(super) fn happen(&mut self, action: Action) -> Result<(), String> {
        if let Some(violation) = self.world.violation {
            return Err(violation.to_owned());
        }
        if !self.actions().contains(&action) {
            return Err(format!("{action:?} cannot happen"));
        }
        let begins = match action {
            Action::Deliver { message } => {
                self.world.to_ledger.get(message).map(|message| (message.from, &message.asked))
            }
            _ => None,
        };
        let begins = begins.filter(|(_, asked)| matches!(asked, Asked::Begin { .. })).map(|(from, _)| from);
        self.world.happen(&self.scenario, action);
        if let Some((from, told)) = begins.zip(self.world.latest.said.as_ref().and_then(said)) {
            self.heard.insert(from, told);
        }
        for (index, request) in self.world.requests.iter().enumerate() {
            if let Phase::Settling { outcome } = &request.phase {
                match outcome {
                    Outcome::Released => self.heard.insert(index, Told::Released),
                    Outcome::Doubted(_) => self.heard.insert(index, Told::Unknown),
                    Outcome::Completed(_) | Outcome::NotExecuted => None,
                };
            }
        }
        self.world.violation.map_or(Ok(()), |violation| Err(violation.to_owned()))
    }
}

/// What a client is told of such an answer to a begin, if that is all.
const fn said(said: &Said) -> Option<Told> {
    Some(match said {
        Said::InProgress => Told::InProgress,
        Said::Mismatch => Told::Mismatch,
        Said::Unknown(_) => Told::Unknown,
        Said::Refused | Said::Stale => Told::Unavailable,
        Said::Forward { .. } | Said::Probe { .. } | Said::Replay { .. } | Said::Done => return None,
    })
}
