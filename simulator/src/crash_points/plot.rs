//! What would happen if nobody died, step by step.

use oncegate_protocol::record::OnUnknown;

use crate::scenario::{Faults, Scenario};
use crate::world::{Answered, OPERATOR};

/// What happens in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plot {
    /// The origin executes, and answers.
    Stored,
    /// It refuses.
    Refused,
    /// It executes, and something before it answers 502.
    BadGateway,
    /// It executes, and does not answer in time.
    Silent,
    /// An outcome is unknown, and the origin, when it is asked, says that it has executed.
    ProbedExecuted,
    /// Likewise, but it says that it has not.
    ProbedNot,
    /// An outcome is unknown, and an operator settles it: executed.
    OrderedExecuted,
    /// Likewise: not executed.
    OrderedNot,
}

/// The steps, each by what has just happened when somebody dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Received,
    ClaimSent,
    ClaimWritten,
    ClaimDurable,
    Granted,
    OriginCalled,
    OriginExecuted,
    OutcomeSent,
    OutcomeWritten,
    OutcomeDurable,
    ReplyGiven,
}

const STEPS: [(Step, &str); 11] = [
    (Step::Received, "request received"),
    (Step::ClaimSent, "claim sent"),
    (Step::ClaimWritten, "claim written"),
    (Step::ClaimDurable, "claim durable"),
    (Step::Granted, "grant received"),
    (Step::OriginCalled, "origin called"),
    (Step::OriginExecuted, "origin executed"),
    (Step::OutcomeSent, "outcome sent"),
    (Step::OutcomeWritten, "outcome written"),
    (Step::OutcomeDurable, "outcome durable"),
    (Step::ReplyGiven, "reply given"),
];

impl Step {
    pub(crate) fn name(self) -> &'static str {
        STEPS.iter().find(|(step, _)| *step == self).map_or("", |(_, name)| name)
    }
}

impl Plot {
    pub(crate) const ALL: [Self; 8] = [
        Self::Stored,
        Self::Refused,
        Self::BadGateway,
        Self::Silent,
        Self::ProbedExecuted,
        Self::ProbedNot,
        Self::OrderedExecuted,
        Self::OrderedNot,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stored => "the origin executes and answers",
            Self::Refused => "the origin refuses",
            Self::BadGateway => "the origin executes, the answer is 502",
            Self::Silent => "the origin executes and does not answer",
            Self::ProbedExecuted => "the origin is asked about an unknown outcome: executed",
            Self::ProbedNot => "the origin is asked about an unknown outcome: not executed",
            Self::OrderedExecuted => "an operator settles an unknown outcome: executed",
            Self::OrderedNot => "an operator settles an unknown outcome: not executed",
        }
    }

    pub(crate) const fn policies(self) -> &'static [OnUnknown] {
        match self {
            Self::Stored | Self::Refused | Self::BadGateway | Self::Silent => {
                &[OnUnknown::Hold, OnUnknown::Retry, OnUnknown::Probe]
            }
            Self::ProbedExecuted | Self::ProbedNot => &[OnUnknown::Probe],
            Self::OrderedExecuted | Self::OrderedNot => &[OnUnknown::Hold],
        }
    }

    /// Its steps, in their order.
    pub(crate) fn steps(self) -> Vec<Step> {
        let has = |step: Step| match self {
            Self::Stored | Self::BadGateway | Self::Silent => true,
            Self::Refused => step != Step::OriginExecuted,
            // The origin is asked and says so in one go. Where it has not executed, the one who asked begins anew: as ever.
            Self::ProbedExecuted => !matches!(step, Step::OriginCalled | Step::OriginExecuted),
            Self::ProbedNot => !matches!(step, Step::OriginCalled | Step::OriginExecuted | Step::ReplyGiven),
            Self::OrderedExecuted | Self::OrderedNot => {
                matches!(step, Step::OutcomeSent | Step::OutcomeWritten | Step::OutcomeDurable)
            }
        };
        STEPS.map(|(step, _)| step).into_iter().filter(|step| has(*step)).collect()
    }

    /// Whether it begins with an outcome that is unknown.
    pub(crate) const fn begins_unknown(self) -> bool {
        matches!(self, Self::ProbedExecuted | Self::ProbedNot | Self::OrderedExecuted | Self::OrderedNot)
    }

    /// Whether the origin executes the first request in time.
    pub(crate) const fn executes(self) -> bool {
        !matches!(self, Self::Refused | Self::ProbedNot | Self::OrderedNot)
    }

    /// Whether it is an operator who acts, and no Worker of a request.
    pub(crate) const fn is_ordered(self) -> bool {
        matches!(self, Self::OrderedExecuted | Self::OrderedNot)
    }

    /// Who is cut off: a request, or the operator.
    pub(crate) const fn subject(self) -> usize {
        match self {
            Self::Stored | Self::Refused | Self::BadGateway | Self::Silent => 0,
            Self::ProbedExecuted | Self::ProbedNot => 1,
            Self::OrderedExecuted | Self::OrderedNot => OPERATOR,
        }
    }

    /// How the origin, or what stands before it, answers the request that is cut off.
    pub(crate) const fn answered(self) -> Option<Answered> {
        match self {
            Self::Refused => Some(Answered::Refused),
            Self::BadGateway => Some(Answered::BadGateway),
            Self::Silent => None,
            _ => Some(Answered::Created),
        }
    }

    /// The rules of its world: time is ample, so that the origin may execute late all the while.
    pub(crate) fn scenario(self, on_unknown: OnUnknown) -> Scenario {
        let faults = Faults {
            losses: u8::MAX,
            deaths: 1,
            restarts: 1,
            ambiguities: 1,
            refusals: 1,
            resolutions: 1,
            ..Faults::NONE
        };
        let payloads = if self.begins_unknown() && !self.is_ordered() { vec![0, 0] } else { vec![0] };
        let ample = Scenario { ttl: 60, guard: 40, lateness: 40, horizon: u32::MAX, ..Scenario::small() };
        Scenario { payloads, on_unknown, faults, ..ample }
    }
}
