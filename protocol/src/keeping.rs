//! What is kept of an answer that is to be replayed.

use crate::headers::{self, Headers};
use crate::outcome::Status;
use crate::wire::{SentBody, SentOutcome};

/// What is kept of an answer, before its body has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    status: Status,
    /// `None` where they are too many or too large: then the body is not kept either.
    headers: Option<Headers>,
    announced_length: Option<u64>,
}

impl Keeping {
    /// Of an answer with this status and these headers for its first caller, whose body is announced to be so long, if it
    /// is. `keep` names the headers that are kept although they carry credentials.
    pub fn new(status: Status, for_client: &Headers, announced_length: Option<u64>, keep: &[String]) -> Self {
        let headers = Some(headers::to_record(for_client, keep)).filter(headers::are_storable);
        Self { status, headers, announced_length }
    }

    /// How many bytes of the body to gather, at most, where the route keeps `max_response`: a body that is longer is not
    /// kept, and neither need one be gathered of which that is known from the start.
    pub fn body_limit(&self, max_response: u64) -> u64 {
        let is_hopeless = self.headers.is_none() || self.announced_length.is_some_and(|length| length > max_response);
        if is_hopeless { 0 } else { max_response }
    }

    /// Whether a body of this length is shorter, or longer, than was announced: then it broke off, though nothing said so.
    pub fn broke_off(&self, length: u32) -> bool {
        let announced = self.announced_length.filter(|_| !self.status.forbids_body());
        announced.is_some_and(|announced| announced != u64::from(length))
    }

    /// The status and the headers that are kept.
    pub fn head(&self) -> Option<(Status, &Headers)> {
        Some((self.status, self.headers.as_ref()?))
    }

    /// What to tell the ledger when the body has come, or has exceeded the limit. Where it is told that the answer is too large,
    /// the body does not follow.
    pub fn outcome(&self, body: SentBody) -> SentOutcome {
        let status = self.status;
        match (&self.headers, body) {
            (Some(headers), SentBody::Follows { .. }) => {
                SentOutcome::Completed { status, headers: headers.clone(), body }
            }
            _ => Self::without_body(status),
        }
    }

    /// What to tell the ledger where all that is kept is that the origin has executed, and answered with this status.
    pub fn without_body(status: Status) -> SentOutcome {
        SentOutcome::Completed { status, headers: Headers::new(), body: SentBody::TooLarge }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SealKeyId;
    use crate::limits;

    fn keeping(headers: Headers, announced_length: Option<u64>) -> Keeping {
        Keeping::new(Status::new(201).unwrap(), &headers, announced_length, &[])
    }

    #[test]
    fn a_body_is_gathered_up_to_the_limit_unless_it_cannot_be_kept() {
        let too_large = vec![("x-a".to_owned(), "b".repeat(limits::RESPONSE_HEADER_BYTES))];
        for (headers, announced, expected) in [
            (Headers::new(), None, 10),
            (Headers::new(), Some(0), 10),
            (Headers::new(), Some(10), 10),
            (Headers::new(), Some(11), 0),
            (Headers::new(), Some(u64::MAX), 0),
            (too_large.clone(), None, 0),
            (too_large, Some(1), 0),
        ] {
            assert_eq!(keeping(headers, announced).body_limit(10), expected, "{announced:?}");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_told_as_executed_with_its_status_alone() {
        let status = Status::new(201).unwrap();
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        let too_many = vec![("x-a".to_owned(), "1".to_owned()); limits::RESPONSE_HEADERS + 1];
        let not_kept = SentOutcome::Completed { status, headers: Headers::new(), body: SentBody::TooLarge };
        for sealed_by in [None, Some(SealKeyId::from_bytes([1; 8]))] {
            let body = SentBody::Follows { length: 7, sealed_by };
            let kept = SentOutcome::Completed { status, headers: headers.clone(), body };
            assert_eq!(keeping(headers.clone(), None).outcome(body), kept);
            assert_eq!(keeping(too_many.clone(), None).outcome(body), not_kept);
        }
        assert_eq!(keeping(headers, None).outcome(SentBody::TooLarge), not_kept);
    }

    #[test]
    fn a_body_of_another_length_than_announced_broke_off() {
        for (announced, length, expected) in
            [(None, 5, false), (Some(5), 5, false), (Some(10), 5, true), (Some(0), 0, false)]
        {
            assert_eq!(keeping(Headers::new(), announced).broke_off(length), expected, "{announced:?} {length}");
        }
        let not_modified = Keeping::new(Status::new(304).unwrap(), &Headers::new(), Some(10), &[]);
        assert!(!not_modified.broke_off(0));
    }

    #[test]
    fn credentials_of_the_first_caller_are_not_kept() {
        let headers = vec![("set-cookie".to_owned(), "a=1".to_owned())];
        assert_eq!(keeping(headers, None), keeping(Headers::new(), None));
    }
}
