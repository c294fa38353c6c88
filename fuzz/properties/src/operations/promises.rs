//! The promises of GUARANTEES.md, from what a client, an origin and an operator have been told alone.

use super::model::Said;
use super::{Ended, FEW, OnUnknownRule, Rules, Wanted};

/// What has been promised so far.
#[derive(Default)]
pub(super) struct Promises {
    /// Who was let through to the origin, and is not known not to have executed.
    executed: Option<u8>,
    /// The answer that was kept.
    answer: Option<u8>,
    /// When the promises about both are over.
    ends: u64,
    /// Whether the clock has shown that since. What it shows when it is put back after that is later all the same.
    is_over: bool,
    /// The latest that the clock has shown: a step back prolongs what was granted.
    latest: u64,
}

impl Promises {
    /// Looks at the clock.
    pub(super) fn look(&mut self, now: u64) {
        self.latest = self.latest.max(now);
        self.is_over |= now >= self.ends;
    }

    fn end_at(&mut self, ends: u64) {
        self.ends = ends;
        self.is_over = false;
    }

    pub(super) fn begun(&mut self, attempt: u8, said: Said, rules: Rules, now: u64) {
        match said {
            Said::Forward { until, is_claim: true, .. } => {
                // P1. An operator of a route that retries has given it up, where nobody knows; but not where there is an answer.
                let may_retry = rules.on_unknown == OnUnknownRule::Retry && self.answer.is_none();
                assert!(
                    self.executed.is_none() || may_retry || self.is_over,
                    "P1: {attempt} executes after {:?}",
                    self.executed
                );
                (self.executed, self.answer) = (Some(attempt), None);
                self.end_at(until + rules.retention());
            }
            Said::Forward { until, .. } => {
                assert_eq!(self.executed, Some(attempt), "P1: it was let through before");
                assert!(now < until, "P6: its lease is over");
            }
            Said::Replay { answer, .. } => {
                assert_eq!(Some(answer), self.answer, "P2: another answer than the one that was kept")
            }
            Said::InProgress { until } => {
                assert!(now < until && until <= self.latest + rules.lease(), "P6: in progress until {until} at {now}");
            }
            _ => {}
        }
    }

    pub(super) fn settled(&mut self, attempt: u8, of: u8, ended: Ended, said: Said, rules: Rules, now: u64) {
        match (ended, said) {
            (Ended::Completed(answer), Said::Done) => self.keep(answer % FEW, rules, now),
            (Ended::Released, Said::Done) if self.executed == Some(attempt) && attempt == of => self.free(),
            (Ended::NotExecuted, Said::Done) => self.free(),
            (Ended::Doubted, Said::Done) if self.executed == Some(attempt) && attempt == of => {
                self.end_at(now + rules.retention());
            }
            _ => {}
        }
    }

    pub(super) fn intervened(&mut self, wanted: Wanted, said: Said, rules: Rules, now: u64) {
        match (wanted, said) {
            (Wanted::Complete(answer), Said::Done) => self.keep(answer % FEW, rules, now),
            (Wanted::Release | Wanted::Forget, Said::Done) => self.free(),
            _ => {}
        }
    }

    fn keep(&mut self, answer: u8, rules: Rules, now: u64) {
        assert!(self.answer.is_none() || self.is_over, "P2: an answer was put in another's place");
        self.answer = Some(answer);
        self.end_at(now + rules.retention());
    }

    fn free(&mut self) {
        self.executed = None;
        self.answer = None;
    }
}
