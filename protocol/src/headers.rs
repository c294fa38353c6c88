//! Which headers travel where.
//!
//! Names are compared in lower case, which is how the platform gives them.

use crate::config::is_token_byte;
use crate::ids::AttemptId;
use crate::limits;
use crate::problem::Problem;
use crate::time::Timestamp;
use crate::wire::KIND_HEADER;

/// A list of headers, repeated ones apart.
pub type Headers = Vec<(String, String)>;

/// What the Worker answers the key under, to clients.
pub const STATUS: &str = "idempotency-status";
/// Set to `true` on what was answered from the record.
pub const REPLAYED: &str = "idempotency-replayed";

const ATTEMPT: &str = "oncegate-attempt";
const FENCE: &str = "oncegate-fence";
const DEADLINE: &str = "oncegate-deadline";

/// Under which names an origin may read what only the gate tells it: these are taken out of requests that pass through unguarded as
/// well. Origins that hand headers on as variables (RFC 3875, section 4.1.18) read an underscore as a hyphen.
pub const TOLD: [&str; 6] = [ATTEMPT, FENCE, DEADLINE, "oncegate_attempt", "oncegate_fence", "oncegate_deadline"];

/// Adds what the gate did with a request.
pub fn mark(headers: &mut Headers, status: &str) {
    headers.push((STATUS.to_owned(), status.to_owned()));
}

/// The headers of a replay: those on record, and that it was not made for this request.
pub fn of_replay(mut kept: Headers) -> Headers {
    mark(&mut kept, "replayed");
    kept.push((REPLAYED.to_owned(), "true".to_owned()));
    kept
}

/// Headers that belong to one connection and are not passed on (RFC 9110, section 7.6.1, with the older ones it names).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether only the gate may set this header, in either direction.
pub fn is_reserved(name: &str) -> bool {
    let name = as_origins_read(name);
    name.starts_with("oncegate-") || name == STATUS || name == REPLAYED
}

/// See [`TOLD`].
fn as_origins_read(name: &str) -> std::borrow::Cow<'_, str> {
    if name.contains('_') { name.replace('_', "-").into() } else { name.into() }
}

/// Whether an origin might take this header for one by which the request was keyed or scoped, or for the key itself.
fn passes_for(name: &str, needed: &[&str]) -> bool {
    let read = as_origins_read(name);
    read != name
        && (read == "idempotency-key" || needed.iter().any(|needed| *needed != name && as_origins_read(needed) == read))
}

/// Drops what belongs to the connection, also what `Connection` names, and what only the gate may set.
///
/// `Connection` cannot take away what is meant for all on the way (RFC 9110, section 7.6.1, forbids to name it there): not
/// what tells who is asking or what is sent, nor what is in `needed`. A client could else hide from the origin what the
/// gate has seen.
fn strip(headers: Headers, needed: &[&str]) -> Headers {
    let named: Vec<String> = headers
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| value.split(','))
        .map(|token| token.trim().to_ascii_lowercase())
        .filter(|name| !is_end_to_end(name) && !needed.contains(&name.as_str()))
        .collect();
    let is_kept = |name: &String| !HOP_BY_HOP.contains(&name.as_str()) && !is_reserved(name) && !named.contains(name);
    headers.into_iter().filter(|(name, _)| is_kept(name)).collect()
}

/// [`strip`] for a request, and without what an origin might take for a header that the gate has read.
fn strip_request(client: Headers, needed: &[&str]) -> Headers {
    let mut headers = strip(client, needed);
    headers.retain(|(name, _)| !passes_for(name, needed));
    headers
}

fn is_end_to_end(name: &str) -> bool {
    ["content-", "x-forwarded-", "cf-"].iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "authorization" | "cookie" | "set-cookie" | "forwarded" | "host" | "location" | "x-real-ip")
}

/// What the origin is told about the attempt, so that it can refuse a late or repeated one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptHeaders<'a> {
    /// The key, as `Idempotency-Key`.
    pub key: &'a str,
    /// Which attempt it is, from 1, as `Oncegate-Attempt`.
    pub number: u32,
    /// The attempt's id, as `Oncegate-Fence`.
    pub fence: AttemptId,
    /// When the lease ends, in milliseconds since the Unix epoch, as `Oncegate-Deadline`: an origin that has not begun to
    /// execute by then must not.
    pub deadline: Timestamp,
}

/// The headers of a request that goes on without a record, because that failed: as [`to_origin`], but with the client's own
/// key, and nothing said of an attempt.
pub fn to_origin_unguarded(client: Headers, needed: &[&str]) -> Headers {
    let mut headers = strip_request(client, needed);
    headers.retain(|(name, _)| !matches!(name.as_str(), "host" | "content-length"));
    headers
}

