//! What storage holds: it is read as it was written, and what cannot be read is refused, never taken for absent.

use core::time::Duration;

use oncegate_protocol::DecodeError;
use oncegate_protocol::ids::{AttemptId, Fingerprint};
use oncegate_protocol::ledger_state::LedgerState;
use oncegate_protocol::limits;
use oncegate_protocol::quota::Usage;
use oncegate_protocol::record::{
    Begin, Claim, Counting, Intervened, Intervention, Layout, Note, OnUnknown, Order, Outcome, Record, STATE_OFFSET,
    Settle, State, Stored, Witness, begin, intervene, settle,
};
use oncegate_protocol::time::Timestamp;

/// The newest version of a record, and of what counts a scope's keys.
const VERSION: u8 = 1;
/// And of a ledger's state.
const STATE_VERSION: u8 = 2;

/// Any bytes, as a row might hold them.
pub fn check(row: &[u8]) {
    let stored = Stored::read(Some(row));
    match &stored {
        Stored::Absent => panic!("a row is taken for none"),
        Stored::Record(record) => check_record(record, row),
        Stored::Unreadable(error) => check_refused(&stored, *error, row),
    }
    check_form(STATE_VERSION, row, LedgerState::decode, LedgerState::encode);
    check_form(VERSION, row, Usage::decode, Usage::encode);
}

/// A stored form is read as it was written; less of it is not read, nor is a newer version.
fn check_form<T: PartialEq + core::fmt::Debug>(
    version: u8,
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    match decode(bytes) {
        Ok(value) => {
            let written = encode(&value);
            assert_eq!(decode(&written), Ok(value), "{written:?}");
            // Some of it, chosen by the bytes themselves.
            let cut =
                bytes.iter().fold(0, |sum: usize, byte| sum.wrapping_mul(31) + usize::from(*byte)) % written.len();
            for length in [cut, written.len() - 1] {
                assert!(decode(&written[..length]).is_err(), "{length} bytes of {written:?}");
            }
            let newer = [&[version + 1], &written[1..]].concat();
            assert_eq!(decode(&newer), Err(DecodeError::Newer { found: version + 1, known: version }));
            assert!(decode(&[&written[..], &[0]].concat()).is_err(), "with a byte more: {written:?}");
        }
        Err(error) => {
            let newer = bytes.first().filter(|found| **found > version);
            let expected = newer.map(|found| DecodeError::Newer { found: *found, known: version });
            assert!(expected.is_none_or(|expected| expected == error), "{error}");
        }
    }
}

fn check_record(record: &Record, row: &[u8]) {
    check_form(VERSION, row, Record::decode, Record::encode);
    let written = record.encode();
    if written.len() == row.len() && !is_with_idle_bytes(record) {
        assert_eq!(written, row);
    }
    let state = match record.state {
        State::InProgress { .. } => 0,
        State::Completed(_) => 1,
        State::Released => 2,
        State::Unknown(_) => 3,
        State::Moved { .. } => 4,
        State::Probing { .. } => 5,
    };
    assert_eq!(written[STATE_OFFSET], state);
    assert!(record.history.transitions().len() <= limits::HISTORY);
    for now in [0, record.expires_at.as_millis(), u64::MAX] {
        // No point in time makes a decision panic.
        let now = Timestamp::from_millis(now);
        let stored = Stored::Record(record.clone());
        let _ = (begin(&stored, &claim(), now), settle(&stored, witness(), Outcome::Released, Duration::MAX, now));
        let _ = intervene(&stored, order(), now);
    }
}

/// Some fields mean something in some cases only, and are written as zero in the others: of a doubt without status, and of a
/// body that is not in pieces.
fn is_with_idle_bytes(record: &Record) -> bool {
    let has_doubt = matches!(record.state, State::Unknown(_) | State::Probing { .. } | State::Completed(_));
    has_doubt || !record.history.transitions().is_empty()
}

/// Nobody decides anything about a record that cannot be read.
fn check_refused(stored: &Stored, error: DecodeError, row: &[u8]) {
    if let Some(found) = row.first().filter(|version| **version > VERSION) {
        assert_eq!(error, DecodeError::Newer { found: *found, known: VERSION });
    }
    let now = Timestamp::from_millis(1);
    assert_eq!(begin(stored, &claim(), now), Begin::Refuse(error));
    for outcome in [Outcome::Released, Outcome::NotExecuted] {
        assert_eq!(settle(stored, witness(), outcome, Duration::ZERO, now), Settle::Refuse(error));
    }
    assert_eq!(intervene(stored, order(), now), Intervened::Refuse(error));
}

fn claim() -> Claim {
    Claim {
        attempt: AttemptId::from_bytes([1; 16]),
        fingerprint: Fingerprint::from_bytes([2; 32]),
        lease: Duration::from_secs(35),
        retention: Duration::MAX,
        on_unknown: OnUnknown::Probe,
        layout: Layout::Current,
        max_records: 1,
        counting: Counting::Done,
    }
}

fn witness() -> Witness {
    Witness::of_itself(claim().attempt)
}

fn order() -> Order {
    Order {
        fence: claim().attempt,
        by: AttemptId::from_bytes([3; 16]),
        intervention: Intervention::Forget,
        note: Note::new("a", "b").expect("a note"),
        retention: Duration::MAX,
    }
}
