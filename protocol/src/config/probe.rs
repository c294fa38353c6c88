//! Where a route asks what became of a request whose outcome is unknown.

use core::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::fields::Expected;
use crate::request::OWN_PATHS;

/// What a route does with a request whose key has an unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// It is told so, and the origin is not called.
    Hold,
    /// The origin is called again.
    Retry,
    /// The origin is asked first whether it has executed.
    Probe(ProbePath),
}

/// A path at the origin, perhaps with a query, in which `{key}` and the route's path parameters are to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbePath(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Parameter(String),
}

const EXPECTED: &str = "\"hold\", \"retry\" or a table such as { probe = \"/v1/payments/by-key/{key}\" }: a path at the origin, \
     encoded as it is to be sent, with {key} and perhaps parameters of the route's path";

/// The parameter that stands for the key.
const KEY: &str = "key";

/// All but what is unreserved (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl UnknownPolicy {
    pub(super) fn parse(value: &Value) -> Result<Self, Expected> {
        let policy = match value {
            Value::String(word) if word == "hold" => Some(Self::Hold),
            Value::String(word) if word == "retry" => Some(Self::Retry),
            Value::Object(map) if map.len() == 1 => {
                map.get("probe").and_then(Value::as_str).and_then(ProbePath::parse).map(Self::Probe)
            }
            _ => None,
        };
        policy.ok_or_else(|| EXPECTED.to_owned())
    }
}

impl ProbePath {
    fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`|".contains(&byte);
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.len() <= 1024;
        if !is_path || !text.bytes().all(is_plain) || format!("{text}/").starts_with(OWN_PATHS) || has_dots(text) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            if before.contains('}') || name.is_empty() || name.contains('{') {
                return None;
            }
            parts.extend([Part::Text(before.to_owned()), Part::Parameter(name.to_owned())]);
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        parts.push(Part::Text(rest.to_owned()));
        let path = Self(parts);
        let has_key = path.names().any(|name| name == KEY);
        has_key.then_some(path)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The parameters of the route's path that it needs.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.names().filter(|name| *name != KEY)
    }

    /// The path and query for a request with this key and these path parameters. `None` where a value would make it the path
    /// of something else: as a segment of its own, `.` and `..` cannot be escaped (URL standard, "double-dot URL path segment"), and
    /// between slashes in a value an origin may take them for that, which decodes a path before it resolves it.
    pub(crate) fn fill(&self, key: &str, parameters: &[(String, String)]) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Parameter(name) if name == KEY => filled.extend(utf8_percent_encode(key, ESCAPED)),
                Part::Parameter(name) => {
                    let (_, value) = parameters.iter().find(|(known, _)| known == name)?;
                    // Bytes that are no text cannot be told apart any more.
                    if value.contains(char::REPLACEMENT_CHARACTER) {
                        return None;
                    }
                    filled.extend(utf8_percent_encode(value, ESCAPED));
                }
            }
        }
        let is_safe = !filled.starts_with("//") && !has_dots(&filled);
        is_safe.then_some(filled)
    }
}

/// Whether a segment of the path would be resolved away, however the path is read (see [`crate::request::NormalPath`]).
fn has_dots(path_and_query: &str) -> bool {
    let path = path_and_query.split_once('?').map_or(path_and_query, |(path, _)| path);
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let segments = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    segments.filter_map(|segment| segment.split(|byte| *byte == b';').next()).any(|name| matches!(name, b"." | b".."))
}

/// As the configuration has it.
impl fmt::Display for ProbePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Parameter(name) => write!(f, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(path: &str, key: &str) -> Option<String> {
        ProbePath::parse(path).unwrap().fill(key, &[("shop".to_owned(), "a/b".to_owned())])
    }

    #[test]
    fn a_key_is_filled_in_and_cannot_lead_elsewhere() {
        assert_eq!(fill("/by-key/{key}", "order-1").as_deref(), Some("/by-key/order-1"));
        assert_eq!(
            fill("/by-key/{key}", "a/..b?c=d#e%2f é").as_deref(),
            Some("/by-key/a%2F..b%3Fc%3Dd%23e%252f%20%C3%A9")
        );
        for dotted in ["a/../b", "a/.", "./a", "..\\a", "a/..;b/c", "..;"] {
            assert_eq!(fill("/by-key/{key}", dotted), None, "an origin may read {dotted} as another key");
            let shop = [("shop".to_owned(), dotted.to_owned())];
            assert_eq!(ProbePath::parse("/{shop}/{key}").unwrap().fill("k", &shop), None, "{dotted}");
        }
        assert_eq!(fill("/by-key/{key}", "%2e%2e").as_deref(), Some("/by-key/%252e%252e"));
        assert_eq!(fill("/{shop}/by-key?k={key}&x=1", "&").as_deref(), Some("/a%2Fb/by-key?k=%26&x=1"));
        assert_eq!(fill("/by-key/{key}", ".."), None);
        assert_eq!(fill("/by-key/{key}/x", "."), None);
        assert_eq!(fill("/by-key/.{key}", "."), None);
        assert_eq!(fill("/by-key?k={key}", "..").as_deref(), Some("/by-key?k=.."));
        assert_eq!(fill("/{key}", "//evil").as_deref(), Some("/%2F%2Fevil"));
        assert_eq!(ProbePath::parse("/{other}/{key}").unwrap().fill("k", &[]), None);
        let empty = [("shop".to_owned(), String::new())];
        assert_eq!(ProbePath::parse("/{shop}/{key}").unwrap().fill("k", &empty), None, "it would be another host");
        let odd = [("shop".to_owned(), "\u{fffd}".to_owned())];
        assert_eq!(ProbePath::parse("/{shop}/{key}").unwrap().fill("k", &odd), None);
    }

    #[test]
    fn a_probe_is_a_path_with_the_key_in_it() {
        let bad = ["", "by-key/{key}", "/by-key", "/by-key/{id}", "//a/{key}", "/a b/{key}", "/a/{key", "/a/key}{key}"];
        let worse =
            ["/a/../{key}", "/a/%2E/{key}", "/{key}#x", "/_oncegate/{key}", "/{}/{key}", "/{{key}}", "/é/{key}"];
        for text in bad.into_iter().chain(worse) {
            assert_eq!(ProbePath::parse(text), None, "{text}");
        }
        let path = ProbePath::parse("/{shop}/{key}/{shop}").unwrap();
        assert_eq!(path.parameters().collect::<Vec<_>>(), ["shop", "shop"]);
    }
}
