//! What is told of each keyed request, to whoever runs the gate: a line in the log, a data point, and to the client, if it asks, a header.
//! Never a key, a scope or a credential: a record is named by its id, which tells nothing about them.

use core::time::Duration;

use serde_json::{Value, json};

use crate::config::Route;
use crate::ids::{AttemptId, RecordId};
use crate::time::millis;

/// The request header with which a client asks for [`SERVER_TIMING`]: a Boolean of RFC 9651.
pub const TIMING_WISH: &str = "oncegate-timing";
/// The response header with the times (W3C, "Server Timing").
pub const SERVER_TIMING: &str = "server-timing";
/// The header that tells of which trace a request is (W3C, "Trace Context").
pub const TRACE_PARENT: &str = "traceparent";

/// Which part of something is meant: none, all, or what lies between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// All of it.
    pub const ALL: Self = Self(u32::MAX);

    /// From a number between 0 and 1; `None` for others.
    pub fn new(share: f64) -> Option<Self> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
        (0.0..=1.0).contains(&share).then(|| Self((share * f64::from(u32::MAX)).round() as u32))
    }

    /// As a number between 0 and 1.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(u32::MAX)
    }

    /// Whether this record is in it. An id is a digest, so that its beginning is as good as drawn by lot; and all requests with a key
    /// are in it, or none.
    fn has(self, record: &RecordId) -> bool {
        let [a, b, c, d, ..] = *record.as_bytes();
        self == Self::ALL || u32::from_be_bytes([a, b, c, d]) < self.0
    }
}

/// How long the parts of a request took, as far as there were any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// All of it, until the client was answered.
    pub total: Duration,
    /// Waiting for the ledger.
    pub ledger: Duration,
    /// Waiting for the head of the origin's answer.
    pub origin: Duration,
}

/// What came of a keyed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// Its route, if it is of one.
    pub route: Option<&'a Route>,
    /// Its record, if it got as far.
    pub record: Option<RecordId>,
    /// Which attempt it was to execute, if it was one, and which number that had.
    pub attempt: Option<(AttemptId, u32)>,
    /// What the client finds in `Idempotency-Status`.
    pub outcome: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// How long it took.
    pub times: Times,
    /// Its `traceparent`, as sent.
    pub trace_parent: Option<&'a str>,
}

/// Whether a request has a line in the log: in the share that its route says. One that got no record has one, unless there are none at all.
pub fn is_logged(route: Option<&Route>, record: Option<&RecordId>) -> bool {
    match (route, record) {
        (Some(route), Some(record)) => route.log.has(record),
        (Some(route), None) => is_ever_logged(route),
        (None, _) => true,
    }
}

/// Whether there may be a line in the log of a request on this route.
pub fn is_ever_logged(route: &Route) -> bool {
    route.log != Share(0)
}

impl Account<'_> {
    /// The line's details.
    pub fn line(&self) -> Value {
        let Times { total, ledger, origin } = self.times;
        json!({
            "route": self.route.map(|route| &route.name),
            "record": self.record.map(|record| record.to_string()),
            "attempt": self.attempt.map(|(id, number)| json!({ "fence": id.to_string(), "number": number })),
            "outcome": self.outcome,
            "status": self.status,
            "ms": { "total": millis(total), "ledger": millis(ledger), "origin": millis(origin) },
            "trace": self.trace_parent.and_then(trace_id),
        })
    }

    /// The texts of a data point (Cloudflare, "Workers Analytics Engine"): the route, which is also its index, and the outcome.
    pub fn texts(&self) -> [&str; 2] {
        [self.route.map_or("", |route| route.name.as_str()), self.outcome]
    }

    /// The numbers of a data point: the status, which attempt it was (0 if none), and the milliseconds in all, for the ledger and for
    /// the origin.
    pub fn numbers(&self) -> [f64; 5] {
        let Times { total, ledger, origin } = self.times;
        let in_millis = |time: Duration| time.as_secs_f64() * 1000.0;
        let attempt = self.attempt.map_or(0, |(_, number)| number);
        [self.status.into(), attempt.into(), in_millis(total), in_millis(ledger), in_millis(origin)]
    }
}

impl Times {
    /// The value of [`SERVER_TIMING`].
    pub fn server_timing(self) -> String {
        let Self { total, ledger, origin } = self;
        let part = |name: &str, time: Duration| format!("{name};dur={}", millis(time));
        [part("ledger", ledger), part("origin", origin), part("gate", total)].join(", ")
    }
}

