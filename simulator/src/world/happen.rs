//! What becomes of the world when something happens: the messages, the clock, and what befalls a process.

use oncegate_protocol::record::Outcome;

use super::{Action, Latest, Message, Phase, Reply, Request, World, execution_of};
use crate::bug::Bug;
use crate::coverage::Case;
use crate::ledger::{Asked, Said};
use crate::scenario::Scenario;

impl World {
    /// The world after something has happened.
    #[must_use]
    pub(crate) fn after(&self, scenario: &Scenario, action: Action) -> Self {
        let mut world = self.clone();
        world.happen(scenario, action);
        world
    }

    /// Lets something happen that is among the [`World::actions`].
    pub(crate) fn happen(&mut self, scenario: &Scenario, action: Action) {
        self.latest = Latest::default();
        match action {
            Action::Arrive { request } => self.begin(scenario, request),
            Action::SendAgain { request } => self.send_again(scenario, request),
            Action::GiveUp { request } => self.give_up(scenario, request),
            Action::CallOrigin { request } => self.call_origin(scenario, request),
            Action::AskOrigin { request } => self.ask_origin(scenario, request, true),
            Action::AskInVain { request } => self.ask_origin(scenario, request, false),
            Action::TimeOut { request } => self.time_out(scenario, request),
            Action::Execute { call } => self.execute(scenario, call),
            Action::Answer { call, answered } => self.answer(scenario, call, answered),
            Action::Tick => self.now = self.now.saturating_add(1),
            Action::Sweep => {
                self.ledger.sweep(self.observed(), scenario);
                self.cover(Case::Swept);
            }
            Action::MakeDurable => self.to_workers.extend(self.ledger.make_durable()),
            Action::Deliver { message } => {
                let message = self.to_ledger.remove(message);
                self.deliver(scenario, &message);
            }
            Action::Receive { reply } => {
                let reply = self.to_workers.remove(reply);
                self.receive(scenario, &reply);
                self.forget_what_nobody_sees();
            }
            fault => self.go_wrong(scenario, fault),
        }
    }

    /// What is limited by the scenario's faults.
    fn go_wrong(&mut self, scenario: &Scenario, fault: Action) {
        let left = &mut self.left;
        match fault {
            Action::DeliverAndRepeat { message } => {
                left.repeats = left.repeats.saturating_sub(1);
                self.cover(Case::MessageRepeated);
                if let Some(message) = self.to_ledger.get(message).cloned() {
                    self.deliver(scenario, &message);
                }
            }
            Action::LoseMessage { message } => {
                left.losses = left.losses.saturating_sub(1);
                self.to_ledger.remove(message);
                self.cover(Case::MessageLost);
            }
            Action::LoseReply { reply } => {
                left.losses = left.losses.saturating_sub(1);
                self.to_workers.remove(reply);
                self.cover(Case::MessageLost);
            }
            Action::Die { request } => {
                left.deaths = left.deaths.saturating_sub(1);
                self.enter(request, Phase::Dead);
                self.forget_what_nobody_sees();
                self.cover(Case::WorkerDied);
            }
            Action::RestartLedger => {
                left.restarts = left.restarts.saturating_sub(1);
                if self.ledger.restart() {
                    self.cover(Case::RestartLostWrites);
                }
                self.forget_what_nobody_sees();
            }
            Action::StepClock { ahead } => {
                left.steps = left.steps.saturating_sub(1);
                self.ahead = ahead;
                self.cover(Case::ClockStepped);
            }
            Action::ChangeVersion => {
                left.upgrades = left.upgrades.saturating_sub(1);
                self.ledger.change_version();
            }
            Action::Resolve => {
                left.resolutions = left.resolutions.saturating_sub(1);
                self.resolve();
            }
            _ => {}
        }
    }

    fn deliver(&mut self, scenario: &Scenario, message: &Message) {
        let observed = self.observed();
        match self.ledger.carry_out(message, observed, scenario, &mut self.latest.coverage) {
            Ok(said) => {
                self.latest.said = Some(said.clone());
                let completed = match &message.asked {
                    Asked::Settle { outcome: Outcome::Completed(answer), .. } => Some(answer),
                    Asked::Resolve { answer, .. } => answer.as_ref(),
                    _ => None,
                };
                if let (Some(answer), Said::Done) = (completed, &said) {
                    self.note_stored(execution_of(answer));
                }
                let reply = Reply { to: message.from, about: message.about(), said, at: self.moment() };
                if scenario.bug == Some(Bug::ReplyBeforeDurable) {
                    self.to_workers.push(reply);
                } else {
                    self.to_workers.extend(self.ledger.hold(reply));
                }
                self.forget_what_nobody_sees();
            }
            Err(violation) => self.violation = Some(violation),
        }
    }

    pub(super) fn note_stored(&mut self, execution: u32) {
        let now = self.moment();
        if let Some(execution) = usize::try_from(execution).ok().and_then(|number| self.executions.get_mut(number)) {
            execution.stored_at.get_or_insert(now);
        }
    }

    /// Leaves out of the world what makes no difference any more, so that there are fewer worlds to look at: replies that
    /// no Worker waits for, and that writes are not durable yet where nothing can lose them.
    pub(crate) fn forget_what_nobody_sees(&mut self) {
        if self.left.restarts == 0 {
            self.to_workers.extend(self.ledger.make_durable());
        }
        let requests = &self.requests;
        let is_awaited = |reply: &Reply| requests.get(reply.to).and_then(Request::awaits) == Some(reply.about);
        self.to_workers.retain(is_awaited);
    }

    pub(super) fn cover(&mut self, case: Case) {
        self.latest.coverage.add(case);
    }
}
