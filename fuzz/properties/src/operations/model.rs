//! What a record is to do, in as few words as possible.

use super::{Ended, FEW, OnUnknownRule, Rules, Wanted};

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said {
    Forward { number: u32, until: u64, is_claim: bool },
    Replay { answer: u8, by: u8 },
    InProgress { until: u64 },
    Probe { of: u8, number: u32, is_by_lease: bool },
    Mismatch,
    Unknown { is_by_lease: bool },
    Moved,
    Elsewhere,
    Stale,
    Done,
    Already,
    Absent,
    OtherAttempt,
    OtherOutcome,
    Refused,
}

pub(super) struct Model {
    rules: Rules,
    key: Option<Key>,
}

/// What is known of the key.
#[derive(Clone, Copy)]
struct Key {
    /// Who spoke last for it.
    holder: u8,
    number: u32,
    has_other_payload: bool,
    is: Is,
    /// When it is forgotten.
    ends: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Nothing,
    Running {
        until: u64,
    },
    Answered(u8),
    Free,
    /// Nobody knows whether the holder executed; the one that `asked` the origin has until then to say.
    Open {
        is_by_lease: bool,
        asked: Option<(u8, u64)>,
    },
    GivenAway,
}

impl Key {
    /// Where it stands: what ends by time needs nobody to say so.
    fn at(self, now: u64) -> Is {
        match self.is {
            Is::Running { until } if now < until => self.is,
            Is::Open { asked: Some((_, until)), .. } if now < until => self.is,
            _ if now >= self.ends => Is::Nothing,
            Is::Running { .. } => Is::Open { is_by_lease: true, asked: None },
            other => other,
        }
    }

    /// Who is asking, or has asked, the origin about the holder.
    fn asker(self) -> Option<u8> {
        match self.is {
            Is::Open { asked, .. } => asked.map(|(who, _)| who),
            _ => None,
        }
    }
}

