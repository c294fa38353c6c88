//! What clients are told, to the letter: other programs look for it.

use core::time::Duration;

use oncegate_protocol::outcome::{Doubt, Status};
use oncegate_protocol::problem::{Problem, documentation};

use crate::golden;

const DETAIL: &str = "what was wrong with it";

fn status(code: u16) -> Status {
    Status::new(code).unwrap()
}

/// One of each that can be made.
fn problems() -> Vec<Problem> {
    let doubts = [
        Doubt::LeaseExpired,
        Doubt::OriginTimeout,
        Doubt::ConnectionLost,
        Doubt::BodyCut,
        Doubt::NotRecorded,
        Doubt::Status(502),
        Doubt::Status(504),
    ];
    let others = [
        Problem::in_progress(),
        Problem::mismatch(),
        Problem::missing(DETAIL),
        Problem::malformed(DETAIL),
        Problem::unscoped(DETAIL),
        Problem::invalid_token(DETAIL),
        Problem::not_stored(status(201)),
        Problem::unavailable(),
        Problem::no_keys(),
        Problem::too_large(1_048_576),
        Problem::headers_too_large(257, 65_537),
        Problem::limited(Duration::from_millis(59_001)),
        Problem::limited(Duration::MAX),
        Problem::full(),
        Problem::misconfigured(),
    ];
    doubts.map(Problem::unknown).into_iter().chain(others).collect()
}

#[test]
fn problems_are_as_they_are_documented() {
    let told = |problem: Problem| golden::answer(problem.status(), &problem.headers(), &problem.body()) + "\n";
    golden::assert_same("problems.txt", &problems().into_iter().map(told).collect::<String>());
}

#[test]
fn the_page_that_explains_them() {
    golden::assert_same("problems.html", &documentation());
}
