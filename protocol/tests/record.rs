//! What each command does to a record in each state, at each time, for each attempt and payload.

use core::time::Duration;

use oncegate_protocol::DecodeError;
use oncegate_protocol::ids::{AttemptId, Fingerprint, LayoutId, SealKeyId};
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::*;
use oncegate_protocol::time::Timestamp;

const LEASE: Duration = Duration::from_secs(35);
const RETENTION: Duration = Duration::from_secs(100);
const MINE: AttemptId = AttemptId::from_bytes([1; 16]);
const OTHER: AttemptId = AttemptId::from_bytes([2; 16]);
const SAME: Fingerprint = Fingerprint::from_bytes([3; 32]);
const NEXT: LayoutId = LayoutId::from_bytes([5; 8]);
const DIFFERENT: Fingerprint = Fingerprint::from_bytes([4; 32]);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn claim(attempt: AttemptId, fingerprint: Fingerprint, on_unknown: OnUnknown) -> Claim {
    Claim {
        attempt,
        fingerprint,
        lease: LEASE,
        retention: RETENTION,
        on_unknown,
        layout: Layout::Current,
        max_records: 10,
        counting: Counting::Done,
    }
}

fn answer(status: u16) -> Answer {
    Answer {
        status: Status::new(status).unwrap(),
        headers: vec![("x-a".into(), "1".into()), ("x-a".into(), "2".into())],
        body: KeptBody::Inline { length: 3 },
        sealed_by: None,
    }
}

fn complete(stored: &Stored, attempt: AttemptId, answer: Answer, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, Witness::of_itself(attempt), Outcome::Completed(answer), retention, now)
}

fn release(stored: &Stored, attempt: AttemptId, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, Witness::of_itself(attempt), Outcome::Released, retention, now)
}

fn doubt(stored: &Stored, attempt: AttemptId, doubt: Doubt, retention: Duration, now: Timestamp) -> Settle {
    settle(stored, Witness::of_itself(attempt), Outcome::Doubted(doubt), retention, now)
}

/// A record that `MINE` claimed at 1000 s: its lease ends at 1035 s.
fn claimed() -> Record {
    match begin(&Stored::Absent, &claim(MINE, SAME, OnUnknown::Hold), at(1000)) {
        Begin::Forward { number: 1, lease_until, write: Some(record) } if lease_until == at(1035) => record,
        other => panic!("{other:?}"),
    }
}

fn written(settle: Settle) -> Record {
    match settle {
        Settle::Write(record) => record,
        other => panic!("{other:?}"),
    }
}

fn completed() -> Record {
    written(complete(&Stored::Record(claimed()), MINE, answer(201), RETENTION, at(1001)))
}

fn released() -> Record {
    written(release(&Stored::Record(claimed()), MINE, RETENTION, at(1001)))
}

fn doubted() -> Record {
    written(doubt(&Stored::Record(claimed()), MINE, Doubt::ConnectionLost, RETENTION, at(1001)))
}

/// What has happened to a record.
fn events(record: &Record) -> Vec<Event> {
    record.history.transitions().iter().map(|transition| transition.event.clone()).collect()
}

/// What a begin comes to, in a word.
fn told(record: Record, claim: &Claim, now: Timestamp) -> String {
    match begin(&Stored::Record(record), claim, now) {
        Begin::Forward { number, write, .. } => {
            format!("forward {number}{}", if write.is_some() { "" } else { " again" })
        }
        Begin::Replay { answer, .. } => format!("replay {}", answer.status.as_u16()),
        Begin::InProgress { lease_until } => format!("in progress until {}", lease_until.as_millis() / 1000),
        Begin::Probe { fence, number, doubt, write } => {
            assert_eq!(fence, MINE);
            format!("probe {number} {doubt:?}{}", if write.is_some() { "" } else { " again" })
        }
        Begin::Mismatch => "mismatch".to_owned(),
        Begin::Unknown(doubt) => format!("unknown: {doubt:?}"),
        Begin::Moved { write } => format!("moved{}", if write.is_some() { " now" } else { "" }),
        Begin::Elsewhere => "elsewhere".to_owned(),
        Begin::Count => "count".to_owned(),
        Begin::Full => "full".to_owned(),
        Begin::Stale => "stale".to_owned(),
        Begin::Refuse(error) => format!("refuse: {error}"),
    }
}

