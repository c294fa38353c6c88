//! Records and ledger state as released versions have stored them, each of which every later version must read.
//!
//! `data/stored-forms.txt` has one form per line: a name, and its bytes in hexadecimal. A line of a released schema never changes;
//! a new schema adds lines. Until the first release `UPDATE_TABLES=1` writes the file anew.

use std::fmt::Write as _;
use std::path::Path;

use oncegate_protocol::DecodeError;
use oncegate_protocol::ids::{AttemptId, Fingerprint, LayoutId};
use oncegate_protocol::ledger_state::LedgerState;
use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::record::*;
use oncegate_protocol::retention::Generation;
use oncegate_protocol::time::Timestamp;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn records() -> Vec<(&'static str, Record)> {
    let attempt = AttemptId::from_bytes([0xaa; 16]);
    let claimed = Transition { at: at(1000), attempt_number: 1, event: Event::Claimed };
    let record = |state, then: Option<Event>| {
        let then = then.map(|event| Transition { at: at(2000), attempt_number: 1, event });
        Record {
            fingerprint: Fingerprint::from_bytes([0xff; 32]),
            attempt,
            number: 1,
            state,
            expires_at: at(9_000_000),
            history: core::iter::once(claimed.clone()).chain(then).collect(),
        }
    };
    let status = Status::new(201).unwrap();
    let answer = |body| Answer {
        status,
        headers: vec![("content-type".into(), "text/plain".into()), ("x-a".into(), "ü".into())],
        body,
        sealed_by: None,
    };
    let doubt = Doubt::Status(502);
    vec![
        ("in-progress", record(State::InProgress { lease_until: at(36_000) }, None)),
        (
            "completed-inline",
            record(State::Completed(answer(KeptBody::Inline { length: 5 })), Some(Event::Completed(status))),
        ),
        (
            "completed-in-pieces",
            record(
                State::Completed(answer(KeptBody::Pieces { length: 3_000_000, count: 4 })),
                Some(Event::Completed(status)),
            ),
        ),
        ("completed-too-large", record(State::Completed(answer(KeptBody::TooLarge)), Some(Event::Completed(status)))),
        ("released", record(State::Released, Some(Event::Released))),
        ("unknown", record(State::Unknown(doubt), Some(Event::Doubted(doubt)))),
        (
            "probing",
            record(
                State::Probing { by: AttemptId::from_bytes([0xbb; 16]), until: at(40_000), doubt },
                Some(Event::Probed),
            ),
        ),
        ("moved", record(State::Moved { next: LayoutId::from_bytes([0xcc; 8]) }, Some(Event::Moved))),
    ]
}

fn ledger() -> LedgerState {
    let mut state = LedgerState::default();
    state.generations.open(Generation { number: 3, closes_at: at(5_000), drop_after: at(10_000) });
    state.counters.forwarded = 7;
    state
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// What was stored under this name.
fn stored(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/stored-forms.txt");
    if std::env::var_os("UPDATE_TABLES").is_some() {
        let records =
            records().into_iter().map(|(name, record)| format!("record-1-{name} {}\n", hex(&record.encode())));
        // What older programs have written is not written anew.
        let older = std::fs::read_to_string(&path).unwrap();
        let older = older.lines().filter(|line| line.starts_with("ledger-1 ")).map(|line| format!("{line}\n"));
        let older: Vec<String> = older.collect();
        let forms: String = records.chain(older).chain([format!("ledger-2 {}\n", hex(&ledger().encode()))]).collect();
        std::fs::write(&path, forms).unwrap();
    }
    let forms = std::fs::read_to_string(path).unwrap();
    let form = forms.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).map(unhex);
    form.unwrap_or_default()
}

#[test]
fn every_released_form_of_a_record_is_read() {
    for (name, record) in records() {
        let stored = stored(&format!("record-1-{name}"));
        assert_eq!(Record::decode(&stored), Ok(record.clone()), "{name}");
        assert_eq!(hex(&record.encode()), hex(&stored), "{name} is written as before");
    }
}

#[test]
fn every_released_form_of_the_ledgers_state_is_read() {
    for form in ["ledger-1", "ledger-2"] {
        assert_eq!(LedgerState::decode(&stored(form)), Ok(ledger()), "{form}");
    }
    assert_eq!(hex(&ledger().encode()), hex(&stored("ledger-2")), "it is written as before");
}

#[test]
fn a_form_from_the_future_is_refused_by_what_it_says() {
    for (name, record) in records() {
        let mut future = record.encode();
        if let Some(version) = future.first_mut() {
            *version = 2;
        }
        assert_eq!(Record::decode(&future), Err(DecodeError::Newer { found: 2, known: 1 }), "{name}");
    }
}
