//! What an answer of the origin means for the record.

use core::time::Duration;

/// A final HTTP status that can be answered again later: 200 to 599 (RFC 9110, section 15; 1xx are interim and never
/// reach the Worker).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

impl Status {
    /// From a number, or `None` outside 200 to 599.
    pub const fn new(status: u16) -> Option<Self> {
        match status {
            200..=599 => Some(Self(status)),
            _ => None,
        }
    }

    /// As a number.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether a response with this status has no body by definition (RFC 9110, section 6.4.1, for those in range).
    pub const fn forbids_body(self) -> bool {
        matches!(self.0, 204 | 205 | 304)
    }
}

/// What is to become of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The origin has decided: keep its answer, which has this status, and replay it.
    Store(Status),
    /// The origin is known not to have executed: free the key for the next try.
    Release,
    /// It may have executed or not.
    Unknown(Doubt),
}

/// Why it is not known whether the origin executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// The Worker that had the lease never said how it ended.
    LeaseExpired,
    /// The origin did not answer within `timeout`.
    OriginTimeout,
    /// The call failed; a failed call never proves that nothing was sent.
    ConnectionLost,
    /// The answer's body broke off.
    BodyCut,
    /// The answer could not be brought to the ledger.
    NotRecorded,
    /// A status that leaves it open, such as 502.
    Status(u16),
}

impl Doubt {
    /// The status that a client gets: 504 where something took too long, 502 otherwise (RFC 9110, 15.6.3 and 15.6.5).
    pub const fn client_status(self) -> u16 {
        match self {
            Self::LeaseExpired | Self::OriginTimeout | Self::Status(504 | 522 | 524) => 504,
            Self::ConnectionLost | Self::BodyCut | Self::NotRecorded | Self::Status(_) => 502,
        }
    }
}

/// What the origin is asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// To answer a client's request: what it decides, also against it, is its answer.
    #[default]
    Request,
    /// To take an event: it has when it says so, and its sender sends it again otherwise.
    Event,
}

/// The statuses to which a route gives another class than the default. No status is in two of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// What is asked of the origin, which the default class depends on.
    pub asked: Asked,
    /// Kept.
    pub store: Vec<u16>,
    /// The origin did not execute.
    pub release: Vec<u16>,
    /// It may have.
    pub unknown: Vec<u16>,
}

/// Says what an answer with this status means.
///
/// `not_to_be_stored` is whether the origin said `Oncegate-Store: no`, by which it declares that it did not execute.
pub fn classify(status: u16, not_to_be_stored: bool, overrides: &Overrides) -> Class {
    let Some(valid) = Status::new(status) else {
        // Nothing that could be replayed.
        return Class::Unknown(Doubt::Status(status));
    };
    if not_to_be_stored || overrides.release.contains(&status) {
        return Class::Release;
    }
    if overrides.store.contains(&status) {
        return Class::Store(valid);
    }
    if overrides.unknown.contains(&status) {
        return Class::Unknown(Doubt::Status(status));
    }
    match status {
        // Refused before anything was done, by the origin or by the edge before it sent anything.
        401 | 403 | 407 | 408 | 421 | 425 | 429 | 503 | 521 | 523 | 525 | 526 | 530 => Class::Release,
        // Said by something between the edge and the application, which may or may not have passed the request on.
        502 | 504 | 520 | 522 | 524 => Class::Unknown(Doubt::Status(status)),
        // Whoever sends events takes every other status for "not taken", and sends it again.
        300.. if overrides.asked == Asked::Event => Class::Release,
        _ => Class::Store(valid),
    }
}

/// What the origin's answer to the question means whether it has executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It has, and this is the answer: keep it, and replay it.
    Executed(Status),
    /// It has not: the key is free.
    NotExecuted,
    /// It does not say.
    Open,
}

/// Says what an answer with this status to a probe means: success is what came of the request, 404 says that nothing did
/// (RFC 9110, section 15.5.5), and all else leaves it open. So does an answer that is not to be stored.
pub fn classify_probe(status: u16, not_to_be_stored: bool) -> Finding {
    match Status::new(status) {
        Some(valid) if status < 300 && !not_to_be_stored => Finding::Executed(valid),
        Some(_) if status == 404 => Finding::NotExecuted,
        _ => Finding::Open,
    }
}

/// What the origin says about the record in its answer's headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OriginWishes {
    /// `Oncegate-Store: no`: it did not execute, do not keep this answer.
    pub not_to_be_stored: bool,
    /// `Oncegate-TTL: 1h`: keep this answer that long.
    pub ttl: Option<Duration>,
}

