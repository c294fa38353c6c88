//! Headers: what only the gate may say is never a client's or an origin's word, and what is needed is never taken away.

use oncegate_protocol::headers::{
    AttemptHeaders, Headers, announced_length, are_storable, check_request, is_reserved, of_opened, to_be_replayed,
    to_client, to_origin, to_origin_unguarded, to_probe, to_record,
};
use oncegate_protocol::ids::AttemptId;
use oncegate_protocol::limits;
use oncegate_protocol::outcome::OriginWishes;
use oncegate_protocol::time::Timestamp;

/// The headers that the request is keyed and scoped by.
const NEEDED: [&str; 2] = ["x-account", "authorization"];
/// What belongs to one connection (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: [&str; 7] =
    ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-connection"];

/// Headers, line by line: name, colon, value.
pub fn check(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    // The platform gives names in lower case.
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let sent: Headers = text.lines().filter_map(header).filter(|(name, _)| !name.is_empty()).collect();
    check_to_origin(&sent);
    check_to_client(&sent);
    check_limits(&sent);
    for (name, value) in &sent {
        check_given(name, value);
    }
    let _ = OriginWishes::read(&sent);
}

fn check_to_origin(sent: &Headers) {
    let attempt = AttemptHeaders {
        key: "the-key",
        number: 7,
        fence: AttemptId::from_bytes([0xab; 16]),
        deadline: Timestamp::from_millis(99),
    };
    let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let by_gate = [
        said("idempotency-key", "the-key"),
        said("oncegate-attempt", "7"),
        said("oncegate-fence", &"ab".repeat(16)),
        said("oncegate-deadline", "99"),
    ];
    let (rest, own) = split(to_origin(sent.clone(), &NEEDED, &attempt), by_gate.len());
    assert_eq!(own, by_gate);
    check_passed_on(sent, &rest);
    assert_eq!(to_origin_unguarded(rest.clone(), &NEEDED), rest, "what was passed on once is passed on");
    check_passed_on(sent, &without_key(to_origin_unguarded(sent.clone(), &NEEDED)));

    let (rest, own) = split(to_probe(sent.clone(), &NEEDED, "the-key", attempt.fence, 7), 3);
    assert_eq!(own, by_gate[..3]);
    check_passed_on(sent, &rest);
    assert!(rest.iter().all(|(name, _)| !name.starts_with("content-") && !name.starts_with("if-")), "{rest:?}");
}

fn split(mut headers: Headers, last: usize) -> (Headers, Headers) {
    let own = headers.split_off(headers.len() - last);
    (headers, own)
}

fn without_key(mut headers: Headers) -> Headers {
    headers.retain(|(name, _)| name != "idempotency-key");
    headers
}

/// What goes on of a client's headers: some of them, as they were and in their order; all that is needed; nothing that could be
/// taken for the gate's word, or for another key or caller.
fn check_passed_on(sent: &Headers, passed_on: &Headers) {
    let mut all = sent.iter();
    assert!(passed_on.iter().all(|header| all.any(|other| other == header)), "{passed_on:?} of {sent:?}");
    for (name, _) in passed_on {
        let as_variable = name.replace('_', "-");
        assert!(!is_reserved(name) && !as_variable.starts_with("oncegate-"), "{name}");
        assert_ne!(as_variable, "idempotency-key");
        assert!(!NEEDED.contains(&as_variable.as_str()) || NEEDED.contains(&name.as_str()), "{name}");
        assert!(!OF_THE_CONNECTION.contains(&name.as_str()), "{name}");
    }
    for needed in NEEDED {
        let of = |headers: &Headers| headers.iter().filter(|(name, _)| name == needed).count();
        assert_eq!(of(sent), of(passed_on), "{needed}");
    }
}

fn check_to_client(sent: &Headers) {
    let keep = ["set-cookie".to_owned()];
    for method in ["GET", "HEAD"] {
        let for_client = to_client(sent.clone(), method);
        for (name, _) in &for_client {
            assert!(!is_reserved(name) && !OF_THE_CONNECTION.contains(&name.as_str()), "{name}");
            assert!(name != "content-length" || method == "HEAD");
        }
        let kept = to_record(&for_client, &[]);
        assert!(kept.iter().all(|(name, _)| name != "set-cookie" && name != "authorization"), "{kept:?}");
        let cookies =
            |headers: &Headers| headers.iter().filter(|(name, _)| name == "set-cookie").cloned().collect::<Headers>();
        assert_eq!(cookies(&to_record(&for_client, &keep)), cookies(&for_client));
        assert_eq!(to_record(&kept, &[]), kept);
    }
    assert!(of_opened(sent.clone()).iter().all(|(name, _)| name != "content-length" && name != "oncegate-kind"));
    let length = announced_length(sent, "GET");
    assert!(length.is_none_or(|length| length < 1 << 53));
    assert_eq!(announced_length(sent, "HEAD"), None);
}

fn check_limits(sent: &Headers) {
    let bytes: usize = sent.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert_eq!(
        check_request(sent).is_ok(),
        sent.len() <= limits::REQUEST_HEADERS && bytes <= limits::REQUEST_HEADER_BYTES
    );
    assert_eq!(are_storable(sent), sent.len() <= limits::RESPONSE_HEADERS && bytes <= limits::RESPONSE_HEADER_BYTES);
}

/// What an operator may give to be replayed is what the gate would have kept of an origin's answer.
fn check_given(name: &str, value: &str) {
    if let Ok((lower, trimmed)) = to_be_replayed(name, value, &[]) {
        assert_eq!(lower, name.to_ascii_lowercase());
        assert!(value.contains(&trimmed));
        let given = vec![(lower, trimmed)];
        assert_eq!(to_record(&to_client(given.clone(), "POST"), &[]), given);
    }
}
