//! What a Worker does for its request, as the gateway of the shipped one does.

use oncegate_protocol::deadline::may_call_origin;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::record::{OnUnknown, Outcome};

use super::{Call, Message, Moment, Phase, Reply, Request, Told, World, attempt_id, execution_of};
use crate::bug::Bug;
use crate::coverage::Case;
use crate::ledger::{Asked, Said};
use crate::scenario::Scenario;

impl World {
    pub(super) fn enter(&mut self, index: usize, phase: Phase) {
        if let Some(request) = self.requests.get_mut(index) {
            request.phase = phase;
            request.tries = 1;
        }
    }

    /// Asks for the right to call the origin.
    pub(super) fn begin(&mut self, scenario: &Scenario, index: usize) {
        let at = self.observed();
        self.enter(index, Phase::Begun { at });
        self.send_begin(scenario, index);
    }

    fn send_begin(&mut self, scenario: &Scenario, index: usize) {
        let Some(request) = self.requests.get_mut(index) else { return };
        let try_number = if scenario.bug == Some(Bug::NewAttemptPerTry) { request.tries } else { 0 };
        request.attempt = attempt_id(index, request.begins, try_number);
        request.of = request.attempt;
        let payload = scenario.payloads.get(index).copied().unwrap_or_default();
        // Once the origin has been asked, nobody is asked about again.
        let on_unknown = if request.begins == 0 { scenario.on_unknown } else { OnUnknown::Hold };
        let asked = Asked::Begin { payload, on_unknown };
        self.to_ledger.push(Message { from: index, attempt: request.attempt, asked });
    }

    fn send_outcome(&mut self, index: usize, outcome: Outcome) {
        let Some(Request { attempt, of, number, .. }) = self.requests.get(index) else { return };
        let asked = Asked::Settle { of: *of, outcome, number: *number };
        self.to_ledger.push(Message { from: index, attempt: *attempt, asked });
    }

    pub(super) fn send_again(&mut self, scenario: &Scenario, index: usize) {
        let Some(request) = self.requests.get_mut(index) else { return };
        request.tries = request.tries.saturating_add(1);
        match request.phase.clone() {
            Phase::Begun { .. } => self.send_begin(scenario, index),
            Phase::Settling { outcome } => self.send_outcome(index, outcome),
            _ => {}
        }
    }

    /// There is no answer. A claim that may have been taken is released; an answer that could not be brought is given to the
    /// client without a promise, and the record is told that it is in doubt.
    pub(super) fn give_up(&mut self, scenario: &Scenario, index: usize) {
        let Some(Request { phase, .. }) = self.requests.get(index) else { return };
        match phase.clone() {
            Phase::Begun { .. } => {
                self.enter(index, Phase::Over);
                self.send_outcome(index, Outcome::Released);
            }
            Phase::Settling { outcome } => {
                self.enter(index, Phase::Over);
                if matches!(outcome, Outcome::Completed(_)) {
                    self.send_outcome(index, Outcome::Doubted(Doubt::NotRecorded));
                }
                self.conclude(scenario, index, &outcome, None);
            }
            _ => {}
        }
    }

    pub(super) fn receive(&mut self, scenario: &Scenario, reply: &Reply) {
        let Some(request) = self.requests.get_mut(reply.to).filter(|request| request.awaits() == Some(reply.about))
        else {
            return;
        };
        match (request.phase.clone(), &reply.said) {
            (Phase::Begun { at }, Said::Forward { number }) => {
                request.number = *number;
                self.enter(reply.to, Phase::Granted { begun_at: at });
            }
            (Phase::Begun { at }, Said::Probe { fence, doubt }) => {
                self.enter(reply.to, Phase::Asking { fence: *fence, doubt: *doubt, begun_at: at });
            }
            (Phase::Begun { .. }, Said::Replay { execution }) => {
                self.enter(reply.to, Phase::Over);
                self.tell(scenario, Told { client: reply.to, execution: *execution, at: reply.at });
            }
            // The claim has lapsed.
            (Phase::Begun { .. }, Said::Stale) => {
                self.enter(reply.to, Phase::Over);
                self.send_outcome(reply.to, Outcome::Released);
            }
            (Phase::Begun { .. }, _) => self.enter(reply.to, Phase::Over),
            (Phase::Settling { outcome }, said) if knows_more(request, &outcome, said) => {
                request.begins = request.begins.saturating_add(1);
                self.begin(scenario, reply.to);
            }
            (Phase::Settling { outcome }, said) => {
                self.enter(reply.to, Phase::Over);
                self.conclude(scenario, reply.to, &outcome, (*said == Said::Done).then_some(reply.at));
            }
            _ => {}
        }
    }

