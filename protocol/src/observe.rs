//! A route that only observes: its requests go to the origin as if the gate were not there, and what the gate would have done instead
//! is reported. Its records are kept as those of other routes are, so that a gate which begins to enforce knows them.

use crate::outcome::Class;
use crate::problem::{Case, Problem};
use crate::request::{ByToken, Guarded};

/// The header of a response that says what would have happened. Its value is an Item of RFC 9651: a Token, and the parameter
/// `duplicate` where the origin has executed again.
pub const OBSERVED: &str = "oncegate-observed";

/// A request of a route that only observes, as far as its head tells.
pub enum Observed<'c> {
    /// It would have been refused.
    Refused(Problem),
    /// It would have been guarded.
    Guarded(Guarded<'c>),
    /// Likewise, once its token is verified.
    ByToken(ByToken<'c>),
}

/// What would have become of a request that was sent on all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Instead {
    /// It would have been sent on.
    SentOn,
    /// It would have been answered from the record.
    Replayed,
    /// It would have been told this problem.
    Told(Case),
}

impl Instead {
    /// From how the ledger has marked the answer that the client would have got. `None` where that is not known.
    pub fn from_mark(mark: &str) -> Option<Self> {
        if mark == "replayed" {
            return Some(Self::Replayed);
        }
        Case::of(mark).map(Self::Told)
    }

    /// Whether the origin should not have been asked because it has been, so that an answer of this class means that it has executed
    /// again.
    fn is_again(self) -> bool {
        matches!(self, Self::Replayed | Self::Told(Case::InProgress | Case::Unknown | Case::NotStored))
    }
}

/// What was observed of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    instead: Instead,
    class: Class,
}

impl Observation {
    /// What would have become of it, and what the origin's answer, or the lack of one, means.
    pub const fn new(instead: Instead, class: Class) -> Self {
        Self { instead, class }
    }

    /// Whether the origin has executed what it had executed before, or was just executing.
    pub fn is_duplicate(self) -> bool {
        self.instead.is_again() && matches!(self.class, Class::Store(_))
    }

    /// What its client would have found in `Idempotency-Status`.
    pub const fn would_be(self) -> &'static str {
        match (self.instead, self.class) {
            (Instead::SentOn, Class::Store(_)) => "created",
            (Instead::SentOn, Class::Release) => "released",
            (Instead::SentOn, Class::Unknown(_)) => Case::Unknown.name(),
            (Instead::Replayed, _) => "replayed",
            (Instead::Told(case), _) => case.name(),
        }
    }

    /// Whether its client would have got another answer.
    pub const fn would_differ(self) -> bool {
        !matches!((self.instead, self.class), (Instead::SentOn, Class::Store(_) | Class::Release))
    }

    /// The value of [`OBSERVED`].
    pub fn value(self) -> String {
        let parameter = if self.is_duplicate() { ";duplicate" } else { "" };
        format!("{}{parameter}", self.would_be())
    }
}

/// The value of [`OBSERVED`] where the ledger has not answered in time to say.
pub const PENDING: &str = "pending";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Doubt, Status};

    fn stored() -> Class {
        Class::Store(Status::new(201).unwrap())
    }

    #[test]
    fn what_would_have_been_sent_on_is_what_its_outcome_makes_of_it() {
        let observe = |class| Observation::new(Instead::SentOn, class);
        let unknown = Class::Unknown(Doubt::OriginTimeout);
        let cases = [(stored(), "created", false), (Class::Release, "released", false), (unknown, "unknown", true)];
        for (class, value, differs) in cases {
            assert_eq!((observe(class).value().as_str(), observe(class).would_differ()), (value, differs));
        }
    }

    #[test]
    fn a_duplicate_is_what_the_origin_has_executed_although_it_had_been_asked() {
        let duplicates = [
            (Instead::Replayed, "replayed;duplicate"),
            (Instead::Told(Case::InProgress), "in-progress;duplicate"),
            (Instead::Told(Case::Unknown), "unknown;duplicate"),
            (Instead::Told(Case::NotStored), "not-stored;duplicate"),
        ];
        for (instead, value) in duplicates {
            assert_eq!(Observation::new(instead, stored()).value(), value);
            let refused = Observation::new(instead, Class::Release);
            assert_eq!(format!("{};duplicate", refused.value()), value);
        }
        for case in [Case::Mismatch, Case::Missing, Case::Unavailable, Case::Limited] {
            let observation = Observation::new(Instead::Told(case), stored());
            assert_eq!((observation.value().as_str(), observation.would_differ()), (case.name(), true));
        }
    }

    #[test]
    fn the_marks_of_the_ledger_s_answers_are_known() {
        assert_eq!(Instead::from_mark("replayed"), Some(Instead::Replayed));
        for case in Case::ALL {
            assert_eq!(Instead::from_mark(case.name()), Some(Instead::Told(case)));
        }
        assert_eq!(Instead::from_mark("created"), None);
    }
}
