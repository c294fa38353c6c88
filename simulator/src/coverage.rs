//! What a search or a run has come across. One that never saw a late completion proves nothing about late completions.

/// Something that must have been seen. What each is stands in [`CASES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Case {
    Created,
    NotStored,
    Replayed,
    InProgress,
    Mismatch,
    UnknownAfterLease,
    UnknownAfterTimeout,
    UnknownAfterStatus,
    UnknownNotRecorded,
    ToldUnknown,
    ClaimedAgainAfterRelease,
    ClaimedAgainAfterExpiry,
    ClaimedAgainAfterUnknown,
    ClaimSentAgain,
    ClaimComesTooLate,
    Released,
    ReleasedBeforeClaim,
    LateCompletionTaken,
    CompletionSentAgain,
    CompletionOfGoneRecord,
    CompletionOfOtherAttempt,
    OutcomeAfterOther,
    UnreadableClaim,
    UnreadableOutcome,
    TooLateToCall,
    TooLateToAsk,
    LateExecution,
    ProbeFoundExecution,
    ProbeFoundNone,
    ProbeLearntNothing,
    ResolvedAsExecuted,
    ResolvedAsNotExecuted,
    OrderSentAgain,
    OrderForOtherAttempt,
    OrderTooLate,
    Swept,
    RestartLostWrites,
    WorkerDied,
    MessageLost,
    MessageRepeated,
    ClockStepped,
}

/// Each case, and how a person is told of it.
pub(crate) const CASES: [(Case, &str); 41] = [
    (Case::Created, "an execution's answer, stored before it was given"),
    (Case::NotStored, "an execution's answer given without a promise, as it could not be stored"),
    (Case::Replayed, "a replay"),
    (Case::InProgress, "in progress"),
    (Case::Mismatch, "another payload refused"),
    (Case::UnknownAfterLease, "unknown: the lease ended"),
    (Case::UnknownAfterTimeout, "unknown: the origin did not answer in time"),
    (Case::UnknownAfterStatus, "unknown: the origin's status"),
    (Case::UnknownNotRecorded, "unknown: the answer could not be stored"),
    (Case::ToldUnknown, "the first caller told that the outcome is unknown"),
    (Case::ClaimedAgainAfterRelease, "a released key claimed again"),
    (Case::ClaimedAgainAfterExpiry, "an expired key claimed again"),
    (Case::ClaimedAgainAfterUnknown, "an unknown outcome claimed again (retry)"),
    (Case::ClaimSentAgain, "a claim that came twice granted once"),
    (Case::ClaimComesTooLate, "a claim refused whose attempt has ended"),
    (Case::Released, "a release"),
    (Case::ReleasedBeforeClaim, "a release that came before its claim"),
    (Case::LateCompletionTaken, "a completion taken after the lease, or after a doubt"),
    (Case::CompletionSentAgain, "a completion that came twice"),
    (Case::CompletionOfGoneRecord, "a completion refused: the record is gone"),
    (Case::CompletionOfOtherAttempt, "a completion refused: another attempt holds the record"),
    (Case::OutcomeAfterOther, "an outcome refused: the attempt has said something else before"),
    (Case::UnreadableClaim, "a claim refused: the record cannot be read"),
    (Case::UnreadableOutcome, "an outcome refused: the record cannot be read"),
    (Case::TooLateToCall, "a grant given back, too late to call the origin"),
    (Case::TooLateToAsk, "a probe given up, too late to ask the origin"),
    (Case::LateExecution, "an execution for which nobody waits any more"),
    (Case::ProbeFoundExecution, "probe: executed"),
    (Case::ProbeFoundNone, "probe: not executed, and claimed anew"),
    (Case::ProbeLearntNothing, "probe: the origin does not say"),
    (Case::ResolvedAsExecuted, "resolved by hand: executed"),
    (Case::ResolvedAsNotExecuted, "resolved by hand: not executed"),
    (Case::OrderSentAgain, "an operator's order that came twice"),
    (Case::OrderForOtherAttempt, "an operator's order refused: another attempt holds the record"),
    (Case::OrderTooLate, "an operator's order refused: nothing is unknown any more"),
    (Case::Swept, "a generation dropped"),
    (Case::RestartLostWrites, "fault: a restart lost what was not durable"),
    (Case::WorkerDied, "fault: a Worker died"),
    (Case::MessageLost, "fault: a message was lost"),
    (Case::MessageRepeated, "fault: a message came twice"),
    (Case::ClockStepped, "fault: the clock stepped"),
];

/// A set of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage(u64);

impl Coverage {
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn add(&mut self, case: Case) {
        self.0 |= Self::bit(case);
    }

    pub(crate) const fn has(self, case: Case) -> bool {
        self.0 & Self::bit(case) != 0
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What was not seen.
    pub(crate) fn missed(self) -> Vec<&'static str> {
        CASES.iter().filter(|(case, _)| !self.has(*case)).map(|(_, text)| *text).collect()
    }

    const fn bit(case: Case) -> u64 {
        // There are fewer than 64.
        1_u64.wrapping_shl(case as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_is_told_apart() {
        let mut all = Coverage::default();
        for (index, (case, _)) in CASES.iter().enumerate() {
            assert_eq!(*case as usize, index);
            assert!(!all.has(*case));
            all.add(*case);
        }
        assert!(all.missed().is_empty());
        assert_eq!(Coverage::default().missed().len(), CASES.len());
    }
}
