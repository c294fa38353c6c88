//! What an operator is told when a request cannot be carried out: problem details (RFC 9457), with a type per case. They are
//! not those that clients get.

use serde_json::Value;

use crate::limits;

/// The cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The token is missing, or another.
    Unauthorized,
    /// There is no such address.
    NoAddress,
    /// There is no route of this name.
    NoRoute,
    /// There is no record with this id, or for this scope and key.
    NoRecord,
    /// The address does not have this method.
    Method,
    /// The address, or the body, is not what it must be.
    Malformed,
    /// The body is too large.
    TooLarge,
    /// The record does not stand so that this could be done.
    NotPossible,
    /// The record is another attempt's than the one that the operator has looked at.
    OtherAttempt,
    /// The record, or its ledger, cannot be read.
    Unreadable,
    /// The ledger cannot be reached.
    Unavailable,
}

impl Case {
    const fn name(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::NoAddress => "no-address",
            Self::NoRoute => "no-route",
            Self::NoRecord => "no-record",
            Self::Method => "method",
            Self::Malformed => "malformed",
            Self::TooLarge => "too-large",
            Self::NotPossible => "not-possible",
            Self::OtherAttempt => "other-attempt",
            Self::Unreadable => "unreadable",
            Self::Unavailable => "unavailable",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Unauthorized => "The operator's token is missing or wrong",
            Self::NoAddress => "There is no such address",
            Self::NoRoute => "There is no route of this name",
            Self::NoRecord => "There is no such record",
            Self::Method => "This address does not have this method",
            Self::Malformed => "The request cannot be read",
            Self::TooLarge => "The request is too large",
            Self::NotPossible => "The record does not stand so that this could be done",
            Self::OtherAttempt => "The record is another attempt's by now",
            Self::Unreadable => "The record cannot be read",
            Self::Unavailable => "The ledger cannot be reached",
        }
    }

    const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::NoAddress | Self::NoRoute | Self::NoRecord => 404,
            Self::Method => 405,
            Self::Malformed => 400,
            Self::TooLarge => 413,
            Self::NotPossible | Self::OtherAttempt => 409,
            Self::Unreadable | Self::Unavailable => 503,
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    case: Case,
    detail: String,
    allow: Option<&'static str>,
    record: Option<Value>,
}

impl Problem {
    pub(super) fn new(case: Case, detail: impl Into<String>) -> Self {
        Self { case, detail: detail.into(), allow: None, record: None }
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Case::Malformed, detail)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(Case::Unauthorized, "Send \"Authorization: Bearer\" and the secret ADMIN_TOKEN of this deployment.")
    }

    pub(super) fn method(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(Case::Method, format!("Its methods are {allow}.")) }
    }

    /// Of a record that stands as it is shown.
    pub(super) fn about(record: Value, case: Case, detail: impl Into<String>) -> Self {
        Self { record: Some(record), ..Self::new(case, detail) }
    }

    /// The body is over [`limits::OPERATOR_REQUEST_BYTES`].
    pub fn too_large() -> Self {
        Self::new(Case::TooLarge, format!("At most {} bytes are allowed here.", limits::OPERATOR_REQUEST_BYTES))
    }

    /// The body did not come whole.
    pub fn broken_off() -> Self {
        Self::malformed("The body broke off.")
    }

    /// No answer of a ledger: whether it carried out what it was asked is not known.
    pub fn unavailable(ledger: &str) -> Self {
        let detail = format!(
            "The ledger {ledger} did not answer. What was asked may have been done or not: look at the record."
        );
        Self::new(Case::Unavailable, detail)
    }

    /// Which case it is.
    pub const fn case(&self) -> Case {
        self.case
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.case.status()
    }

    /// The response's headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type".to_owned(), "application/problem+json".to_owned()),
            ("cache-control".to_owned(), "no-store".to_owned()),
        ];
        match self.case {
            // RFC 6750, section 3.
            Case::Unauthorized => headers.push(("www-authenticate".to_owned(), "Bearer".to_owned())),
            Case::Unavailable => headers.push(("retry-after".to_owned(), "2".to_owned())),
            _ => {}
        }
        // RFC 9110, section 15.5.6.
        headers.extend(self.allow.map(|allow| ("allow".to_owned(), allow.to_owned())));
        headers
    }

    /// The response's body, a JSON object in lines, as a person reads it.
    pub fn body(&self) -> String {
        let mut json = serde_json::json!({
            "type": format!("urn:oncegate:operator-problem:{}", self.case.name()),
            "title": self.case.title(),
            "status": self.status(),
            "detail": self.detail,
        });
        if let (Some(record), Some(object)) = (&self.record, json.as_object_mut()) {
            object.insert("record".to_owned(), record.clone());
        }
        format!("{json:#}\n")
    }
}
