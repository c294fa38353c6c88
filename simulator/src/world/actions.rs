//! What can happen next.

use super::{Call, Phase, Reply, Request, World};
use crate::scenario::Scenario;

/// How the origin, or what stands before it, answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answered {
    /// It has executed.
    Created,
    /// It has refused.
    Refused,
    /// 502: it may have executed, or may yet.
    BadGateway,
}

/// A step. Numbers are places in the lists of the [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Arrive { request: usize },
    Deliver { message: usize },
    DeliverAndRepeat { message: usize },
    LoseMessage { message: usize },
    MakeDurable,
    RestartLedger,
    Receive { reply: usize },
    LoseReply { reply: usize },
    SendAgain { request: usize },
    GiveUp { request: usize },
    CallOrigin { request: usize },
    AskOrigin { request: usize },
    AskInVain { request: usize },
    Execute { call: usize },
    Answer { call: usize, answered: Answered },
    TimeOut { request: usize },
    Die { request: usize },
    Tick,
    StepClock { ahead: u32 },
    Sweep,
    ChangeVersion,
    Resolve,
}

/// Sorts of actions, of which a seed makes some likelier than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Arrival,
    Delivery,
    Durability,
    WorkerStep,
    Origin,
    Time,
    Sweep,
    Loss,
    Repeat,
    Death,
    Restart,
    ClockStep,
    Version,
    Ambiguity,
    Refusal,
    Resolution,
}

impl Kind {
    /// How many there are.
    pub(crate) const COUNT: usize = 16;
}

impl Action {
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Arrive { .. } => Kind::Arrival,
            Self::Deliver { .. } | Self::Receive { .. } => Kind::Delivery,
            Self::MakeDurable => Kind::Durability,
            Self::SendAgain { .. }
            | Self::GiveUp { .. }
            | Self::CallOrigin { .. }
            | Self::AskOrigin { .. }
            | Self::TimeOut { .. } => Kind::WorkerStep,
            Self::Execute { .. } | Self::Answer { answered: Answered::Created, .. } => Kind::Origin,
            Self::Tick => Kind::Time,
            Self::Sweep => Kind::Sweep,
            Self::LoseMessage { .. } | Self::LoseReply { .. } => Kind::Loss,
            Self::DeliverAndRepeat { .. } => Kind::Repeat,
            Self::Die { .. } => Kind::Death,
            Self::RestartLedger => Kind::Restart,
            Self::StepClock { .. } => Kind::ClockStep,
            Self::ChangeVersion => Kind::Version,
            Self::AskInVain { .. } | Self::Answer { answered: Answered::BadGateway, .. } => Kind::Ambiguity,
            Self::Answer { answered: Answered::Refused, .. } => Kind::Refusal,
            Self::Resolve => Kind::Resolution,
        }
    }
}

/// How often a Worker sends a message in this world; the shipped one does so three times.
const TRIES: u8 = 2;

impl World {
    /// Adds everything that can happen next to `actions`.
    pub(crate) fn actions(&self, scenario: &Scenario, actions: &mut Vec<Action>) {
        if self.violation.is_some() {
            return;
        }
        self.messages(actions);
        for (index, request) in self.requests.iter().enumerate() {
            self.steps(index, request, actions);
        }
        self.origin(scenario, actions);
        self.surroundings(scenario, actions);
    }

    fn messages(&self, actions: &mut Vec<Action>) {
        for message in 0..self.to_ledger.len() {
            actions.push(Action::Deliver { message });
            if self.left.repeats > 0 {
                actions.push(Action::DeliverAndRepeat { message });
            }
            if self.left.losses > 0 {
                actions.push(Action::LoseMessage { message });
            }
        }
        for reply in 0..self.to_workers.len() {
            actions.push(Action::Receive { reply });
            if self.left.losses > 0 {
                actions.push(Action::LoseReply { reply });
            }
        }
        if !self.ledger.is_durable() {
            actions.push(Action::MakeDurable);
        }
    }

    /// What a Worker may do, or what may befall it.
    fn steps(&self, index: usize, request: &Request, actions: &mut Vec<Action>) {
        match &request.phase {
            Phase::Away if self.is_next(index) => actions.push(Action::Arrive { request: index }),
            Phase::Begun { .. } | Phase::Settling { .. } if !self.is_under_way(index, request) => {
                let again = request.tries < TRIES;
                actions.push(if again {
                    Action::SendAgain { request: index }
                } else {
                    Action::GiveUp { request: index }
                });
            }
            Phase::Granted { .. } => actions.push(Action::CallOrigin { request: index }),
            Phase::Asking { .. } => {
                actions.push(Action::AskOrigin { request: index });
                if self.left.ambiguities > 0 {
                    actions.push(Action::AskInVain { request: index });
                }
            }
            Phase::Calling { until } if self.now >= *until => actions.push(Action::TimeOut { request: index }),
            _ => {}
        }
        if request.is_alive() && self.left.deaths > 0 {
            actions.push(Action::Die { request: index });
        }
    }

    /// Whether no request before this one has yet to come. They come in their order, so that there is less to look at.
    fn is_next(&self, index: usize) -> bool {
        self.requests.iter().take(index).all(|earlier| earlier.phase != Phase::Away)
    }

    /// Whether what a request waits for is still on its way, there or back.
    fn is_under_way(&self, index: usize, request: &Request) -> bool {
        let about = request.awaits();
        let is_it = |reply: &Reply| reply.to == index && Some(reply.about) == about;
        self.to_ledger.iter().any(|message| message.from == index && Some(message.about()) == about)
            || self.to_workers.iter().chain(self.ledger.held()).any(is_it)
    }

    fn origin(&self, scenario: &Scenario, actions: &mut Vec<Action>) {
        for (index, call) in self.calls.iter().enumerate() {
            let in_time = self.now <= call.at.saturating_add(scenario.lateness);
            if call.is_open && call.execution.is_none() && in_time {
                actions.push(Action::Execute { call: index });
            }
            if !self.is_waited_for(call) {
                continue;
            }
            let answer = |answered| Action::Answer { call: index, answered };
            if call.execution.is_some() {
                actions.push(answer(Answered::Created));
            } else if self.left.refusals > 0 {
                actions.push(answer(Answered::Refused));
            }
            if self.left.ambiguities > 0 {
                actions.push(answer(Answered::BadGateway));
            }
        }
    }

    /// Whether the Worker that has made this call is waiting for its answer.
    pub(super) fn is_waited_for(&self, call: &Call) -> bool {
        let request = self.requests.get(call.by);
        request.is_some_and(|request| matches!(request.phase, Phase::Calling { .. }) && request.attempt == call.attempt)
    }

    fn surroundings(&self, scenario: &Scenario, actions: &mut Vec<Action>) {
        // Timers are never late by a tick.
        let is_due = |request: &Request| matches!(request.phase, Phase::Calling { until } if self.now >= until);
        if self.now < scenario.horizon && !self.requests.iter().any(is_due) {
            actions.push(Action::Tick);
        }
        if self.left.steps > 0 {
            let others = (0..=scenario.step).filter(|ahead| *ahead != self.ahead);
            actions.extend(others.map(|ahead| Action::StepClock { ahead }));
        }
        if self.left.restarts > 0 {
            actions.push(Action::RestartLedger);
        }
        if self.left.upgrades > 0 {
            actions.push(Action::ChangeVersion);
        }
        if self.left.resolutions > 0 && self.ledger.unknown_attempt(self.observed()).is_some() {
            actions.push(Action::Resolve);
        }
        if self.ledger.has_expired(self.observed(), scenario) {
            actions.push(Action::Sweep);
        }
    }
}
