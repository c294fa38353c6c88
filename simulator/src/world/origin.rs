//! The origin, and the operator who knows what it did.

use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::{Class, Overrides, Status, classify};
use oncegate_protocol::record::{Answer, Outcome};

use super::actions::Answered;
use super::{Execution, Message, OPERATOR, Told, World, answer_of, attempt_id};
use crate::coverage::Case;
use crate::ledger::Asked;
use crate::scenario::Scenario;

impl World {
    pub(super) fn execute(&mut self, scenario: &Scenario, index: usize) {
        let number = u32::try_from(self.executions.len()).unwrap_or(u32::MAX);
        let is_late = self.calls.get(index).is_some_and(|call| !self.is_waited_for(call));
        let Some(call) = self.calls.get_mut(index) else { return };
        call.execution = Some(number);
        let by = call.by;
        self.executions.push(Execution { by, at: self.now, stored_at: None });
        if is_late {
            self.cover(Case::LateExecution);
        }
        self.check_executions(scenario);
    }

    pub(super) fn answer(&mut self, scenario: &Scenario, index: usize, answered: Answered) {
        let Some(call) = self.calls.get_mut(index) else { return };
        let (by, execution) = (call.by, call.execution.unwrap_or_default());
        let status = match answered {
            Answered::Created => 201,
            Answered::Refused => {
                self.left.refusals = self.left.refusals.saturating_sub(1);
                call.is_open = false;
                503
            }
            Answered::BadGateway => {
                self.left.ambiguities = self.left.ambiguities.saturating_sub(1);
                502
            }
        };
        match classify(status, false, &Overrides::default()) {
            Class::Store(status) => {
                self.settle(by, Outcome::Completed(answer_of(status, execution)));
            }
            Class::Release => self.settle(by, Outcome::Released),
            Class::Unknown(doubt) => self.doubt(scenario, by, doubt),
        }
    }

    /// What the origin says of an attempt that it is asked about. It keeps what the documentation asks of it: an attempt that it
    /// says it has not executed it will not execute any more.
    pub(super) fn became_of(&mut self, attempt: AttemptId) -> Option<Answer> {
        if !self.denied.contains(&attempt) {
            self.denied.push(attempt);
        }
        let mut executed = None;
        for call in self.calls.iter_mut().filter(|call| call.attempt == attempt) {
            call.is_open = false;
            executed = executed.or(call.execution);
        }
        let execution = executed?;
        Status::new(200).map(|status| answer_of(status, execution))
    }

    /// An operator looks at a record, makes sure what the origin did, and that it will do no more, and settles it by hand: with an
    /// order that may be as late as any message.
    pub(super) fn resolve(&mut self) {
        let Some(fence) = self.ledger.unknown_attempt(self.observed()) else { return };
        let answer = self.became_of(fence);
        // Drawn anew for each order.
        let attempt = attempt_id(OPERATOR, self.left.resolutions, 0);
        self.to_ledger.push(Message { from: OPERATOR, attempt, asked: Asked::Resolve { fence, answer } });
    }

    pub(super) fn tell(&mut self, scenario: &Scenario, told: Told) {
        self.told.push(told);
        self.check_told(scenario);
    }
}
