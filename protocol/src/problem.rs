//! What a client is told when it gets no answer of the origin's: problem details (RFC 9457), one stable type per case.
//!
//! A problem never tells whether a key exists in another scope: it is made from the client's own request and from the
//! record of its own scope alone.

use core::fmt::Write as _;
use core::time::Duration;

use crate::limits;
use crate::outcome::{Doubt, Status};

/// Where the cases are explained; the gate serves it itself. Each case is an anchor in it.
pub const DOCUMENTATION_PATH: &str = "/_oncegate/problems";

/// The cases, in the order in which they are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Case {
    /// The first request with this key is still running.
    InProgress,
    /// The key was used for another payload, method or path.
    Mismatch,
    /// No key where one is required.
    Missing,
    /// The key, or the body it is to be read from, is not what it must be.
    Malformed,
    /// What tells who is asking is absent.
    Unscoped,
    /// The event is not signed by its sender.
    Unverified,
    /// It is not known whether the origin executed.
    Unknown,
    /// The origin has answered, but the answer was too large to keep, or can no longer be opened.
    NotStored,
    /// The record cannot be reached or read.
    Unavailable,
    /// The body, or the headers, are over the limit.
    TooLarge,
    /// The caller has used as many new keys as it may in this time.
    Limited,
    /// The gate's configuration is wrong. Why is said in the log only.
    Misconfigured,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::InProgress,
        Self::Mismatch,
        Self::Missing,
        Self::Malformed,
        Self::Unscoped,
        Self::Unverified,
        Self::Unknown,
        Self::NotStored,
        Self::Unavailable,
        Self::TooLarge,
        Self::Limited,
        Self::Misconfigured,
    ];

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    /// Its name: the value of `Idempotency-Status`, the end of its type, and its anchor in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unscoped => "unscoped",
            Self::Unverified => "unverified",
            Self::Unknown => "unknown",
            Self::NotStored => "not-stored",
            Self::Unavailable => "unavailable",
            Self::TooLarge => "too-large",
            Self::Limited => "limited",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// What it is, in a line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::InProgress => "A request with this idempotency key is still running",
            Self::Mismatch => "This idempotency key was used for a different request",
            Self::Missing => "This request needs an idempotency key",
            Self::Malformed => "The idempotency key cannot be read",
            Self::Unscoped => "This request does not say whose idempotency key this is",
            Self::Unverified => "This event is not signed by its sender",
            Self::Unknown => "Whether this request took effect is not known",
            Self::NotStored => "This request was done, but its answer cannot be given again",
            Self::Unavailable => "The idempotency record cannot be reached",
            Self::TooLarge => "The request is too large",
            Self::Limited => "Too many new idempotency keys",
            Self::Misconfigured => "The idempotency gate is not configured",
        }
    }

    /// What a client should do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::InProgress => "Send the same request again after the time in Retry-After.",
            Self::Mismatch => {
                "Send a new request with a new key; send a retry with the same method, path, query and body."
            }
            Self::Missing => {
                "Send the request again with a key of your own making, such as a UUID, and retry with the same one."
            }
            Self::Malformed => "Mend what the detail names; the origin has not seen the request.",
            Self::Unscoped => "Send what the detail names; the origin has not seen the request.",
            Self::Unverified => {
                "Sign it anew, with the secret that the receiver has; the origin has not seen the event."
            }
            Self::Unknown => "Do not send it with a new key. Ask the origin whether it took effect, or its operator.",
            Self::NotStored => "Do not send it again: it took effect. Ask the origin for the result.",
            Self::Unavailable => "Send the same request again, with the same key, after the time in Retry-After.",
            Self::TooLarge => "Send less of what the detail names; the origin has not seen the request.",
            Self::Limited => "Send the same request again, with the same key, after the time in Retry-After.",
            Self::Misconfigured => "Tell the operator.",
        }
    }
}

/// One problem: the case, and what is particular to this request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    case: Case,
    status: u16,
    detail: String,
    retry_after_seconds: Option<u32>,
    original_status: Option<Status>,
    challenge: Option<&'static str>,
}

impl Problem {
    fn new(case: Case, status: u16, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { case, status, detail, retry_after_seconds: None, original_status: None, challenge: None }
    }