#[test]
fn begin_in_every_state() {
    let hold = claim(OTHER, SAME, OnUnknown::Hold);
    let retry = claim(OTHER, SAME, OnUnknown::Retry);
    let different = claim(OTHER, DIFFERENT, OnUnknown::Retry);
    let again = claim(MINE, SAME, OnUnknown::Hold);
    // record, seconds, then what a duplicate gets under hold, under retry, with another payload, and the same attempt.
    type Row = (fn() -> Record, u64, [&'static str; 4]);
    let rows: [Row; 13] = [
        (claimed, 1000, ["in progress until 1035", "in progress until 1035", "mismatch", "forward 1 again"]),
        (claimed, 1034, ["in progress until 1035", "in progress until 1035", "mismatch", "forward 1 again"]),
        (claimed, 1035, ["unknown: LeaseExpired", "forward 2", "mismatch", "stale"]),
        (claimed, 1134, ["unknown: LeaseExpired", "forward 2", "mismatch", "stale"]),
        (claimed, 1135, ["forward 1", "forward 1", "forward 1", "forward 1"]),
        (completed, 1001, ["replay 201", "replay 201", "mismatch", "replay 201"]),
        (completed, 1100, ["replay 201", "replay 201", "mismatch", "replay 201"]),
        (completed, 1101, ["forward 1", "forward 1", "forward 1", "forward 1"]),
        (released, 1001, ["forward 2", "forward 2", "forward 2", "stale"]),
        (released, 1101, ["forward 1", "forward 1", "forward 1", "forward 1"]),
        (doubted, 1001, ["unknown: ConnectionLost", "forward 2", "mismatch", "stale"]),
        (doubted, 1100, ["unknown: ConnectionLost", "forward 2", "mismatch", "stale"]),
        (doubted, 1101, ["forward 1", "forward 1", "forward 1", "forward 1"]),
    ];
    for (record, seconds, expected) in rows {
        let got = [hold, retry, different, again].map(|claim| told(record(), &claim, at(seconds)));
        assert_eq!(got, expected, "at {seconds} s in {:?}", record().state);
    }
}

#[test]
fn a_record_that_cannot_be_read_is_never_taken_for_absent() {
    let newer = Stored::read(Some(&[2, 0, 0]));
    assert_eq!(newer, Stored::Unreadable(DecodeError::Newer { found: 2, known: 1 }));
    let begun = begin(&newer, &claim(MINE, SAME, OnUnknown::Retry), at(0));
    assert!(matches!(begun, Begin::Refuse(_)));
    assert!(matches!(complete(&newer, MINE, answer(200), RETENTION, at(0)), Settle::Refuse(_)));
    assert!(matches!(release(&newer, MINE, RETENTION, at(0)), Settle::Refuse(_)));
    assert!(matches!(doubt(&newer, MINE, Doubt::BodyCut, RETENTION, at(0)), Settle::Refuse(_)));
    assert!(matches!(Stored::read(Some(&[])), Stored::Unreadable(_)));
}

#[test]
fn an_attempt_ends_once_and_may_say_so_twice() {
    let now = at(1002);
    let by = |record: fn() -> Record, attempt| {
        let stored = Stored::Record(record());
        let word = |settle| match settle {
            Settle::Write(_) => "written",
            Settle::Already => "already",
            Settle::Stale(StaleReason::Gone) => "gone",
            Settle::Stale(StaleReason::OtherAttempt) => "other attempt",
            Settle::Stale(StaleReason::OtherOutcome) => "other outcome",
            Settle::Refuse(_) => "refuse",
        };
        [
            word(complete(&stored, attempt, answer(200), RETENTION, now)),
            word(release(&stored, attempt, RETENTION, now)),
            word(doubt(&stored, attempt, Doubt::BodyCut, RETENTION, now)),
        ]
    };
    assert_eq!(by(claimed, MINE), ["written", "written", "written"]);
    assert_eq!(by(completed, MINE), ["already", "other outcome", "other outcome"]);
    assert_eq!(by(released, MINE), ["other outcome", "already", "other outcome"]);
    assert_eq!(by(doubted, MINE), ["written", "other outcome", "already"]);
    for record in [claimed, completed, doubted] {
        assert_eq!(by(record, OTHER), ["other attempt"; 3]);
    }
    assert_eq!(by(released, OTHER), ["other attempt", "written", "other attempt"], "a claim of it may yet come");
    let gone = Settle::Stale(StaleReason::Gone);
    assert_eq!(complete(&Stored::Absent, MINE, answer(200), RETENTION, now), gone);
}

/// `MINE` is in doubt since 1001 s, and `OTHER` asks about it from 1002 s to 1037 s.
fn probing() -> Record {
    match begin(&Stored::Record(doubted()), &claim(OTHER, SAME, OnUnknown::Probe), at(1002)) {
        Begin::Probe { write: Some(record), .. } => record,
        other => panic!("{other:?}"),
    }
}

const THIRD: AttemptId = AttemptId::from_bytes([9; 16]);

#[test]
fn one_request_at_a_time_asks_what_became_of_another() {
    let [asks, other] = [OTHER, THIRD].map(|attempt| claim(attempt, SAME, OnUnknown::Probe));
    assert_eq!(told(doubted(), &asks, at(1002)), "probe 1 ConnectionLost");
    assert_eq!(told(claimed(), &asks, at(1036)), "probe 1 LeaseExpired");
    assert_eq!(told(doubted(), &claim(MINE, SAME, OnUnknown::Probe), at(1002)), "stale");

    assert_eq!(told(probing(), &asks, at(1003)), "probe 1 ConnectionLost again");
    assert_eq!(told(probing(), &other, at(1003)), "in progress until 1037");
    assert_eq!(told(probing(), &claim(THIRD, DIFFERENT, OnUnknown::Probe), at(1003)), "mismatch");
    assert_eq!(told(probing(), &other, at(1037)), "probe 1 ConnectionLost", "it never said what it learnt");
    assert_eq!(told(probing(), &asks, at(1037)), "stale");
    assert_eq!(told(probing(), &claim(THIRD, SAME, OnUnknown::Hold), at(1037)), "unknown: ConnectionLost");
    assert_eq!(told(probing(), &other, at(1101)), "forward 1", "asking does not prolong the record");
}

#[test]
fn what_a_probe_learns_counts_and_what_it_does_not_learn_changes_nothing() {
    let third = claim(THIRD, SAME, OnUnknown::Probe);
    let of = |attempt, of, outcome| {
        settle(&Stored::Record(probing()), Witness { attempt, of }, outcome, RETENTION, at(1003))
    };
    let asked = |outcome| of(OTHER, MINE, outcome);
    let by = |attempt, outcome| of(attempt, attempt, outcome);
    let told_then = |settled| told(written(settled), &third, at(1004));

    assert_eq!(told_then(asked(Outcome::Completed(answer(200)))), "replay 200");
    assert_eq!(told_then(asked(Outcome::NotExecuted)), "forward 2");
    assert_eq!(told_then(asked(Outcome::Doubted(Doubt::Status(500)))), "probe 1 ConnectionLost");
    assert_eq!(told_then(by(OTHER, Outcome::Released)), "probe 1 ConnectionLost", "who has not asked frees nothing");

    // The attempt in question may yet say itself how it ended, but only that it executed is news.
    assert_eq!(told_then(by(MINE, Outcome::Completed(answer(201)))), "replay 201");
    assert_eq!(by(MINE, Outcome::Doubted(Doubt::BodyCut)), Settle::Already);
    assert_eq!(by(MINE, Outcome::Released), Settle::Stale(StaleReason::OtherOutcome));
    assert_eq!(by(THIRD, Outcome::NotExecuted), Settle::Stale(StaleReason::OtherAttempt));

    // Said twice, it is a no-op the second time; and what the probe learnt stands against the attempt in question.
    for outcome in [Outcome::Completed(answer(200)), Outcome::NotExecuted, Outcome::Doubted(Doubt::BodyCut)] {
        let stored = Stored::Record(written(asked(outcome.clone())));
        let again = settle(&stored, Witness { attempt: OTHER, of: MINE }, outcome.clone(), RETENTION, at(1004));
        assert_eq!(again, Settle::Already, "{outcome:?}");
    }
    let freed = Stored::Record(written(asked(Outcome::NotExecuted)));
    assert_eq!(complete(&freed, MINE, answer(201), RETENTION, at(1004)), Settle::Stale(StaleReason::OtherAttempt));

    // Nobody but who asks may say that it was not executed.
    for record in [claimed, completed, doubted] {
        let stored = Stored::Record(record());
        let settled = settle(&stored, Witness::of_itself(MINE), Outcome::NotExecuted, RETENTION, at(1003));
        assert_eq!(settled, Settle::Stale(StaleReason::OtherOutcome));
        let of_mine = Witness { attempt: OTHER, of: MINE };
        let settled = settle(&stored, of_mine, Outcome::NotExecuted, RETENTION, at(1003));
        assert_eq!(settled, Settle::Stale(StaleReason::OtherAttempt));
    }
}

#[test]
fn what_the_origin_said_of_one_attempt_says_nothing_of_another() {
    // OTHER asked about MINE, was told that it has not executed, and freed the key; THIRD took it, and is in doubt.
    let asked = Witness { attempt: OTHER, of: MINE };
    let freed = written(settle(&Stored::Record(probing()), asked, Outcome::NotExecuted, RETENTION, at(1003)));
    let third = claim(THIRD, SAME, OnUnknown::Probe);
    let Begin::Forward { write: Some(taken), .. } = begin(&Stored::Record(freed), &third, at(1004)) else {
        panic!("not forwarded");
    };
    let doubted = written(doubt(&Stored::Record(taken), THIRD, Doubt::BodyCut, RETENTION, at(1005)));
    // Now the first tries of OTHER's frames arrive: its begin, and what it learnt of MINE.
    let late = claim(OTHER, SAME, OnUnknown::Probe);
    let Begin::Probe { fence, write: Some(probing), .. } = begin(&Stored::Record(doubted), &late, at(1006)) else {
        panic!("not probing");
    };
    assert_eq!(fence, THIRD);
    for outcome in [Outcome::NotExecuted, Outcome::Completed(answer(200))] {
        let settled = settle(&Stored::Record(probing.clone()), asked, outcome, RETENTION, at(1007));
        assert_eq!(settled, Settle::Stale(StaleReason::OtherAttempt));
    }
}

#[test]
fn a_key_given_away_is_not_claimed_here_for_as_long_as_it_is_asked_for() {
    let asked = Claim { layout: Layout::Previous { next: NEXT }, ..claim(OTHER, SAME, OnUnknown::Hold) };
    let Begin::Moved { write: Some(moved) } = begin(&Stored::Absent, &asked, at(1000)) else { panic!("not moved") };
    assert_eq!(moved.expires_at, at(1270));
    assert_eq!(told(moved.clone(), &asked, at(1135)), "moved");
    assert_eq!(told(moved.clone(), &asked, at(1136)), "moved now", "it is renewed");
    let Begin::Moved { write: Some(renewed) } = begin(&Stored::Record(moved), &asked, at(1200)) else {
        panic!("not renewed");
    };
    assert_eq!(renewed.expires_at, at(1470));
}

#[test]
fn a_claim_that_comes_after_its_own_release_takes_nothing() {
    let mine = claim(MINE, SAME, OnUnknown::Retry);
    let early = written(release(&Stored::Absent, MINE, RETENTION, at(1000)));
    assert_eq!(told(early.clone(), &mine, at(1001)), "stale");
    assert_eq!(told(early.clone(), &claim(OTHER, SAME, OnUnknown::Hold), at(1001)), "forward 1");
    assert_eq!(release(&Stored::Record(early), MINE, RETENTION, at(1001)), Settle::Already);
    assert_eq!(told(released(), &mine, at(1002)), "stale");
    assert_eq!(told(claimed(), &mine, at(1035)), "stale", "its own lease is over");
    let freed = written(release(&Stored::Record(released()), OTHER, RETENTION, at(1002)));
    assert_eq!(told(freed, &claim(OTHER, SAME, OnUnknown::Hold), at(1003)), "stale");
}

#[test]
fn a_previous_layout_answers_for_what_it_has_and_gives_all_else_away_for_good() {
    let asked = |on_unknown| Claim { layout: Layout::Previous { next: NEXT }, ..claim(OTHER, SAME, on_unknown) };
    let hold = asked(OnUnknown::Hold);
    assert_eq!(told(claimed(), &hold, at(1001)), "in progress until 1035");
    assert_eq!(told(claimed(), &hold, at(1035)), "unknown: LeaseExpired");
    assert_eq!(told(completed(), &hold, at(1002)), "replay 201");
    assert_eq!(told(doubted(), &asked(OnUnknown::Retry), at(1002)), "forward 2");
    assert_eq!(told(released(), &hold, at(1002)), "moved now");
    assert_eq!(told(completed(), &hold, at(1101)), "moved now", "it has expired");

    let Begin::Moved { write: Some(moved) } = begin(&Stored::Absent, &hold, at(1000)) else { panic!("not moved") };
    assert_eq!(told(moved.clone(), &hold, at(1001)), "moved");
    let current = claim(OTHER, DIFFERENT, OnUnknown::Retry);
    assert_eq!(told(moved.clone(), &current, at(1269)), "elsewhere", "nobody claims it here");
    let other = Claim { layout: Layout::Previous { next: LayoutId::from_bytes([6; 8]) }, ..hold };
    assert_eq!(told(moved.clone(), &other, at(1001)), "elsewhere", "nobody takes it to a third layout");
    assert_eq!(release(&Stored::Record(moved.clone()), OTHER, RETENTION, at(1001)), Settle::Already);
    assert_eq!(told(moved.clone(), &current, at(1270)), "forward 1", "when all is over");
    let late = complete(&Stored::Record(moved), OTHER, answer(200), RETENTION, at(1001));
    assert_eq!(late, Settle::Stale(StaleReason::OtherOutcome));
}

#[test]
fn a_late_completion_counts_while_nobody_else_has_claimed() {
    let late = written(complete(&Stored::Record(claimed()), MINE, answer(200), RETENTION, at(1090)));
    assert_eq!(told(late.clone(), &claim(OTHER, SAME, OnUnknown::Hold), at(1091)), "replay 200");
    let expected = [Event::Claimed, Event::Doubted(Doubt::LeaseExpired), Event::Completed(Status::new(200).unwrap())];
    assert_eq!(events(&late), expected);
    let in_time = [Event::Claimed, Event::Completed(Status::new(201).unwrap())];
    assert_eq!(events(&completed()), in_time, "nobody has doubted it");

    let Begin::Forward { write: Some(second), .. } =
        begin(&Stored::Record(claimed()), &claim(OTHER, SAME, OnUnknown::Retry), at(1040))
    else {
        panic!("the second attempt did not get the record");
    };
    let stale = complete(&Stored::Record(second), MINE, answer(200), RETENTION, at(1041));
    assert_eq!(stale, Settle::Stale(StaleReason::OtherAttempt));
}

#[test]
fn a_clock_at_its_end_does_not_overflow() {
    let end = Timestamp::from_millis(u64::MAX);
    let Begin::Forward { lease_until, .. } = begin(&Stored::Absent, &claim(MINE, SAME, OnUnknown::Hold), end) else {
        panic!("not forwarded");
    };
    assert_eq!(lease_until, end);
}

#[test]
fn every_record_is_read_as_it_was_written() {
    let pieces = Answer { body: KeptBody::Pieces { length: 3_000_000, count: 4 }, ..answer(200) };
    let sealed = Answer { sealed_by: Some(SealKeyId::from_bytes([6; 8])), ..answer(200) };
    let too_large = Answer { body: KeptBody::TooLarge, ..answer(200) };
    let with = |answer| written(complete(&Stored::Record(claimed()), MINE, answer, RETENTION, at(1001)));
    let asked = Claim { layout: Layout::Previous { next: NEXT }, ..claim(OTHER, SAME, OnUnknown::Hold) };
    let Begin::Moved { write: Some(moved) } = begin(&Stored::Absent, &asked, at(1000)) else { panic!("not moved") };
    let records =
        [claimed(), completed(), released(), doubted(), with(pieces), with(sealed), with(too_large), moved, probing()];
    for record in records {
        let stored = record.encode();
        assert_eq!(Record::decode(&stored).as_ref(), Ok(&record));
        for length in 0..stored.len() {
            assert!(Record::decode(&stored[..length]).is_err(), "{length} of {} bytes of {record:?}", stored.len());
        }
        assert!(Record::decode(&[&stored[..], &[0]].concat()).is_err());
    }
}

#[test]
fn no_bytes_make_decoding_panic() {
    let stored = completed().encode();
    for position in 0..stored.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = stored.clone();
            bytes[position] = value;
            let _ = Record::decode(&bytes);
        }
    }
}

