//! A record in storage, to which the shipped decisions are applied, beside the model and the promises.

use core::time::Duration;

use oncegate_protocol::ids::{AttemptId, Fingerprint, LayoutId};
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::{
    Answer, Arrival, Begin, Claim, Counting, Crowd, Intervened, Intervention, KeptBody, Layout, Note, OnUnknown, Order,
    Outcome, Record, Settle, StaleReason, Stored, View, Visit, Witness, arrive, begin, intervene, settle,
};
use oncegate_protocol::time::Timestamp;

use super::model::{Model, Said};
use super::promises::Promises;
use super::{Ended, FEW, OnUnknownRule, Rules, Step, Wanted};

pub(super) struct World {
    rules: Rules,
    /// What storage holds.
    row: Option<Vec<u8>>,
    now: u64,
    model: Model,
    promises: Promises,
}

impl World {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, row: None, now: 1_000, model: Model::new(rules), promises: Promises::default() }
    }

    /// Carries a step out, and compares what comes of it.
    pub(super) fn take(&mut self, step: Step) {
        self.promises.look(self.now);
        self.carry_out(step);
        self.compare();
    }

    fn carry_out(&mut self, step: Step) {
        let (few, now) = (|number: u8| number % FEW, self.now);
        match step {
            Step::Begin { attempt, has_other_payload } => {
                let expected = self.model.begin(few(attempt), has_other_payload, now);
                let said = self.begin(few(attempt), has_other_payload, Layout::Current);
                assert_eq!(said, expected);
                self.promises.begun(few(attempt), said, self.rules, now);
            }
            Step::BeginInPreviousLayout { attempt } => {
                let expected = self.model.begin_in_previous_layout(few(attempt), now);
                let said = self.begin(few(attempt), false, Layout::Previous { next: NEXT });
                assert_eq!(said, expected);
                self.promises.begun(few(attempt), said, self.rules, now);
            }
            Step::Settle { attempt, ended } => self.settle(few(attempt), few(attempt), ended),
            Step::SettleAnother { attempt, of, ended } => self.settle(few(attempt), few(of), ended),
            Step::Intervene { by, of, wanted } => self.intervene(few(by) + FEW, of % (2 * FEW), wanted),
            Step::Wait(ticks) => self.now += u64::from(ticks),
            Step::PutBack(ticks) => self.now -= u64::from(ticks).min(self.now),
            Step::Sweep => {
                let is_over =
                    |row: &Vec<u8>| Record::decode(row).unwrap().view(Timestamp::from_millis(now)) == View::Absent;
                if self.row.as_ref().is_some_and(is_over) {
                    self.row = None;
                }
                self.model.sweep(now);
            }
            Step::Unreadable => self.check_refused(),
        }
    }

    fn stored(&self) -> Stored {
        Stored::read(self.row.as_deref())
    }

    fn write(&mut self, record: &Record) {
        self.row = Some(record.encode());
    }

    fn begin(&mut self, attempt: u8, has_other_payload: bool, layout: Layout) -> Said {
        let claim = self.claim(attempt, has_other_payload, layout);
        let (stored, now) = (self.stored(), Timestamp::from_millis(self.now));
        let begun = begin(&stored, &claim, now);
        let visit = Visit { arrived_at: now, wait: Duration::ZERO, was_parked: false };
        assert_eq!(arrive(&stored, &claim, &visit, Crowd::default(), now), Arrival::Now(begun.clone()));
        let (said, write) = match begun {
            Begin::Forward { number, lease_until, write } => {
                (Said::Forward { number, until: lease_until.as_millis(), is_claim: write.is_some() }, write)
            }
            Begin::Replay { answer, attempt, .. } => {
                (Said::Replay { answer: number_of(answer), by: attempt.as_bytes()[0] }, None)
            }
            Begin::InProgress { lease_until } => (Said::InProgress { until: lease_until.as_millis() }, None),
            Begin::Probe { fence, number, doubt, write } => {
                (Said::Probe { of: fence.as_bytes()[0], number, is_by_lease: doubt == Doubt::LeaseExpired }, write)
            }
            Begin::Mismatch => (Said::Mismatch, None),
            Begin::Unknown(doubt) => (Said::Unknown { is_by_lease: doubt == Doubt::LeaseExpired }, None),
            Begin::Moved { write } => (Said::Moved, write),
            Begin::Elsewhere => (Said::Elsewhere, None),
            Begin::Stale => (Said::Stale, None),
            Begin::Count | Begin::Full | Begin::Refuse(_) => panic!("{begun:?}"),
        };
        if let Some(record) = write {
            self.write(&record);
        }
        said
    }

    fn settle(&mut self, attempt: u8, of: u8, ended: Ended) {
        let expected = self.model.settle(attempt, of, ended, self.now);
        let settled = settle(
            &self.stored(),
            witness(attempt, of),
            outcome(ended),
            self.retention(),
            Timestamp::from_millis(self.now),
        );
        let said = match settled {
            Settle::Write(record) => {
                self.write(&record);
                Said::Done
            }
            Settle::Already => Said::Already,
            Settle::Stale(StaleReason::Gone) => Said::Absent,
            Settle::Stale(StaleReason::OtherAttempt) => Said::OtherAttempt,
            Settle::Stale(StaleReason::OtherOutcome) => Said::OtherOutcome,
            Settle::Refuse(error) => panic!("{error}"),
        };
        assert_eq!(said, expected);
        self.promises.settled(attempt, of, ended, said, self.rules, self.now);
    }

    fn intervene(&mut self, by: u8, of: u8, wanted: Wanted) {
        let expected = self.model.intervene(by, of, wanted, self.now);
        let stored = self.stored();
        let (said, write) = match intervene(&stored, self.order(by, of, wanted), Timestamp::from_millis(self.now)) {
            Intervened::Write(record) => (Said::Done, Some(record)),
            Intervened::Already(_) => (Said::Already, None),
            Intervened::OtherAttempt(_) => (Said::OtherAttempt, None),
            Intervened::Refused(_) => (Said::Refused, None),
            Intervened::Absent => (Said::Absent, None),
            Intervened::Refuse(error) => panic!("{error}"),
        };
        assert_eq!(said, expected);
        if let Some(record) = write {
            self.write(&record);
        }
        self.promises.intervened(wanted, said, self.rules, self.now);
    }

    /// A row that cannot be read is never taken for absent (P5).
    fn check_refused(&self) {
        let Some(row) = &self.row else { return };
        let stored = Stored::read(Some(&[&[2], &row[1..]].concat()));
        let now = Timestamp::from_millis(self.now);
        assert!(matches!(begin(&stored, &self.claim(0, false, Layout::Current), now), Begin::Refuse(_)));
        let settled = settle(&stored, witness(0, 0), Outcome::Released, self.retention(), now);
        assert!(matches!(settled, Settle::Refuse(_)));
        assert!(matches!(intervene(&stored, self.order(9, 0, Wanted::Forget), now), Intervened::Refuse(_)));
    }

    /// Storage holds what the model says.
    fn compare(&self) {
        let stored = match self.stored() {
            Stored::Record(record) => {
                Some((record.attempt.as_bytes()[0], record.number, record.expires_at.as_millis()))
            }
            Stored::Absent => None,
            Stored::Unreadable(error) => panic!("{error}"),
        };
        assert_eq!(stored, self.model.written());
    }

    fn retention(&self) -> Duration {
        Duration::from_millis(self.rules.retention())
    }

    fn claim(&self, attempt: u8, has_other_payload: bool, layout: Layout) -> Claim {
        Claim {
            attempt: attempt_id(attempt),
            fingerprint: Fingerprint::from_bytes([u8::from(has_other_payload); 32]),
            lease: Duration::from_millis(self.rules.lease()),
            retention: self.retention(),
            on_unknown: match self.rules.on_unknown {
                OnUnknownRule::Hold => OnUnknown::Hold,
                OnUnknownRule::Retry => OnUnknown::Retry,
                OnUnknownRule::Probe => OnUnknown::Probe,
            },
            layout,
            max_records: u32::MAX,
            counting: Counting::Done,
        }
    }

    fn order(&self, by: u8, of: u8, wanted: Wanted) -> Order {
        let intervention = match wanted {
            Wanted::Complete(number) => Intervention::Complete(answer(number)),
            Wanted::Release => Intervention::Release,
            Wanted::Forget => Intervention::Forget,
        };
        let note = Note::new("somebody", "for a reason").expect("a note");
        Order { fence: attempt_id(of), by: attempt_id(by), intervention, note, retention: self.retention() }
    }
}

const NEXT: LayoutId = LayoutId::from_bytes([7; 8]);

fn attempt_id(attempt: u8) -> AttemptId {
    AttemptId::from_bytes([attempt; 16])
}

fn witness(attempt: u8, of: u8) -> Witness {
    Witness { attempt: attempt_id(attempt), of: attempt_id(of) }
}

fn outcome(ended: Ended) -> Outcome {
    match ended {
        Ended::Completed(number) => Outcome::Completed(answer(number)),
        Ended::Released => Outcome::Released,
        Ended::NotExecuted => Outcome::NotExecuted,
        Ended::Doubted => Outcome::Doubted(Doubt::BodyCut),
    }
}

/// An answer that is told from others by its length.
fn answer(number: u8) -> Answer {
    let length = u32::from(number % FEW);
    let headers = vec![("x-number".to_owned(), length.to_string())];
    Answer { status: Status::new(201).expect("a status"), headers, body: KeptBody::Inline { length }, sealed_by: None }
}

/// Which of them it is, byte for byte.
fn number_of(found: &Answer) -> u8 {
    (0..FEW).find(|number| answer(*number) == *found).expect("it was given once")
}