impl Model {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, key: None }
    }

    /// Holder, number and end of what storage holds.
    pub(super) fn written(&self) -> Option<(u8, u32, u64)> {
        self.key.map(|key| (key.holder, key.number, key.ends))
    }

    fn is_at(&self, now: u64) -> Is {
        self.key.map_or(Is::Nothing, |key| key.at(now))
    }

    pub(super) fn begin(&mut self, attempt: u8, has_other_payload: bool, now: u64) -> Said {
        let Some(key) = self.key else { return self.claim(attempt, has_other_payload, now) };
        let number = key.number;
        match key.at(now) {
            Is::Nothing => self.claim(attempt, has_other_payload, now),
            // Its own release came before it, or it comes twice.
            Is::Free if key.holder == attempt => Said::Stale,
            Is::Free => self.claim(attempt, has_other_payload, now),
            Is::GivenAway => Said::Elsewhere,
            _ if key.has_other_payload != has_other_payload => Said::Mismatch,
            Is::Running { until } if key.holder == attempt => Said::Forward { number, until, is_claim: false },
            Is::Running { until } => Said::InProgress { until },
            Is::Answered(answer) => Said::Replay { answer, by: key.holder },
            Is::Open { is_by_lease, asked: Some((who, until)) } if now < until => match who == attempt {
                true => Said::Probe { of: key.holder, number, is_by_lease },
                false => Said::InProgress { until },
            },
            Is::Open { .. } if key.holder == attempt || key.asker() == Some(attempt) => Said::Stale,
            Is::Open { is_by_lease, .. } => match self.rules.on_unknown {
                OnUnknownRule::Hold => Said::Unknown { is_by_lease },
                OnUnknownRule::Retry => self.claim(attempt, has_other_payload, now),
                OnUnknownRule::Probe => {
                    let asked = Some((attempt, now + self.rules.lease()));
                    self.key = Some(Key { is: Is::Open { is_by_lease, asked }, ..key });
                    Said::Probe { of: key.holder, number, is_by_lease }
                }
            },
        }
    }

    /// How many attempts there have been. What has expired is as good as new.
    fn number_at(&self, now: u64) -> u32 {
        self.key.filter(|key| key.at(now) != Is::Nothing).map_or(0, |key| key.number)
    }

    fn claim(&mut self, holder: u8, has_other_payload: bool, now: u64) -> Said {
        let number = self.number_at(now) + 1;
        let until = now + self.rules.lease();
        let ends = until + self.rules.retention();
        self.key = Some(Key { holder, number, has_other_payload, is: Is::Running { until }, ends });
        Said::Forward { number, until, is_claim: true }
    }

    /// The previous layout answers for what it has, and gives the others away for good.
    pub(super) fn begin_in_previous_layout(&mut self, attempt: u8, now: u64) -> Said {
        let life = self.rules.lease() + self.rules.retention();
        let is = self.is_at(now);
        let is_renewed = self.key.is_none_or(|key| key.ends < now + life);
        let is_own = is == Is::Free && self.key.is_some_and(|key| key.holder == attempt);
        match is {
            Is::GivenAway if !is_renewed => Said::Moved,
            Is::Nothing | Is::Free | Is::GivenAway if !is_own => {
                let (number, is) = (self.number_at(now), Is::GivenAway);
                self.key = Some(Key { holder: attempt, number, has_other_payload: false, is, ends: now + 2 * life });
                Said::Moved
            }
            // The route that moves has the same policy for what it has.
            _ => self.begin(attempt, false, now),
        }
    }

    pub(super) fn settle(&mut self, attempt: u8, of: u8, ended: Ended, now: u64) -> Said {
        let is_of_another = of != attempt;
        let Some(key) = self.key else {
            // A release leaves word for a claim that may still be on its way.
            return if ended == Ended::Released && !is_of_another {
                self.end(Key { holder: attempt, number: 0, has_other_payload: false, is: Is::Free, ends: 0 }, now)
            } else {
                Said::Absent
            };
        };
        let is_asker = key.asker() == Some(attempt) && key.holder != attempt;
        match ended {
            _ if is_of_another && key.asker() == Some(attempt) && key.holder == of => {
                self.learn(key, attempt, ended, now)
            }
            Ended::Completed(_) if is_of_another && key.holder == attempt && matches!(key.is, Is::Answered(_)) => {
                Said::Already
            }
            Ended::NotExecuted if is_of_another && key.holder == attempt && key.is == Is::Free => Said::Already,
            _ if is_of_another => Said::OtherAttempt,
            Ended::Released | Ended::Doubted if is_asker => self.learn(key, attempt, ended, now),
            Ended::Released if key.holder != attempt && matches!(key.at(now), Is::Nothing | Is::Free) => {
                self.end(Key { holder: attempt, is: Is::Free, ..key }, now)
            }
            _ if key.holder != attempt => Said::OtherAttempt,
            _ => self.settle_own(key, ended, now),
        }
    }

    /// What an attempt says of itself that holds the key.
    fn settle_own(&mut self, key: Key, ended: Ended, now: u64) -> Said {
        match (key.is, ended) {
            (Is::Running { .. } | Is::Open { .. }, Ended::Completed(answer)) => {
                self.end(Key { is: Is::Answered(answer % FEW), ..key }, now)
            }
            (Is::Running { .. }, Ended::Released) => self.end(Key { is: Is::Free, ..key }, now),
            (Is::Running { .. }, Ended::Doubted) => {
                self.end(Key { is: Is::Open { is_by_lease: false, asked: None }, ..key }, now)
            }
            (Is::Answered(_), Ended::Completed(_))
            | (Is::Free | Is::GivenAway, Ended::Released)
            | (Is::Open { .. }, Ended::Doubted) => Said::Already,
            _ => Said::OtherOutcome,
        }
    }

    /// What the origin said of the holder to the one that asked.
    fn learn(&mut self, key: Key, asker: u8, ended: Ended, now: u64) -> Said {
        match ended {
            Ended::Completed(answer) => self.end(Key { holder: asker, is: Is::Answered(answer % FEW), ..key }, now),
            Ended::NotExecuted => self.end(Key { holder: asker, is: Is::Free, ..key }, now),
            Ended::Released | Ended::Doubted => match key.is {
                Is::Open { is_by_lease, asked: Some((_, until)) } if now < until => {
                    self.key = Some(Key { is: Is::Open { is_by_lease, asked: Some((asker, now)) }, ..key });
                    Said::Done
                }
                _ => Said::Already,
            },
        }
    }

    pub(super) fn intervene(&mut self, by: u8, of: u8, wanted: Wanted, now: u64) -> Said {
        let Some(key) = self.key else { return Said::Absent };
        let is = key.at(now);
        let is_settled = !matches!(is, Is::Open { asked: Some((_, until)), .. } if now < until);
        match (is, wanted) {
            _ if key.holder == by => Said::Already,
            (Is::Nothing | Is::GivenAway, _) => Said::Refused,
            _ if key.holder != of => Said::OtherAttempt,
            (Is::Open { .. }, Wanted::Complete(answer)) if is_settled => {
                self.end(Key { holder: by, is: Is::Answered(answer % FEW), ..key }, now)
            }
            (Is::Open { .. }, Wanted::Release | Wanted::Forget) | (Is::Answered(_), Wanted::Forget) if is_settled => {
                self.end(Key { holder: by, is: Is::Free, ..key }, now)
            }
            _ => Said::Refused,
        }
    }

    /// It is kept so long from now.
    fn end(&mut self, key: Key, now: u64) -> Said {
        self.key = Some(Key { ends: now + self.rules.retention(), ..key });
        Said::Done
    }

    pub(super) fn sweep(&mut self, now: u64) {
        self.key = self.key.filter(|key| key.at(now) != Is::Nothing);
    }
}
