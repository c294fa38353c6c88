//! Whose record it is: by the shipped protocol, as the Worker finds it.

use oncegate_protocol::config::{Config, Variables};
use oncegate_protocol::hashing::BodyDigest;
use oncegate_protocol::ids::RecordId;
use oncegate_protocol::request::{Admission, Guarded, RequestHead, RequestUrl, admit};

const ROUTE: &str = r#"[{ "name": "payments", "path": "/v1/payments", "scope": ["header:Authorization"] }]"#;

/// The record of this caller's request. The key is always the same.
///
/// # Errors
/// The protocol does not take it for a guarded request.
pub(super) fn record_of(caller: &str) -> Result<RecordId, String> {
    let routes = vec![("ROUTES".to_owned(), ROUTE.to_owned())];
    let config =
        Config::parse(&Variables { routes, ..Variables::default() }).map_err(|errors| format!("{errors:?}"))?;
    let header = |name: &str| match name {
        "idempotency-key" => Some("order-1".to_owned()),
        "authorization" => Some(caller.to_owned()),
        _ => None,
    };
    let url = RequestUrl::parse("https://api.example/v1/payments");
    match admit(&config, &RequestHead { method: "POST", url, header: &header, certificate: &|| None }) {
        Admission::Guarded(Guarded::ByBytes(guarded)) => Ok(guarded.identify(BodyDigest::default()).place.id),
        _ => Err("the request is not guarded".to_owned()),
    }
}
