//! Which cases of the protocol a decision is one of.

use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::outcome::Doubt;
use oncegate_protocol::record::{Begin, Intervened, Outcome, Record, Settle, StaleReason, State, Stored, View};
use oncegate_protocol::time::Timestamp;

use crate::coverage::Case;

pub(super) fn of_begin(stored: &Stored, begin: &Begin<'_>, now: Timestamp) -> Option<Case> {
    let view = view(stored, now);
    Some(match begin {
        Begin::Forward { write: None, .. } => Case::ClaimSentAgain,
        Begin::Forward { .. } => match view? {
            View::Absent => Case::ClaimedAgainAfterExpiry,
            View::Released => Case::ClaimedAgainAfterRelease,
            View::Unknown(_) => Case::ClaimedAgainAfterUnknown,
            _ => return None,
        },
        Begin::Replay { .. } => Case::Replayed,
        Begin::InProgress { .. } => Case::InProgress,
        Begin::Mismatch => Case::Mismatch,
        Begin::Unknown(Doubt::LeaseExpired) => Case::UnknownAfterLease,
        Begin::Unknown(Doubt::OriginTimeout) => Case::UnknownAfterTimeout,
        Begin::Unknown(Doubt::Status(_)) => Case::UnknownAfterStatus,
        Begin::Unknown(Doubt::NotRecorded) => Case::UnknownNotRecorded,
        Begin::Stale => Case::ClaimComesTooLate,
        Begin::Refuse(_) => Case::UnreadableClaim,
        _ => return None,
    })
}

pub(super) fn of_settle(
    stored: &Stored,
    attempt: AttemptId,
    outcome: &Outcome,
    settled: &Settle,
    now: Timestamp,
) -> Option<Case> {
    let is_holder = matches!(stored, Stored::Record(record) if record.attempt == attempt);
    Some(match (outcome, settled) {
        (Outcome::Completed(_), Settle::Write(_)) => match view(stored, now)? {
            View::Unknown(_) | View::Probing { .. } | View::Absent if is_holder => Case::LateCompletionTaken,
            _ => return None,
        },
        (Outcome::Released, Settle::Write(_)) if is_holder => Case::Released,
        (Outcome::Released, Settle::Write(_)) => match view(stored, now) {
            None | Some(View::Absent | View::Released) => Case::ReleasedBeforeClaim,
            _ => return None,
        },
        (Outcome::Completed(_), Settle::Already) => Case::CompletionSentAgain,
        (Outcome::Completed(_), Settle::Stale(StaleReason::Gone)) => Case::CompletionOfGoneRecord,
        (Outcome::Completed(_), Settle::Stale(StaleReason::OtherAttempt)) => Case::CompletionOfOtherAttempt,
        (_, Settle::Stale(StaleReason::OtherOutcome)) => Case::OutcomeAfterOther,
        (_, Settle::Refuse(_)) => Case::UnreadableOutcome,
        _ => return None,
    })
}

pub(super) fn of_resolve(resolved: &Intervened<'_>) -> Option<Case> {
    Some(match resolved {
        Intervened::Write(Record { state: State::Completed(_), .. }) => Case::ResolvedAsExecuted,
        Intervened::Write(_) => Case::ResolvedAsNotExecuted,
        Intervened::Already(_) => Case::OrderSentAgain,
        Intervened::OtherAttempt(_) => Case::OrderForOtherAttempt,
        Intervened::Refused(_) | Intervened::Absent => Case::OrderTooLate,
        Intervened::Refuse(_) => return None,
    })
}

/// How the record stands; `None` where there is none that can be read.
fn view(stored: &Stored, now: Timestamp) -> Option<View<'_>> {
    match stored {
        Stored::Record(record) => Some(record.view(now)),
        Stored::Absent | Stored::Unreadable(_) => None,
    }
}