#[test]
fn a_duplicate_waits_until_its_time_or_the_lease_is_over_and_never_in_a_crowd() {
    let stored = Stored::Record(claimed());
    let hold = claim(OTHER, SAME, OnUnknown::Hold);
    let visit = |wait| Visit { arrived_at: at(1010), wait: Duration::from_secs(wait), was_parked: false };
    let some = Crowd::default();
    let park = |seconds| Arrival::Park(Duration::from_secs(seconds));
    let in_progress = Arrival::Now(Begin::InProgress { lease_until: at(1035) });
    assert_eq!(arrive(&stored, &hold, &visit(10), some, at(1010)), park(10));
    assert_eq!(arrive(&stored, &hold, &visit(10), some, at(1015)), park(5));
    assert_eq!(arrive(&stored, &hold, &visit(10), some, at(1020)), in_progress);
    assert_eq!(arrive(&stored, &hold, &visit(60), some, at(1010)), park(25), "not past the lease");
    assert_eq!(arrive(&stored, &hold, &visit(0), some, at(1010)), in_progress);
    let crowds = [Crowd { here: 100, in_ledger: 100, records: 0 }, Crowd { here: 0, in_ledger: 1000, records: 0 }];
    for crowd in crowds {
        assert_eq!(arrive(&stored, &hold, &visit(10), crowd, at(1010)), in_progress);
    }
}

