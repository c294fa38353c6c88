//! Replays to a client that accepts other content codings than the first did (RFC 9110, sections 8.4 and 12.5.3).
//!
//! An answer is kept as it came. A client that does not accept its coding gets it decoded, where the gate can do that
//! and nobody has forbidden it; else it gets it as it is, which a server may do (RFC 9110, section 12.5.3).

use crate::headers::Headers;

/// How a body is decoded. There is none for Brotli.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, which HTTP calls "deflate".
    Deflate,
}

/// How to decode an answer with these headers for a client that accepts this, and the headers that it has then; `None`
/// where it goes out as it is. `accepted` is the value of `Accept-Encoding`, if there is one.
pub fn decode_for(headers: &Headers, status: u16, accepted: Option<&str>) -> Option<(Decoder, Headers)> {
    let coding = value(headers, "content-encoding")?.trim();
    let accepted = accepted?;
    let decoder = match canonical(coding).as_str() {
        "gzip" => Decoder::Gzip,
        "deflate" => Decoder::Deflate,
        _ => return None,
    };
    // Part of an encoded body cannot be decoded by itself, and some bodies must stay as they are (RFC 9111, 5.2.2.6).
    let is_fixed = status == 206 || value(headers, "cache-control").is_some_and(|value| lists(value, "no-transform"));
    let helps = !accepts(accepted, coding) && accepts(accepted, "identity");
    (helps && !is_fixed).then(|| (decoder, decoded(headers)))
}

/// The headers without what holds for the encoded bytes only: their coding, length and digests (RFC 9530; RFC 3230 and RFC
/// 1864 before it). A strong validator is of one encoding (RFC 9110, section 8.8.3.3), so it becomes a weak one.
fn decoded(headers: &Headers) -> Headers {
    let of_the_bytes = ["content-encoding", "content-length", "content-digest", "repr-digest", "digest", "content-md5"];
    let kept = headers.iter().filter(|(name, _)| !of_the_bytes.contains(&name.as_str()));
    kept.map(|(name, value)| match name.as_str() {
        "etag" if !value.starts_with("W/") => (name.clone(), format!("W/{value}")),
        _ => (name.clone(), value.clone()),
    })
    .collect()
}

/// Whether an `Accept-Encoding` with this value accepts a coding, or `identity`, which is none (RFC 9110, section 12.5.3).
fn accepts(accepted: &str, coding: &str) -> bool {
    let coding = canonical(coding);
    let mut any_other = coding == "identity";
    for entry in accepted.split(',') {
        let mut parts = entry.split(';');
        let name = canonical(parts.next().unwrap_or_default());
        let is_welcome = !parts.any(is_zero_weight);
        if name == coding {
            return is_welcome;
        }
        if name == "*" {
            any_other = is_welcome;
        }
    }
    any_other
}

/// Whether a parameter is a weight of zero: `q=0`, with up to three zeros behind a point (RFC 9110, section 12.4.2).
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let zeros = value.trim().strip_prefix('0').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    name.trim().eq_ignore_ascii_case("q") && zeros.is_some_and(|zeros| zeros.bytes().all(|byte| byte == b'0'))
}

/// A coding's name in lower case, without the prefix of its old name (RFC 9110, section 8.4.1).
fn canonical(coding: &str) -> String {
    let name = coding.trim().to_ascii_lowercase();
    name.strip_prefix("x-").map_or_else(|| name.clone(), str::to_owned)
}

fn value<'a>(headers: &'a Headers, wanted: &str) -> Option<&'a str> {
    headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

fn lists(value: &str, directive: &str) -> bool {
    value.split(',').any(|entry| entry.trim().eq_ignore_ascii_case(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_coding_is_accepted_as_the_rfc_says() {
        for (accepted, coding, expected) in [
            ("gzip", "gzip", true),
            ("GZIP", "gzip", true),
            ("x-gzip", "gzip", true),
            ("gzip", "X-Gzip", true),
            ("br, gzip;q=0.5", "gzip", true),
            ("br;q=1.0 , gzip ; q=0.001", "gzip", true),
            ("gzip;q=0", "gzip", false),
            ("gzip; Q=0.000", "gzip", false),
            ("gzip;q=0.", "gzip", false),
            ("gzip;level=0", "gzip", true),
            ("br", "gzip", false),
            ("", "gzip", false),
            (" , ,", "gzip", false),
            ("identity", "gzip", false),
            ("*", "gzip", true),
            ("*;q=0", "gzip", false),
            ("*;q=0, gzip", "gzip", true),
            ("gzip;q=0, *", "gzip", false),
            ("gzipped", "gzip", false),
            ("", "identity", true),
            ("gzip", "identity", true),
            ("identity;q=0", "identity", false),
            ("*;q=0", "identity", false),
            ("*;q=0, identity;q=0.1", "identity", true),
        ] {
            assert_eq!(accepts(accepted, coding), expected, "{accepted:?} {coding}");
        }
    }

    #[test]
    fn what_is_not_accepted_is_decoded_where_that_can_be_and_helps() {
        let decoder =
            |headers: &[(&str, &str)], accepted| decode_for(&list(headers), 200, accepted).map(|(decoder, _)| decoder);
        let gzip = ("content-encoding", "gzip");
        assert_eq!(decoder(&[gzip], Some("identity")), Some(Decoder::Gzip));
        assert_eq!(decoder(&[("content-encoding", " x-GZIP")], Some("")), Some(Decoder::Gzip));
        assert_eq!(decoder(&[("content-encoding", "deflate")], Some("gzip, br")), Some(Decoder::Deflate));
        assert_eq!(decoder(&[gzip], Some("gzip")), None);
        assert_eq!(decoder(&[gzip], None), None, "a client that does not say accepts anything");
        assert_eq!(decoder(&[gzip], Some("*;q=0")), None, "it accepts nothing at all");
        assert_eq!(decoder(&[gzip, ("cache-control", "private, No-Transform")], Some("br")), None);
        assert_eq!(decoder(&[gzip, ("cache-control", "private, no-store")], Some("br")), Some(Decoder::Gzip));
        assert_eq!(decoder(&[("content-encoding", "br")], Some("identity")), None, "cannot be decoded");
        assert_eq!(decoder(&[("content-encoding", "gzip, br")], Some("identity")), None, "cannot be decoded");
        assert_eq!(decoder(&[("content-encoding", "own")], Some("identity")), None);
        assert_eq!(decoder(&[("vary", "accept-encoding")], Some("identity")), None);
        assert_eq!(decode_for(&list(&[gzip]), 206, Some("identity")), None, "a part");
    }

    #[test]
    fn headers_of_the_encoded_bytes_do_not_outlive_them() {
        let stored = list(&[
            ("content-digest", "sha-256=:AA==:"),
            ("content-encoding", "gzip"),
            ("content-length", "9"),
            ("content-type", "text/plain"),
            ("etag", "\"1\""),
            ("vary", "accept-encoding"),
        ]);
        let sent = list(&[("content-type", "text/plain"), ("etag", "W/\"1\""), ("vary", "accept-encoding")]);
        assert_eq!(decode_for(&stored, 200, Some("identity")), Some((Decoder::Gzip, sent)));
        let weak = list(&[("content-encoding", "gzip"), ("etag", "W/\"1\"")]);
        assert_eq!(decode_for(&weak, 200, Some("identity")).unwrap().1, list(&[("etag", "W/\"1\"")]));
    }
}
