//! Every decision about a record: each state, at each time, for each command, attempt and payload, as a table that is reviewed
//! as a diff.
//!
//! The table is `data/decision-table.txt`. After a change that is meant, `UPDATE_TABLES=1 cargo test -p oncegate-protocol` writes it
//! anew.

use core::time::Duration;
use std::fmt::Write as _;

use oncegate_protocol::ids::{AttemptId, Fingerprint, LayoutId};
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::*;
use oncegate_protocol::time::Timestamp;

use crate::golden;

const HOLDER: AttemptId = AttemptId::from_bytes([1; 16]);
const ASKER: AttemptId = AttemptId::from_bytes([2; 16]);
const OTHER: AttemptId = AttemptId::from_bytes([3; 16]);
const NEXT: LayoutId = LayoutId::from_bytes([4; 8]);
const LEASE: Duration = Duration::from_secs(35);
const RETENTION: Duration = Duration::from_secs(100);

/// When the record was written, its lease ends, if it has one, and it expires.
const WRITTEN: u64 = 1000;
const LEASE_ENDS: u64 = 1035;
const EXPIRES: u64 = 1150;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn answer(status: u16) -> Answer {
    Answer {
        status: Status::new(status).unwrap(),
        headers: Vec::new(),
        body: KeptBody::Inline { length: 1 },
        sealed_by: None,
    }
}

/// Everything that storage may hold for a key, by name. The holder is the attempt that the record names.
fn states() -> Vec<(&'static str, Stored)> {
    let record = |state| {
        Stored::Record(Record {
            fingerprint: Fingerprint::from_bytes([7; 32]),
            attempt: HOLDER,
            number: 1,
            state,
            expires_at: at(EXPIRES),
            history: History::default(),
        })
    };
    let until = at(LEASE_ENDS);
    vec![
        ("absent", Stored::Absent),
        ("in progress", record(State::InProgress { lease_until: until })),
        ("completed", record(State::Completed(answer(201)))),
        ("released", record(State::Released)),
        ("unknown", record(State::Unknown(Doubt::ConnectionLost))),
        ("probing", record(State::Probing { by: ASKER, until, doubt: Doubt::ConnectionLost })),
        ("moved", record(State::Moved { next: NEXT })),
        ("unreadable", Stored::read(Some(&[9]))),
    ]
}

const TIMES: [(&str, u64); 5] = [
    ("under way", WRITTEN + 1),
    ("lease -1", LEASE_ENDS - 1),
    ("lease", LEASE_ENDS),
    ("expiry -1", EXPIRES - 1),
    ("expiry", EXPIRES),
];

const ATTEMPTS: [(&str, AttemptId); 3] = [("holder", HOLDER), ("asker", ASKER), ("other", OTHER)];

fn table() -> String {
    let mut table = String::from(
        "# state | command | attempt | what is done at which times on\n\
         # The holder is the attempt that the record names, the asker the one that asks about it, the other a third.\n",
    );
    for (state, stored) in states() {
        let by_time: Vec<Vec<Row>> = TIMES
            .iter()
            .map(|(_, seconds)| {
                let now = at(*seconds);
                [begins(&stored, now), settles(&stored, now), intervenes(&stored, now)].concat()
            })
            .collect();
        for (index, (command, attempt, _)) in by_time[0].iter().enumerate() {
            let mut line = String::new();
            let mut last = "";
            for ((time, _), rows) in TIMES.iter().zip(&by_time) {
                let done = rows[index].2.as_str();
                if done != last {
                    write!(line, "{}{time}: {done}", if line.is_empty() { "" } else { "; " }).unwrap();
                }
                last = done;
            }
            writeln!(table, "{state} | {command} | {attempt} | {line}").unwrap();
        }
    }
    table
}

type Row = (String, String, String);

fn begins(stored: &Stored, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for (layout_name, layout) in [("", Layout::Current), (" in the previous layout", Layout::Previous { next: NEXT })] {
        for (policy_name, on_unknown) in
            [("hold", OnUnknown::Hold), ("retry", OnUnknown::Retry), ("probe", OnUnknown::Probe)]
        {
            for (payload, byte) in [("same payload", 7), ("another payload", 8)] {
                for (name, attempt) in ATTEMPTS {
                    let claim = Claim {
                        attempt,
                        fingerprint: Fingerprint::from_bytes([byte; 32]),
                        lease: LEASE,
                        retention: RETENTION,
                        on_unknown,
                        layout,
                        max_records: u32::MAX,
                        counting: Counting::Done,
                    };
                    let command = format!("begin, {policy_name}, {payload}{layout_name}");
                    rows.push((command, name.to_owned(), begun(&begin(stored, &claim, now), now)));
                }
            }
        }
    }
    rows
}