#[test]
fn a_duplicate_that_has_waited_begins_anew_before_it_may_call_the_origin() {
    let waited = Visit { arrived_at: at(1000), wait: Duration::from_secs(10), was_parked: true };
    let hold = claim(OTHER, SAME, OnUnknown::Hold);
    let freed = Stored::Record(released());
    assert_eq!(arrive(&freed, &hold, &waited, Crowd::default(), at(1002)), Arrival::Again);
    let first = Visit { was_parked: false, ..waited };
    let arrival = arrive(&freed, &hold, &first, Crowd::default(), at(1002));
    assert!(matches!(arrival, Arrival::Now(Begin::Forward { .. })));
    let unknown = Stored::Record(doubted());
    let asks = claim(OTHER, SAME, OnUnknown::Probe);
    assert_eq!(arrive(&unknown, &asks, &waited, Crowd::default(), at(1002)), Arrival::Again);
    let done = Stored::Record(completed());
    let replay = arrive(&done, &hold, &waited, Crowd::default(), at(1002));
    assert!(matches!(replay, Arrival::Now(Begin::Replay { .. })));
}

#[test]
fn a_new_key_is_counted_where_that_is_due_and_finds_room_or_not() {
    let visit = Visit { arrived_at: at(1000), wait: Duration::ZERO, was_parked: false };
    let records = |records| Crowd { records, ..Crowd::default() };
    let done = claim(OTHER, SAME, OnUnknown::Hold);
    let due = Claim { counting: Counting::Due, ..done };
    let word = |stored: &Stored, claim: &Claim, crowd| match arrive(stored, claim, &visit, crowd, at(1002)) {
        Arrival::Now(Begin::Count) => "count",
        Arrival::Now(Begin::Full) => "full",
        Arrival::Now(Begin::Forward { .. }) => "forward",
        Arrival::Now(Begin::Moved { .. }) => "moved",
        Arrival::Now(Begin::Replay { .. }) => "replay",
        _ => "other",
    };
    assert_eq!(word(&Stored::Absent, &due, records(0)), "count");
    assert_eq!(word(&Stored::Absent, &due, records(10)), "full", "there is no need to count it");
    assert_eq!(word(&Stored::Absent, &done, records(9)), "forward");
    assert_eq!(word(&Stored::Absent, &done, records(10)), "full");
    let previous = Claim { layout: Layout::Previous { next: NEXT }, ..due };
    assert_eq!(word(&Stored::Absent, &previous, records(9)), "count", "before anything is written");
    let counted = Claim { counting: Counting::Done, ..previous };
    assert_eq!(word(&Stored::Absent, &counted, records(19)), "moved", "it moves because it is full");
    assert_eq!(word(&Stored::Absent, &counted, records(20)), "full");

    assert_eq!(word(&Stored::Record(released()), &due, records(10)), "forward", "it is counted, and has its room");
    assert_eq!(word(&Stored::Record(completed()), &due, records(10)), "replay");
}