impl OriginWishes {
    /// Reads the two headers. A value that is not understood counts as not said.
    pub fn read(headers: &[(String, String)]) -> Self {
        let value = |wanted: &str| {
            headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        Self {
            not_to_be_stored: value("oncegate-store").is_some_and(|value| value.eq_ignore_ascii_case("no")),
            ttl: value("oncegate-ttl")
                .and_then(|value| humantime::parse_duration(value).ok())
                .filter(|ttl| !ttl.is_zero() && *ttl <= crate::limits::TTL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_class_that_the_design_gives_it() {
        let release = [401, 403, 407, 408, 421, 425, 429, 503, 521, 523, 525, 526, 530];
        let unknown = [502, 504, 520, 522, 524];
        let default = Overrides::default();
        for status in 0..=u16::MAX {
            let (expected, if_refused) = match Status::new(status) {
                None => (Class::Unknown(Doubt::Status(status)), Class::Unknown(Doubt::Status(status))),
                Some(_) if release.contains(&status) => (Class::Release, Class::Release),
                Some(_) if unknown.contains(&status) => (Class::Unknown(Doubt::Status(status)), Class::Release),
                Some(valid) => (Class::Store(valid), Class::Release),
            };
            assert_eq!(classify(status, false, &default), expected, "{status}");
            assert_eq!(classify(status, true, &default), if_refused, "{status}");
        }
    }

    #[test]
    fn a_route_may_give_a_status_another_class() {
        let overrides = Overrides { asked: Asked::Request, store: vec![503], release: vec![409], unknown: vec![500] };
        let class = |status| classify(status, false, &overrides);
        assert_eq!(class(503), Class::Store(Status::new(503).unwrap()));
        assert_eq!(class(409), Class::Release);
        assert_eq!(class(500), Class::Unknown(Doubt::Status(500)));
        assert_eq!(class(200), Class::Store(Status::new(200).unwrap()));
        assert_eq!(classify(503, true, &overrides), Class::Release, "the origin knows best");
    }

    #[test]
    fn only_success_and_404_answer_a_probe() {
        for status in 0..=u16::MAX {
            let expected = match status {
                200..300 => Finding::Executed(Status::new(status).unwrap()),
                404 => Finding::NotExecuted,
                _ => Finding::Open,
            };
            assert_eq!(classify_probe(status, false), expected, "{status}");
        }
        assert_eq!(classify_probe(200, true), Finding::Open);
    }

    #[test]
    fn only_502_and_504_are_answered_for_an_unknown_outcome() {
        assert_eq!(Doubt::Status(520).client_status(), 502);
        assert_eq!(Doubt::Status(524).client_status(), 504);
        assert_eq!(Doubt::LeaseExpired.client_status(), 504);
        assert_eq!(Doubt::ConnectionLost.client_status(), 502);
    }

    #[test]
    fn wishes_of_the_origin_are_read_and_nonsense_is_not() {
        let read = |name: &str, value: &str| OriginWishes::read(&[(name.into(), value.into())]);
        assert!(read("oncegate-store", "no").not_to_be_stored);
        assert!(read("Oncegate-Store", " NO ").not_to_be_stored);
        assert!(!read("oncegate-store", "yes").not_to_be_stored);
        assert_eq!(read("oncegate-ttl", "1h").ttl, Some(Duration::from_secs(3600)));
        assert_eq!(read("oncegate-ttl", "soon").ttl, None);
        assert_eq!(read("oncegate-ttl", "9000years").ttl, None);
    }

    #[test]
    fn an_event_is_taken_when_the_origin_says_so_and_not_by_another_answer() {
        let class = |status, store: &[u16]| {
            let overrides = Overrides { asked: Asked::Event, store: store.to_vec(), ..Overrides::default() };
            classify(status, false, &overrides)
        };
        for status in [200, 201, 204, 299] {
            assert!(matches!(class(status, &[]), Class::Store(_)), "{status}");
        }
        for status in [300, 302, 400, 404, 410, 422, 429, 500, 501, 503, 599] {
            assert_eq!(class(status, &[]), Class::Release, "{status}");
        }
        for status in [502, 504, 520, 522, 524] {
            assert_eq!(class(status, &[]), Class::Unknown(Doubt::Status(status)));
        }
        assert!(matches!(class(410, &[410]), Class::Store(_)), "what the route says comes first");
    }
}