fn begun(begin: &Begin<'_>, now: Timestamp) -> String {
    let wrote =
        |write: &Option<Record>| write.as_ref().map_or(String::new(), |record| format!(" · {}", written(record, now)));
    match begin {
        Begin::Forward { number, write, .. } => format!("forward as {number}{}", wrote(write)),
        Begin::Probe { number, doubt, write, .. } => format!("probe {number}, {doubt:?}{}", wrote(write)),
        Begin::Moved { write } => format!("moved{}", wrote(write)),
        Begin::Replay { answer, .. } => format!("replay {}", answer.status.as_u16()),
        Begin::InProgress { .. } => "in progress".to_owned(),
        Begin::Unknown(doubt) => format!("unknown, {doubt:?}"),
        Begin::Mismatch => "mismatch".to_owned(),
        Begin::Elsewhere => "elsewhere".to_owned(),
        Begin::Count => "count".to_owned(),
        Begin::Full => "full".to_owned(),
        Begin::Stale => "stale".to_owned(),
        Begin::Refuse(_) => "refuse".to_owned(),
    }
}

fn settles(stored: &Stored, now: Timestamp) -> Vec<Row> {
    let outcomes = [
        ("completed", Outcome::Completed(answer(200))),
        ("released", Outcome::Released),
        ("not executed", Outcome::NotExecuted),
        ("doubted", Outcome::Doubted(Doubt::BodyCut)),
    ];
    let mut rows = Vec::new();
    for (name, outcome) in outcomes {
        let itself = ATTEMPTS.map(|(by, attempt)| (format!("{by}, of itself"), Witness::of_itself(attempt)));
        let asked = [
            ("asker, of the holder".to_owned(), Witness { attempt: ASKER, of: HOLDER }),
            ("asker, of the other".to_owned(), Witness { attempt: ASKER, of: OTHER }),
            ("other, of the holder".to_owned(), Witness { attempt: OTHER, of: HOLDER }),
        ];
        for (by, witness) in itself.into_iter().chain(asked) {
            let done = match settle(stored, witness, outcome.clone(), RETENTION, now) {
                Settle::Write(record) => format!("write · {}", written(&record, now)),
                Settle::Already => "already".to_owned(),
                Settle::Stale(reason) => format!("stale, {reason:?}"),
                Settle::Refuse(_) => "refuse".to_owned(),
            };
            rows.push((format!("settle, {name}"), by, done));
        }
    }
    rows
}

fn intervenes(stored: &Stored, now: Timestamp) -> Vec<Row> {
    let interventions = [
        ("complete", Intervention::Complete(answer(200))),
        ("release", Intervention::Release),
        ("forget", Intervention::Forget),
    ];
    let orders = [
        ("other, of the holder", OTHER, HOLDER),
        ("other, of the asker", OTHER, ASKER),
        ("holder, of the other", HOLDER, OTHER),
    ];
    let mut rows = Vec::new();
    for (name, intervention) in interventions {
        for (who, by, fence) in orders {
            let note = Note::new("alice", "found").unwrap();
            let order = Order { fence, by, intervention: intervention.clone(), note, retention: RETENTION };
            let done = match intervene(stored, order, now) {
                Intervened::Write(record) => format!("write · {}", written(&record, now)),
                Intervened::Already(_) => "already".to_owned(),
                Intervened::OtherAttempt(_) => "another attempt's".to_owned(),
                Intervened::Refused(_) => "refused".to_owned(),
                Intervened::Absent => "there is none".to_owned(),
                Intervened::Refuse(_) => "refuse".to_owned(),
            };
            rows.push((format!("operator, {name}"), who.to_owned(), done));
        }
    }
    rows
}

/// A written record: its state, who holds it, and how long it is kept.
fn written(record: &Record, now: Timestamp) -> String {
    let holder = ATTEMPTS.iter().find(|(_, id)| *id == record.attempt).map_or("nobody", |(name, _)| *name);
    let left = |until: Timestamp| until.since(now).as_secs();
    let state = match &record.state {
        State::InProgress { lease_until } => format!("in progress for {} s", left(*lease_until)),
        State::Completed(answer) => format!("completed {}", answer.status.as_u16()),
        State::Released => "released".to_owned(),
        State::Unknown(doubt) => format!("unknown, {doubt:?}"),
        State::Probing { until, .. } => format!("probing for {} s", left(*until)),
        State::Moved { .. } => "moved".to_owned(),
    };
    let kept = match record.expires_at == at(EXPIRES) {
        true => "kept as before".to_owned(),
        false => format!("kept {} s", left(record.expires_at)),
    };
    format!("{state}, held by {holder}, {kept}")
}

#[test]
fn every_decision_is_as_the_table_says() {
    golden::assert_same("decision-table.txt", &table());
}
