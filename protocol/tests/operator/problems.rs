//! What an operator is told where there is nothing to be had, to the letter.

use super::*;
use crate::golden;

/// What a route's ledger says of a record, and what the operator is told then.
fn said(report: Report) -> Problem {
    let mut findings = Findings::default();
    findings.take(&Place { ledger: "payments/8/0".to_owned(), id: id(0, 1) }, report);
    findings.finish(&payments(json!({})).routes.routes()[0]).unwrap_err()
}

/// A record that stands in each of the ways there are.
fn records() -> Vec<Record> {
    let answer =
        Answer { status: Status::new(201).unwrap(), headers: Vec::new(), body: KeptBody::TooLarge, sealed_by: None };
    let probing = State::Probing { by: AttemptId::from_bytes([8; 16]), until: at(300), doubt: Doubt::BodyCut };
    vec![
        record(State::Released, 100),
        record(State::InProgress { lease_until: at(300) }, 1000),
        record(probing, 1000),
        record(State::Completed(answer), 1000),
        record(State::Released, 1000),
        unknown(),
        record(State::Moved { next: LayoutId::from_bytes([7; 8]) }, 1000),
    ]
}

/// One of each that can be made.
fn problems() -> Vec<Problem> {
    let config = payments(json!({}));
    let asked = [
        ("GET", "nothing"),
        ("GET", "routes/orders/counters"),
        ("PUT", "config"),
        ("GET", "routes/payments/records/find"),
        ("GET", "routes/payments/records/1"),
    ];
    let nobody = |_: &str| None;
    let url = RequestUrl::parse("https://edge.example/_oncegate/config");
    let head = RequestHead { method: "GET", url, header: &nobody, certificate: &|| None };
    let unauthorized = admit(&config, config.admin_token.as_ref().unwrap(), &head).unwrap_err();
    let others = [
        Problem::too_large(),
        Problem::broken_off(),
        Problem::unavailable("payments/8/0"),
        Findings::default().finish(&config.routes.routes()[0]).unwrap_err(),
        said(Report::Nothing),
        said(Report::Unreadable(String::new())),
        said(Report::Unreadable("it is of version 9".to_owned())),
        said(Report::NotUnderstood),
    ];
    let now = at(200);
    let refused = records().into_iter().map(|record| said(Report::Refused { now, record: Box::new(record) }));
    let asked = asked.iter().map(|(method, path)| ask(&config, method, path).unwrap_err());
    let other_attempt = said(Report::OtherAttempt { now, record: Box::new(unknown()) });
    core::iter::once(unauthorized).chain(asked).chain(others).chain(refused).chain([other_attempt]).collect()
}

#[test]
fn problems_are_as_they_are_documented() {
    let told = |problem: Problem| golden::answer(problem.status(), &problem.headers(), &problem.body());
    golden::assert_same("operator-problems.txt", &problems().into_iter().map(told).collect::<String>());
}