/// The headers of a keyed request, as the origin gets it.
///
/// `Host` and `Content-Length` are left to the platform, which sets them from the address and the body. `needed` are the
/// headers that the request was keyed and scoped by.
pub fn to_origin(client: Headers, needed: &[&str], attempt: &AttemptHeaders<'_>) -> Headers {
    let mut headers: Headers = strip_request(client, needed)
        .into_iter()
        .filter(|(name, _)| !matches!(name.as_str(), "host" | "content-length" | "idempotency-key"))
        .collect();
    headers.push(("idempotency-key".to_owned(), attempt.key.to_owned()));
    headers.push((ATTEMPT.to_owned(), attempt.number.to_string()));
    headers.push((FENCE.to_owned(), attempt.fence.to_string()));
    headers.push((DEADLINE.to_owned(), attempt.deadline.as_millis().to_string()));
    headers
}

/// The headers of a probe: those of the client's that say who is asking and what answers it takes, and of which attempt.
///
/// Left out is what belongs to the request in question: about its body, conditions, a part of the answer (the whole one is to
/// be kept), and what would make another method of the GET.
pub fn to_probe(client: Headers, needed: &[&str], key: &str, fence: AttemptId, number: u32) -> Headers {
    let mut headers = strip_request(client, needed);
    headers.retain(|(name, _)| is_in_probe(name));
    headers.push(("idempotency-key".to_owned(), key.to_owned()));
    headers.push((ATTEMPT.to_owned(), number.to_string()));
    headers.push((FENCE.to_owned(), fence.to_string()));
    headers
}

/// Whether a probe has the client's header of this name, in lower case.
pub(crate) fn is_in_probe(name: &str) -> bool {
    const OF_THE_REQUEST: [&str; 7] =
        ["host", "idempotency-key", "range", "expect", "x-http-method", "x-http-method-override", "x-method-override"];
    let is_of_the_request =
        ["content-", "if-"].iter().any(|prefix| name.starts_with(prefix)) || OF_THE_REQUEST.contains(&name);
    !is_of_the_request && !HOP_BY_HOP.contains(&name) && !is_reserved(name)
}

/// The headers of the origin's answer to a request of this method, as its first caller gets them.
///
/// `Content-Length` is left to the platform, which sets it from the body; but for an answer to HEAD the origin alone knows it.
pub fn to_client(origin: Headers, method: &str) -> Headers {
    let mut headers = strip(origin, &[]);
    headers.retain(|(name, _)| name != "content-length" || !has_body(method));
    headers
}

/// Whether an answer to this method may have a body (RFC 9110, section 9.3.2).
pub fn has_body(method: &str) -> bool {
    method != "HEAD"
}

/// How long the body of an answer to this method is to be, by the answer's headers: `None` where they do not say, and where there is no
/// body of that length.
pub fn announced_length(headers: &Headers, method: &str) -> Option<u64> {
    let (_, value) = headers.iter().find(|(name, _)| name == "content-length" && has_body(method))?;
    length(value)
}

/// A length as `Content-Length` says it (RFC 9110, section 8.6); `None` where it is none.
pub fn length(content_length: &str) -> Option<u64> {
    // More than JavaScript's numbers hold will not come anyway.
    content_length.parse().ok().filter(|length| *length < 1 << 53)
}

/// The headers of the origin's answer, as they are kept for replays: without those that carry credentials of the first
/// caller's, unless `keep` names them.
pub fn to_record(for_client: &Headers, keep: &[String]) -> Headers {
    for_client
        .iter()
        .filter(|(name, _)| !is_credential(name) || keep.iter().any(|kept| kept == name))
        .cloned()
        .collect()
}

/// The headers of a replay whose body came sealed and has been opened: without what its ledger said to the Worker alone, and
/// the length of the sealed body.
pub fn of_opened(mut sealed: Headers) -> Headers {
    sealed.retain(|(name, _)| name != KIND_HEADER && name != "content-length");
    sealed
}

/// The headers of a replay that is to be remembered: without what its ledger said to the Worker alone.
pub fn of_remembered(mut sent: Headers) -> Headers {
    sent.retain(|(name, _)| name != KIND_HEADER);
    sent
}

fn is_credential(name: &str) -> bool {
    matches!(name, "set-cookie" | "set-cookie2" | "authorization" | "authentication-info")
}