/// Whether a client asks for the times.
pub fn wishes_times(header: Option<&str>) -> bool {
    header.is_some_and(|value| value.trim() == "?1")
}

/// The trace's id in a `traceparent` (W3C, "Trace Context", section 3.2.2); `None` where there is none that is valid.
fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_valid = version.len() == 2 && version != "ff" && id.len() == 32 && is_hex(version) && is_hex(id);
    (is_valid && id.bytes().any(|byte| byte != b'0')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Variables};

    #[test]
    fn a_share_has_as_many_records_as_it_says() {
        let record = |first: u8| RecordId::from_bytes([first; 32]);
        let count = |share: f64| (0..=255).filter(|first| Share::new(share).unwrap().has(&record(*first))).count();
        assert_eq!([count(0.0), count(0.25), count(0.5), count(1.0)], [0, 64, 128, 256]);
        assert_eq!(Share::new(1.0), Some(Share::ALL));
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::new(wrong), None, "{wrong}");
        }
        assert!((Share::new(0.01).unwrap().as_f64() - 0.01).abs() < 1e-9);
    }

    fn route(log: &str) -> Route {
        let route = format!(r#"[{{ "name": "pay", "path": "/pay", "scope": "public", "log": {log} }}]"#);
        let variables = Variables { routes: vec![("ROUTES".to_owned(), route)], ..Variables::default() };
        Config::parse(&variables).unwrap().routes.routes()[0].clone()
    }

    #[test]
    fn a_request_is_logged_if_its_record_is_in_the_routes_share() {
        let (low, high) = (RecordId::from_bytes([0; 32]), RecordId::from_bytes([255; 32]));
        let logged = |log: &str| {
            let route = route(log);
            [Some(&low), Some(&high), None].map(|record| is_logged(Some(&route), record))
        };
        assert_eq!(logged("1"), [true, true, true]);
        assert_eq!(logged("0.5"), [true, false, true]);
        assert_eq!(logged("0"), [false, false, false]);
        assert!(is_logged(None, None), "a path that can be read in two ways is of no route");
    }

    #[test]
    fn all_that_is_known_is_told_and_nothing_else() {
        let (route, at) = (route("1"), Duration::from_millis);
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let whole = Account {
            route: Some(&route),
            record: Some(RecordId::from_bytes([1; 32])),
            attempt: Some((AttemptId::from_bytes([2; 16]), 3)),
            outcome: "created",
            status: 201,
            times: Times { total: at(12), ledger: at(5), origin: at(6) },
            trace_parent: Some(trace),
        };
        let line = json!({
            "route": "pay", "record": "01".repeat(32), "attempt": { "fence": "02".repeat(16), "number": 3 }, "outcome": "created",
            "status": 201, "ms": { "total": 12, "ledger": 5, "origin": 6 }, "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        assert_eq!(whole.line(), line);
        assert_eq!(whole.texts(), ["pay", "created"]);
        assert_eq!(whole.numbers(), [201.0, 3.0, 12.0, 5.0, 6.0]);

        let times = Times::default();
        let refused = Account {
            route: None,
            record: None,
            attempt: None,
            outcome: "malformed",
            status: 400,
            times,
            trace_parent: None,
        };
        let line = json!({
            "route": null, "record": null, "attempt": null, "outcome": "malformed", "status": 400,
            "ms": { "total": 0, "ledger": 0, "origin": 0 }, "trace": null,
        });
        assert_eq!(refused.line(), line);
        assert_eq!((refused.texts(), refused.numbers()), (["", "malformed"], [400.0, 0.0, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn only_a_valid_trace_is_told() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        assert_eq!(trace_id(&format!("01-{id}-00f067aa0ba902b7-01-more")), Some(id));
        let upper = id.to_uppercase();
        let bad = [
            "",
            "00",
            &format!("00-{upper}-a-01"),
            &format!("ff-{id}-a-01"),
            "00-00000000000000000000000000000000-a-01",
        ];
        for wrong in bad {
            assert_eq!(trace_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_told_to_who_asks() {
        let at = Duration::from_millis;
        let times = Times { total: at(12), ledger: at(5), origin: at(6) };
        assert_eq!(times.server_timing(), "ledger;dur=5, origin;dur=6, gate;dur=12");
        assert!(
            wishes_times(Some("?1")) && !wishes_times(Some("?0")) && !wishes_times(Some("1")) && !wishes_times(None)
        );
    }
}