fn note() -> Note {
    Note::new("alice", "found in the bank's file").unwrap()
}

/// An operator's order about the attempt `MINE`.
fn order(intervention: Intervention) -> Order {
    Order { fence: MINE, by: OPERATOR, intervention, note: note(), retention: RETENTION }
}

fn settled_by_hand(record: Record, intervention: Intervention, now: Timestamp) -> Record {
    match intervene(&Stored::Record(record), order(intervention), now) {
        Intervened::Write(record) => record,
        other => panic!("{other:?}"),
    }
}

fn interventions() -> [Intervention; 3] {
    [Intervention::Complete(answer(200)), Intervention::Release, Intervention::Forget]
}

const OPERATOR: AttemptId = AttemptId::from_bytes([9; 16]);
const THIRD_PARTY: AttemptId = AttemptId::from_bytes([10; 16]);

#[test]
fn an_operator_settles_what_is_unknown_and_forgets_what_is_over() {
    let asked = Claim { layout: Layout::Previous { next: NEXT }, ..claim(OTHER, SAME, OnUnknown::Hold) };
    let moved = || match begin(&Stored::Absent, &asked, at(1000)) {
        Begin::Moved { write: Some(moved) } => moved,
        other => panic!("{other:?}"),
    };
    // record, seconds, then what comes of: complete, release, forget.
    type Row<'a> = (&'a dyn Fn() -> Record, u64, [&'static str; 3]);
    let rows: [Row<'_>; 14] = [
        (&claimed, 1001, ["refused", "refused", "refused"]),
        (&claimed, 1034, ["refused", "refused", "refused"]),
        (&claimed, 1035, ["replay 200", "forward 2", "forward 2"]),
        (&claimed, 1135, ["refused", "refused", "refused"]),
        (&completed, 1002, ["refused", "refused", "forward 2"]),
        (&completed, 1101, ["refused", "refused", "refused"]),
        (&released, 1002, ["refused", "refused", "refused"]),
        (&doubted, 1002, ["replay 200", "forward 2", "forward 2"]),
        (&doubted, 1100, ["replay 200", "forward 2", "forward 2"]),
        (&doubted, 1101, ["refused", "refused", "refused"]),
        (&probing, 1003, ["refused", "refused", "refused"]),
        (&probing, 1037, ["replay 200", "forward 2", "forward 2"]),
        (&moved, 1002, ["refused", "refused", "refused"]),
        (&moved, 1135, ["refused", "refused", "refused"]),
    ];
    for (record, seconds, expected) in rows {
        let stored = Stored::Record(record());
        let word = |intervention| match intervene(&stored, order(intervention), at(seconds)) {
            Intervened::Write(written) => {
                assert_eq!(written.attempt, OPERATOR);
                assert_eq!(written.expires_at, at(seconds).after(RETENTION));
                told(written, &claim(OTHER, SAME, OnUnknown::Hold), at(seconds))
            }
            Intervened::Refused(_) => "refused".to_owned(),
            other => format!("{other:?}"),
        };
        let got = interventions().map(word);
        assert_eq!(got, expected, "at {seconds} s in {:?}", record().state);
    }
    assert_eq!(intervene(&Stored::Absent, order(Intervention::Forget), at(1)), Intervened::Absent);
    let newer = Stored::read(Some(&[2, 0]));
    let refused = intervene(&newer, order(Intervention::Forget), at(1));
    assert!(matches!(refused, Intervened::Refuse(DecodeError::Newer { .. })));
}

#[test]
fn what_an_operator_has_settled_is_told_with_who_and_why_and_another_payload_is_still_a_mismatch() {
    let record = settled_by_hand(claimed(), Intervention::Complete(answer(201)), at(1040));
    let events = events(&record);
    let resolved = Event::Resolved { status: Status::new(201), note: note() };
    assert_eq!(events, [Event::Claimed, Event::Doubted(Doubt::LeaseExpired), resolved]);
    assert_eq!(told(record, &claim(OTHER, DIFFERENT, OnUnknown::Retry), at(1041)), "mismatch");

    let forgotten = settled_by_hand(completed(), Intervention::Forget, at(1040));
    assert_eq!(forgotten.state, State::Released);
    assert_eq!(forgotten.history.transitions().last().map(|last| last.event.clone()), Some(Event::Forgotten(note())));
    assert_eq!(told(forgotten, &claim(OTHER, DIFFERENT, OnUnknown::Hold), at(1041)), "forward 2");
}

#[test]
fn what_an_attempt_brings_after_an_operator_has_settled_is_refused() {
    let late = |intervention| {
        let stored = Stored::Record(settled_by_hand(doubted(), intervention, at(1040)));
        [
            complete(&stored, MINE, answer(200), RETENTION, at(1041)),
            doubt(&stored, MINE, Doubt::BodyCut, RETENTION, at(1041)),
        ]
    };
    for intervention in interventions() {
        assert_eq!(
            late(intervention),
            [Settle::Stale(StaleReason::OtherAttempt), Settle::Stale(StaleReason::OtherAttempt)]
        );
    }
}

#[test]
fn an_operators_command_may_be_sent_again() {
    for intervention in interventions() {
        let stored = Stored::Record(settled_by_hand(doubted(), intervention.clone(), at(1040)));
        let again = intervene(&stored, order(intervention), at(1041));
        assert!(matches!(again, Intervened::Already(_)), "{again:?}");
    }
}

/// The second attempt at the same key, as `OTHER`: under way, known, and not known.
fn next_attempt(free: Record) -> [Record; 3] {
    let claim = claim(OTHER, SAME, OnUnknown::Retry);
    let Begin::Forward { number: 2, write: Some(claimed), .. } = begin(&Stored::Record(free), &claim, at(1050)) else {
        panic!("not forwarded")
    };
    let stored = Stored::Record(claimed.clone());
    let completed = written(complete(&stored, OTHER, answer(201), RETENTION, at(1051)));
    let doubted = written(doubt(&stored, OTHER, Doubt::ConnectionLost, RETENTION, at(1051)));
    [claimed, completed, doubted]
}

#[test]
fn what_an_operator_said_of_one_attempt_is_done_to_no_other() {
    // Freed by an operator whose command comes again when the key has been claimed anew, and, without any operator, by
    // `on_unknown = "retry"`, after an operator has looked.
    for free in [settled_by_hand(doubted(), Intervention::Release, at(1040)), doubted()] {
        for record in next_attempt(free) {
            let stored = Stored::Record(record.clone());
            for intervention in interventions() {
                let got = intervene(&stored, order(intervention), at(1052));
                assert_eq!(got, Intervened::OtherAttempt(&record));
            }
        }
    }
}

#[test]
fn of_two_operators_who_have_seen_the_same_attempt_one_is_heard() {
    for first in interventions() {
        let settled = settled_by_hand(doubted(), first, at(1040));
        let stored = Stored::Record(settled.clone());
        for intervention in interventions() {
            let second = Order { by: THIRD_PARTY, ..order(intervention) };
            assert_eq!(intervene(&stored, second, at(1041)), Intervened::OtherAttempt(&settled));
        }
    }
}

#[test]
fn what_a_probe_has_learnt_is_not_undone_by_who_has_seen_only_the_doubt() {
    let asked = Witness { attempt: OTHER, of: MINE };
    let stored = Stored::Record(probing());
    let learnt = written(settle(&stored, asked, Outcome::Completed(answer(201)), RETENTION, at(1003)));
    let stored = Stored::Record(learnt.clone());
    for intervention in interventions() {
        assert_eq!(intervene(&stored, order(intervention), at(1004)), Intervened::OtherAttempt(&learnt));
    }
}