/// A header that an operator gives to be replayed, its name in lower case.
///
/// # Errors
/// What keeps it from that: the gate would not have kept it of an origin's answer, or it is none (RFC 9110, sections 5.1 and
/// 5.5).
pub fn to_be_replayed(name: &str, value: &str, keep: &[String]) -> Result<(String, String), &'static str> {
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(is_token_byte) {
        return Err("is not a header's name");
    }
    if HOP_BY_HOP.contains(&lower.as_str()) || lower == "content-length" {
        return Err("belongs to the connection, and is set anew for each reply");
    }
    if is_reserved(&lower) {
        return Err("is the gate's own");
    }
    if is_credential(&lower) && !keep.contains(&lower) {
        return Err("carries credentials, and keep_headers of the route does not name it");
    }
    if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Err("has a value with other characters than visible ASCII and spaces");
    }
    Ok((lower, value.trim_matches([' ', '\t']).to_owned()))
}

/// Whether headers may be kept, by their number and size.
pub fn are_storable(headers: &Headers) -> bool {
    headers.len() <= limits::RESPONSE_HEADERS && bytes(headers) <= limits::RESPONSE_HEADER_BYTES
}

/// Whether a guarded request may have these headers, by their number and size.
///
/// # Errors
/// What the client is told.
pub fn check_request(headers: &Headers) -> Result<(), Problem> {
    let (count, bytes) = (headers.len(), bytes(headers));
    if count <= limits::REQUEST_HEADERS && bytes <= limits::REQUEST_HEADER_BYTES {
        return Ok(());
    }
    Err(Problem::headers_too_large(count, bytes))
}