    /// The first request is still running: 409, to be tried again in a second.
    pub fn in_progress() -> Self {
        let detail = "The first request with this key has not been answered yet.";
        Self { retry_after_seconds: Some(1), ..Self::new(Case::InProgress, 409, detail) }
    }

    /// Another payload, method or path: 422.
    pub fn mismatch() -> Self {
        Self::new(Case::Mismatch, 422, "The first request with this key had another method, path, query or body.")
    }

    /// No key: 400.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(Case::Missing, 400, detail)
    }

    /// A key, or a body, that cannot be read: 400.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Case::Malformed, 400, detail)
    }

    /// No scope: 400.
    pub fn unscoped(detail: impl Into<String>) -> Self {
        Self::new(Case::Unscoped, 400, detail)
    }

    /// A scope in a token that does not hold: 401, with the challenge of RFC 6750, section 3.1.
    pub fn invalid_token(detail: impl Into<String>) -> Self {
        Self { challenge: Some("Bearer error=\"invalid_token\""), ..Self::new(Case::Unscoped, 401, detail) }
    }

    /// No signature of the sender's, or one that does not hold: 401.
    pub fn unverified(detail: impl Into<String>) -> Self {
        Self::new(Case::Unverified, 401, detail)
    }

    /// Nobody knows: 502, or 504 where time ran out.
    pub fn unknown(doubt: Doubt) -> Self {
        let detail = match doubt {
            Doubt::LeaseExpired => {
                "The first request with this key was passed on, and its outcome was never learnt.".into()
            }
            Doubt::OriginTimeout => "The origin did not answer in time.".into(),
            Doubt::ConnectionLost => "The connection to the origin failed.".into(),
            Doubt::BodyCut => "The origin's answer broke off.".into(),
            Doubt::NotRecorded => "The origin's answer could not be recorded.".into(),
            Doubt::Status(status) => format!("The origin's side answered {status}."),
        };
        Self::new(Case::Unknown, doubt.client_status(), detail)
    }

    /// Done, but not kept: 409, with the original status.
    pub fn not_stored(original: Status) -> Self {
        let detail = format!("The first request with this key was answered with status {}.", original.as_u16());
        Self { original_status: Some(original), ..Self::new(Case::NotStored, 409, detail) }
    }

    /// The ledger cannot be reached, or the record not be read: 503, to be tried again.
    pub fn unavailable() -> Self {
        let detail = "The origin has not been asked to execute this request.";
        Self { retry_after_seconds: Some(2), ..Self::new(Case::Unavailable, 503, detail) }
    }

    /// There are no keys to verify a token with, so that the record cannot be told: 503, to be tried again.
    pub fn no_keys() -> Self {
        let detail = "The keys that the request's token is to be verified with cannot be had. \
            The origin has not been asked to execute this request.";
        Self { retry_after_seconds: Some(5), ..Self::new(Case::Unavailable, 503, detail) }
    }

    /// Over the limit: 413.
    pub fn too_large(limit: u64) -> Self {
        Self::new(Case::TooLarge, 413, format!("The body may have at most {limit} bytes here."))
    }

    /// More headers, or larger ones, than a guarded request may have: 431 (RFC 6585, section 5).
    pub fn headers_too_large(count: usize, bytes: usize) -> Self {
        let detail = format!(
            "The request has {count} headers of {bytes} bytes, and may have {} of {} bytes in all.",
            limits::REQUEST_HEADERS,
            limits::REQUEST_HEADER_BYTES
        );
        Self::new(Case::TooLarge, 431, detail)
    }

    /// As many new keys as the route allows one scope: 429, to be tried again when the window is over.
    pub fn limited(left: Duration) -> Self {
        let seconds = u32::try_from(left.as_secs().saturating_add(1)).unwrap_or(u32::MAX);
        let detail =
            "All new keys that are allowed in this time are used up. Retries of earlier requests are answered.";
        Self { retry_after_seconds: Some(seconds), ..Self::new(Case::Limited, 429, detail) }
    }

    /// The ledger has as many records as it may: 503, to be tried again when some have expired.
    pub fn full() -> Self {
        let detail = "No new key can be recorded at present. The origin has not been asked to execute this request.";
        Self { retry_after_seconds: Some(60), ..Self::new(Case::Unavailable, 503, detail) }
    }

    /// A bad configuration: 500. The client learns no more.
    pub fn misconfigured() -> Self {
        Self::new(Case::Misconfigured, 500, "The operator finds the reason in the log.")
    }

    /// Which case it is.
    pub const fn case(&self) -> Case {
        self.case
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The response's headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type".to_owned(), "application/problem+json".to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
            ("link".to_owned(), format!("<{DOCUMENTATION_PATH}#{}>; rel=\"describedby\"", self.case.name())),
        ];
        if self.case != Case::Misconfigured {
            headers.push(("idempotency-status".to_owned(), self.case.name().to_owned()));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.push(("retry-after".to_owned(), seconds.to_string()));
        }
        if let Some(challenge) = self.challenge {
            headers.push(("www-authenticate".to_owned(), challenge.to_owned()));
        }
        headers
    }

    /// The response's body, a JSON object.
    ///
    /// The member `error` is an extension for clients that look for nothing else: Stripe's library takes JSON without it for
    /// a success, whatever the status says.
    pub fn body(&self) -> String {
        let mut json = serde_json::json!({
            "type": format!("urn:oncegate:problem:{}", self.case.name()),
            "title": self.case.title(),
            "status": self.status,
            "detail": self.detail,
            "error": { "type": "idempotency_error", "code": self.case.name(), "message": format!("{}. {}", self.case.title(), self.detail) },
        });
        if let (Some(status), Some(object)) = (self.original_status, json.as_object_mut()) {
            object.insert("original_status".to_owned(), status.as_u16().into());
        }
        json.to_string()
    }
}

