//! Replays to clients that accept other encodings: by RFC 9110, section 12.5.3, as it is read here.

use oncegate_protocol::encoding::{Decoder, decode_for};
use oncegate_protocol::headers::Headers;

/// An `Accept-Encoding`, a `Content-Encoding`, a `Cache-Control` and an `ETag`, line by line.
pub fn check(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let lines: Vec<&str> = text.splitn(4, '\n').collect();
    let [accepted, coding, cache_control, etag] = lines[..] else { return };
    let headers: Headers = [
        ("content-encoding", coding),
        ("cache-control", cache_control),
        ("etag", etag),
        ("content-length", "9"),
        ("content-md5", "x"),
        ("x-other", "kept"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    assert_eq!(decode_for(&headers, 200, None), None, "a client that does not say accepts anything");
    assert_eq!(decode_for(&headers, 206, Some(accepted)), None, "a part is not decoded by itself");
    let found = decode_for(&headers, 200, Some(accepted));
    if let Some((decoder, decoded)) = &found {
        assert_eq!(Some(*decoder), known(coding));
        check_decoded(decoded, cache_control, etag);
    }
    let Some(accepted) = Accepted::read(accepted) else { return };
    let helps = !accepted.accepts(&plain(coding)) && accepted.accepts("identity");
    let is_fixed = cache_control.split(',').any(|entry| entry.trim().eq_ignore_ascii_case("no-transform"));
    assert_eq!(found.is_some(), known(coding).is_some() && helps && !is_fixed, "{accepted:?} {coding:?}");
}

fn known(coding: &str) -> Option<Decoder> {
    match plain(coding).as_str() {
        "gzip" => Some(Decoder::Gzip),
        "deflate" => Some(Decoder::Deflate),
        _ => None,
    }
}

/// What held for the encoded bytes alone is gone, and nothing else.
fn check_decoded(decoded: &Headers, cache_control: &str, etag: &str) {
    let names: Vec<&str> = decoded.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cache-control", "etag", "x-other"]);
    assert_eq!(decoded[0].1, cache_control);
    assert_eq!(decoded[1].1.strip_prefix("W/"), Some(etag.strip_prefix("W/").unwrap_or(etag)));
}

/// Codings and whether their weight is above zero, of a value that follows the grammar.
#[derive(Debug)]
struct Accepted(Vec<(String, bool)>);

impl Accepted {
    /// `#( codings [ weight ] )`; `None` where the value is something else, or says two things of one coding.
    fn read(value: &str) -> Option<Self> {
        let mut read: Vec<(String, bool)> = Vec::new();
        // Elements of a list may be empty (RFC 9110, section 5.6.1).
        for entry in value.split(',').map(|entry| entry.trim_matches([' ', '\t'])).filter(|entry| !entry.is_empty()) {
            let (coding, weight) = entry.split_once(';').map_or((entry, None), |(coding, rest)| (coding, Some(rest)));
            let coding = coding.trim_end_matches([' ', '\t']);
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if coding.is_empty() || !coding.bytes().all(is_token) {
                return None;
            }
            let coding = plain(coding);
            if read.iter().any(|(known, _)| *known == coding) {
                return None;
            }
            read.push((coding, weight.map_or(Some(true), is_above_zero)?));
        }
        Some(Self(read))
    }

    fn accepts(&self, coding: &str) -> bool {
        let of = |wanted: &str| self.0.iter().find(|(known, _)| known == wanted).map(|(_, welcome)| *welcome);
        of(coding).or_else(|| of("*")).unwrap_or(coding == "identity")
    }
}

/// `q=` and a number from 0 to 1 with up to three digits behind the point (RFC 9110, section 12.4.2); `None` where it is none.
fn is_above_zero(weight: &str) -> Option<bool> {
    let weight = weight.trim_matches([' ', '\t']);
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if is_number => Some(fraction.bytes().any(|digit| digit != b'0')),
        "1" if is_number && fraction.bytes().all(|digit| digit == b'0') => Some(true),
        _ => None,
    }
}

/// A coding's name without case; `x-gzip` is the old name of `gzip` (RFC 9110, section 8.4.1.3).
fn plain(coding: &str) -> String {
    let coding = coding.trim().to_ascii_lowercase();
    coding.strip_prefix("x-").unwrap_or(&coding).to_owned()
}