/// How many bytes there are in names and values.
pub(crate) fn bytes(headers: &Headers) -> usize {
    headers.iter().fold(0, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_origin_gets_the_gates_word_on_the_attempt_and_never_the_clients() {
        let client = list(&[
            ("accept", "*/*"),
            ("authorization", "Bearer a"),
            ("connection", "close, X-Mine, Authorization, X-Account"),
            ("content-length", "3"),
            ("host", "edge"),
            ("idempotency-key", "\"k\""),
            ("idempotency-status", "created"),
            ("oncegate-fence", "forged"),
            ("oncegate-anything", "forged"),
            ("oncegate_fence", "forged"),
            ("idempotency_key", "other"),
            ("x_account", "8"),
            ("x_other", "kept"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("x-account", "7"),
            ("x-mine", "1"),
        ]);
        let attempt = AttemptHeaders {
            key: "k",
            number: 2,
            fence: AttemptId::from_bytes([0xab; 16]),
            deadline: Timestamp::from_millis(1_700_000_000_000),
        };
        let expected = list(&[
            ("accept", "*/*"),
            ("authorization", "Bearer a"),
            ("x_other", "kept"),
            ("x-account", "7"),
            ("idempotency-key", "k"),
            ("oncegate-attempt", "2"),
            ("oncegate-fence", "abababababababababababababababab"),
            ("oncegate-deadline", "1700000000000"),
        ]);
        assert_eq!(to_origin(client, &["x-account"], &attempt), expected);
    }

    #[test]
    fn without_a_record_the_origin_gets_the_clients_key_and_no_word_on_an_attempt() {
        let client = list(&[
            ("accept", "*/*"),
            ("connection", "X-Mine"),
            ("content-length", "3"),
            ("host", "edge"),
            ("idempotency-key", "\"k\""),
            ("oncegate-fence", "forged"),
            ("x_account", "8"),
            ("x-account", "7"),
            ("x-mine", "1"),
        ]);
        let expected = list(&[("accept", "*/*"), ("idempotency-key", "\"k\""), ("x-account", "7")]);
        assert_eq!(to_origin_unguarded(client, &["x-account"]), expected);
    }

    #[test]
    fn what_was_done_is_marked() {
        let mut headers = list(&[("a", "b")]);
        mark(&mut headers, "created");
        assert_eq!(headers, list(&[("a", "b"), ("idempotency-status", "created")]));
        let marks = [("a", "b"), ("idempotency-status", "replayed"), ("idempotency-replayed", "true")];
        assert_eq!(of_replay(list(&[("a", "b")])), list(&marks));
        assert_eq!(of_remembered(list(&[("a", "b"), (KIND_HEADER, "for:1")])), list(&[("a", "b")]));
    }

    #[test]
    fn a_probe_says_who_asks_and_nothing_of_the_request_in_question() {
        let client = list(&[
            ("accept", "application/json"),
            ("authorization", "Bearer a"),
            ("content-length", "3"),
            ("content-type", "application/json"),
            ("cookie", "a=b"),
            ("expect", "100-continue"),
            ("host", "edge"),
            ("idempotency-key", "k"),
            ("if-none-match", "\"e\""),
            ("oncegate-fence", "forged"),
            ("range", "bytes=0-1"),
            ("transfer-encoding", "chunked"),
            ("x-http-method-override", "POST"),
        ]);
        let expected = list(&[
            ("accept", "application/json"),
            ("authorization", "Bearer a"),
            ("cookie", "a=b"),
            ("idempotency-key", "k"),
            ("oncegate-attempt", "3"),
            ("oncegate-fence", "abababababababababababababababab"),
        ]);
        assert_eq!(to_probe(client, &[], "k", AttemptId::from_bytes([0xab; 16]), 3), expected);
    }

    #[test]
    fn the_first_caller_keeps_its_cookies_and_the_record_does_not() {
        let origin = list(&[
            ("content-length", "9"),
            ("idempotency-replayed", "true"),
            ("idempotency_key", "7"),
            ("oncegate-kind", "frame"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("transfer-encoding", "chunked"),
            ("x-request-id", "7"),
        ]);
        let to_head = to_client(origin.clone(), "HEAD");
        assert_eq!(to_head.first(), Some(&("content-length".to_owned(), "9".to_owned())));
        let client = to_client(origin, "POST");
        let named_like_a_request_s = ("idempotency_key", "7");
        let cookies = [("set-cookie", "a=1"), ("set-cookie", "b=2")];
        assert_eq!(client, list(&[named_like_a_request_s, cookies[0], cookies[1], ("x-request-id", "7")]));
        assert_eq!(to_record(&client, &[]), list(&[named_like_a_request_s, ("x-request-id", "7")]));
        assert_eq!(to_record(&client, &["set-cookie".into()]), client);
    }

    #[test]
    fn an_opened_body_has_the_headers_of_its_replay_and_another_length() {
        let sealed = list(&[
            ("content-length", "25"),
            ("content-type", "a/b"),
            ("idempotency-replayed", "true"),
            ("idempotency-status", "replayed"),
            ("oncegate-kind", "x"),
            ("set-cookie", "a=1"),
        ]);
        let expected = list(&[
            ("content-type", "a/b"),
            ("idempotency-replayed", "true"),
            ("idempotency-status", "replayed"),
            ("set-cookie", "a=1"),
        ]);
        assert_eq!(of_opened(sealed), expected);
    }

    #[test]
    fn all_that_an_origin_is_told_is_taken_out_under_each_name_by_which_it_may_read_it() {
        let attempt = AttemptHeaders {
            key: "k",
            number: 1,
            fence: AttemptId::from_bytes([1; 16]),
            deadline: Timestamp::from_millis(1),
        };
        let told = to_origin(Headers::new(), &[], &attempt);
        let names = told.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "idempotency-key");
        let spelled: Vec<String> = names.flat_map(|name| [name.to_owned(), name.replace('-', "_")]).collect();
        assert_eq!(spelled.len(), TOLD.len());
        assert!(spelled.iter().all(|name| TOLD.contains(&name.as_str())), "{spelled:?}");
    }

    #[test]
    fn a_length_is_announced_by_a_number_or_not_at_all() {
        for (value, expected) in [
            ("0", Some(0)),
            ("4194304", Some(4 << 20)),
            ("", None),
            ("-1", None),
            ("5, 5", None),
            ("9007199254740992", None),
        ] {
            let headers = list(&[("x-a", "1"), ("content-length", value)]);
            assert_eq!(announced_length(&headers, "POST"), expected, "{value}");
            assert_eq!(announced_length(&headers, "HEAD"), None);
        }
        assert_eq!(announced_length(&list(&[("x-a", "1")]), "POST"), None);
    }

    #[test]
    fn headers_without_end_are_not_kept() {
        assert!(are_storable(&list(&[("a", "b")])));
        assert!(!are_storable(&vec![("a".into(), "b".into()); limits::RESPONSE_HEADERS + 1]));
        assert!(!are_storable(&vec![("a".into(), "b".repeat(limits::RESPONSE_HEADER_BYTES))]));
        let many = |count| vec![("a".into(), String::new()); count];
        assert!(check_request(&many(limits::REQUEST_HEADERS)).is_ok());
        assert!(check_request(&many(limits::REQUEST_HEADERS + 1)).is_err());
        let long = |bytes| vec![("a".into(), "b".repeat(bytes - 1))];
        assert!(check_request(&long(limits::REQUEST_HEADER_BYTES)).is_ok());
        assert!(check_request(&long(limits::REQUEST_HEADER_BYTES + 1)).is_err());
    }
}