/// The page at [`DOCUMENTATION_PATH`]: what each case means and what to do.
pub fn documentation() -> String {
    let mut page = String::from(concat!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">",
        "<meta name=\"viewport\" content=\"width=device-width\"><title>Idempotency problems</title>\n",
        "<h1>What the idempotency gate answers</h1>\n",
    ));
    for case in Case::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "<h2 id=\"{0}\">{0}</h2>\n<p>{1}. {2}</p>", case.name(), case.title(), case.advice());
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_json_that_says_type_title_status_and_detail() {
        let problem = Problem::malformed("a \"quote\" and a\nline");
        let json: serde_json::Value = serde_json::from_str(&problem.body()).unwrap();
        assert_eq!(json["type"], "urn:oncegate:problem:malformed");
        assert_eq!(json["status"], 400);
        assert_eq!(json["detail"], "a \"quote\" and a\nline");
        assert_eq!(json["error"]["code"], "malformed");
        assert!(problem.headers().contains(&("idempotency-status".into(), "malformed".into())));
    }

    #[test]
    fn a_done_request_whose_answer_was_not_kept_tells_its_status() {
        let problem = Problem::not_stored(Status::new(201).unwrap());
        let json: serde_json::Value = serde_json::from_str(&problem.body()).unwrap();
        assert_eq!((problem.status(), &json["original_status"]), (409, &201.into()));
    }

    #[test]
    fn what_is_to_be_tried_again_says_when() {
        for (problem, retry) in [
            (Problem::in_progress(), true),
            (Problem::unavailable(), true),
            (Problem::no_keys(), true),
            (Problem::mismatch(), false),
            (Problem::unknown(Doubt::LeaseExpired), false),
        ] {
            assert_eq!(problem.headers().iter().any(|(name, _)| name == "retry-after"), retry, "{problem:?}");
        }
    }

    #[test]
    fn only_a_token_that_does_not_hold_is_answered_with_a_challenge() {
        let challenge = |problem: Problem| {
            let headers = problem.headers();
            headers.into_iter().find(|(name, _)| name == "www-authenticate").map(|(_, value)| value)
        };
        assert_eq!(challenge(Problem::invalid_token("")).as_deref(), Some("Bearer error=\"invalid_token\""));
        assert_eq!(challenge(Problem::unscoped("")), None);
        assert_eq!((Problem::invalid_token("").status(), Problem::unscoped("").status()), (401, 400));
    }

    #[test]
    fn every_case_is_documented_under_its_name() {
        let page = documentation();
        for case in Case::ALL {
            assert!(page.contains(&format!("id=\"{}\"", case.name())));
        }
    }
}