    /// Answers the client of a request that the ledger has been told the outcome of; `stored_at` is when that was stored.
    fn conclude(&mut self, scenario: &Scenario, client: usize, outcome: &Outcome, stored_at: Option<Moment>) {
        match (outcome, stored_at) {
            // Marked `created` or as a replay, which promises that retries get the same from when it was first stored.
            (Outcome::Completed(answer), Some(at)) => {
                let execution = execution_of(answer);
                let stored = usize::try_from(execution).ok().and_then(|number| self.executions.get(number));
                let at = stored.and_then(|execution| execution.stored_at).unwrap_or(at);
                self.cover(Case::Created);
                self.tell(scenario, Told { client, execution, at });
            }
            (Outcome::Completed(_), None) => self.cover(Case::NotStored),
            (Outcome::Doubted(_), _) => self.cover(Case::ToldUnknown),
            (Outcome::Released | Outcome::NotExecuted, _) => {}
        }
    }

    pub(super) fn call_origin(&mut self, scenario: &Scenario, index: usize) {
        let Some(Request { phase: Phase::Granted { begun_at }, attempt, .. }) = self.requests.get(index) else {
            return;
        };
        let elapsed = self.observed().since(*begun_at);
        let may = may_call_origin(elapsed, Scenario::span(scenario.timeout), scenario.lease());
        if may || scenario.bug == Some(Bug::DeadlineIgnored) {
            let is_open = !self.denied.contains(attempt);
            self.calls.push(Call { by: index, attempt: *attempt, at: self.now, is_open, execution: None });
            self.enter(index, Phase::Calling { until: self.now.saturating_add(scenario.timeout) });
        } else {
            self.cover(Case::TooLateToCall);
            self.settle(index, Outcome::Released);
        }
    }

    /// Asks the origin what became of another attempt; `speaks` is whether it says so.
    pub(super) fn ask_origin(&mut self, scenario: &Scenario, index: usize, speaks: bool) {
        let Some(Request { phase: Phase::Asking { fence, doubt, begun_at }, .. }) = self.requests.get(index) else {
            return;
        };
        let (fence, doubt, begun_at) = (*fence, *doubt, *begun_at);
        if let Some(request) = self.requests.get_mut(index) {
            request.of = fence;
        }
        let elapsed = self.observed().since(begun_at);
        if !may_call_origin(elapsed, Scenario::span(scenario.timeout), scenario.lease()) {
            self.cover(Case::TooLateToAsk);
            return self.settle(index, Outcome::Doubted(doubt));
        }
        if !speaks {
            self.left.ambiguities = self.left.ambiguities.saturating_sub(1);
            self.cover(Case::ProbeLearntNothing);
            return self.settle(index, Outcome::Doubted(doubt));
        }
        match self.became_of(fence) {
            Some(answer) => {
                self.cover(Case::ProbeFoundExecution);
                self.settle(index, Outcome::Completed(answer));
            }
            None => {
                self.cover(Case::ProbeFoundNone);
                self.settle(index, Outcome::NotExecuted);
            }
        }
    }

    /// Tells the ledger how an attempt ended.
    pub(super) fn settle(&mut self, index: usize, outcome: Outcome) {
        self.enter(index, Phase::Settling { outcome: outcome.clone() });
        self.send_outcome(index, outcome);
    }

    pub(super) fn time_out(&mut self, scenario: &Scenario, index: usize) {
        self.doubt(scenario, index, Doubt::OriginTimeout);
        if scenario.bug == Some(Bug::DeleteOnTimeout) {
            self.ledger.forget();
        }
    }

    pub(super) fn doubt(&mut self, scenario: &Scenario, index: usize, doubt: Doubt) {
        let outcome = match scenario.bug {
            Some(Bug::DoubtReleases) => Outcome::Released,
            _ => Outcome::Doubted(doubt),
        };
        self.settle(index, outcome);
    }
}

/// Whether a request that has asked the origin begins anew, because the record says more by now: that the key is free, or what
/// the attempt in question has brought itself.
fn knows_more(request: &Request, outcome: &Outcome, said: &Said) -> bool {
    let has_asked = request.of != request.attempt;
    match outcome {
        Outcome::NotExecuted => has_asked,
        Outcome::Completed(_) => has_asked && *said != Said::Done,
        Outcome::Released | Outcome::Doubted(_) => false,
    }
}
