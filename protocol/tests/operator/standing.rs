//! Where a record is looked for, since when it stands as it does, and what is made of a body that is sealed.

use oncegate_protocol::ids::SealKeyId;
use oncegate_protocol::seal::{Seal, Unopenable};
use oncegate_protocol::wire::Entry;

use super::*;

#[test]
fn a_record_is_looked_for_in_the_previous_layout_first() {
    let config = payments(json!({ "shards": { "count": 1, "previous": 2 }, "renamed_from": "charges" }));
    let found = places(&config.routes.routes()[0], id(1, 1));
    assert!(found.iter().all(|place| place.id == id(1, 1)));
    let ledgers: Vec<&str> = found.iter().map(|place| place.ledger.as_str()).collect();
    assert_eq!(ledgers, ["charges/2/1", "payments/1/0"]);
}

#[test]
fn since_when_a_record_stands_as_it_does() {
    let held = |until| State::InProgress { lease_until: at(until) };
    let probing =
        |until| State::Probing { by: AttemptId::from_bytes([8; 16]), until: at(until), doubt: Doubt::BodyCut };
    let body_cut = || Event::Doubted(Doubt::BodyCut);
    // How it is stored, when it expires, what has happened to it a second after the other, how it stands after 200 of them,
    // and since when.
    let rows = [
        (held(300), 1000, vec![Event::Claimed], "in-progress", Some(1)),
        (held(150), 1000, vec![Event::Claimed], "unknown", Some(150)),
        (held(50), 100, vec![Event::Claimed], "expired", Some(100)),
        (State::Unknown(Doubt::BodyCut), 1000, vec![Event::Claimed, body_cut()], "unknown", Some(2)),
        (probing(300), 1000, vec![Event::Claimed, body_cut(), Event::Probed], "in-progress", Some(2)),
        (probing(100), 1000, vec![Event::Claimed, body_cut(), Event::Probed], "unknown", Some(2)),
        (State::Released, 1000, vec![Event::Claimed, Event::Released], "released", Some(2)),
        (State::Released, 1000, vec![], "released", None),
    ];
    for (state, expires_at, events, stands, since) in rows {
        let transition = |(event, seconds)| Transition { at: at(seconds), attempt_number: 1, event };
        let history = events.into_iter().zip(1..).map(transition).collect();
        let record = Record { history, ..record(state, expires_at) };
        let shown = show::entry("payments/8/0", &Entry { id: id(0, 1), now: at(200), record: record.clone() });
        assert_eq!(shown["state"], stands, "{record:?}");
        assert_eq!(shown["since"], json!(since.map(|since| show::time(at(since)))), "{record:?}");
    }
}

/// A record of a completed attempt as it is found, with this body.
fn completed(sealed_by: Option<SealKeyId>, kept: KeptBody, body: ShownBody) -> Standing {
    let answer = Answer { status: Status::new(201).unwrap(), headers: Vec::new(), body: kept, sealed_by };
    standing(record(State::Completed(answer), 1000), body)
}

fn standing(record: Record, body: ShownBody) -> Standing {
    let mut findings = Findings::default();
    let place = Place { ledger: "payments/8/0".to_owned(), id: id(0, 1) };
    findings.take(&place, Report::Found { now: at(200), record: Box::new(record), body });
    findings.finish(&payments(json!({})).routes.routes()[0]).unwrap()
}

#[test]
fn only_a_sealed_body_that_is_there_is_opened() {
    let key = SealKeyId::from_bytes([5; 8]);
    let inline = KeptBody::Inline { length: 17 };
    let bytes = || ShownBody::Bytes(vec![3; 17]);
    let sealed = completed(Some(key), inline, bytes());
    let seal = Seal { key, attempt: AttemptId::from_bytes([9; 16]), length: 17 };
    assert_eq!(sealed.sealed(), Some((seal, Status::new(201).unwrap(), [3; 17].as_slice())));
    for other in [
        completed(None, inline, bytes()),
        completed(Some(key), inline, ShownBody::None),
        completed(Some(key), inline, ShownBody::TooLarge),
        completed(Some(key), KeptBody::TooLarge, bytes()),
        standing(unknown(), bytes()),
    ] {
        assert_eq!(other.sealed(), None, "{other:?}");
    }
}

#[test]
fn a_body_is_shown_opened_or_with_the_reason_why_not() {
    let config = payments(json!({}));
    let key = SealKeyId::from_bytes([5; 8]);
    let shown = |plain| {
        let sealed = completed(Some(key), KeptBody::Inline { length: 18 }, ShownBody::Bytes(vec![3; 18]));
        let shown = show::record(&config.routes.routes()[0], &sealed.opened(plain));
        ["body", "body_base64", "body_not_shown"].map(|name| shown["response"][name].clone())
    };
    assert_eq!(shown(Ok(b"ok".to_vec())), [json!("ok"), json!("b2s="), Value::Null]);
    let reason = "It cannot be opened: segment 0 is not what was sealed.";
    assert_eq!(shown(Err(Unopenable::Altered(0))), [Value::Null, Value::Null, json!(reason)]);
}
