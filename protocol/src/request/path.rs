//! The readings of a path, on which routes are matched.

use percent_encoding::percent_decode_str;

/// Stands for a slash inside a segment, in the text that is matched. It is no character (Unicode, section 23.7).
const SLASH_IN_SEGMENT: char = '\u{ffff}';

/// A path as an origin may read it.
///
/// An origin may decode or tidy a path in many ways before it looks at it, so that a request in an unusual spelling could
/// reach a guarded handler. So there are two readings, and a route guards a request that either of them leads to:
///
/// - the *exact* one splits the path into segments, and then decodes each: `%2F` is a character of its segment;
/// - the *loose* one decodes first, takes `\` for `/`, and cuts matrix parameters (`;a=1`) off.
///
/// Both leave out empty and dotted segments, and a slash at the end. The origin still gets the path as the client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalPath {
    exact: Vec<Vec<u8>>,
    loose: Vec<Vec<u8>>,
}

impl NormalPath {
    /// From a path as sent.
    pub fn parse(path: &str) -> Self {
        let decode = |text: &str| -> Vec<u8> { percent_decode_str(text).collect() };
        let exact = tidy(path.split(['/', '\\']).map(decode));
        let decoded = decode(path);
        let loose = tidy(decoded.split(|byte| matches!(byte, b'/' | b'\\')).map(|segment| {
            let end = segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
            segment.get(..end).unwrap_or_default().to_vec()
        }));
        Self { exact, loose }
    }

    /// The exact reading as text for matching. A slash inside a segment is [another character](Self::parameter) there, and
    /// bytes that are not UTF-8 are U+FFFD.
    pub fn exact(&self) -> String {
        text(&self.exact)
    }

    /// The loose reading as text for matching, where it is another one.
    pub fn loose(&self) -> Option<String> {
        (self.loose != self.exact).then(|| text(&self.loose))
    }

    /// The value of a parameter that was matched.
    pub fn parameter(matched: &str) -> String {
        matched.replace(SLASH_IN_SEGMENT, "/")
    }

    /// The segments of the exact reading: what tells one resource from another.
    pub fn segments(&self) -> &[Vec<u8>] {
        &self.exact
    }
}

fn tidy(segments: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut tidied: Vec<Vec<u8>> = Vec::new();
    for segment in segments {
        match segment.as_slice() {
            b"" | b"." => {}
            b".." => {
                tidied.pop();
            }
            _ => tidied.push(segment),
        }
    }
    tidied
}

fn text(segments: &[Vec<u8>]) -> String {
    if segments.is_empty() {
        return "/".to_owned();
    }
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        let decoded = String::from_utf8_lossy(segment);
        text.extend(decoded.chars().map(|character| if character == '/' { SLASH_IN_SEGMENT } else { character }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(path: &str) -> Vec<String> {
        let path = NormalPath::parse(path);
        core::iter::once(path.exact()).chain(path.loose()).collect()
    }

    #[test]
    fn spellings_of_a_path_are_the_same_path() {
        let same = [
            "/v1/payments",
            "/v1/payments/",
            "//v1//payments",
            "/v1/./payments",
            "/v1/x/../payments",
            "/v1/pay%6dents",
            "/%76%31/payments",
            "/v1/%2e/payments",
            "/v1/x/%2E%2e/payments",
            "/v1\\payments",
            "/../v1/payments",
        ];
        for spelling in same {
            assert_eq!(readings(spelling), ["/v1/payments"], "{spelling}");
            assert_eq!(NormalPath::parse(spelling), NormalPath::parse("/v1/payments"), "{spelling}");
        }
        assert_eq!(readings("/v1/pay%256dents"), ["/v1/pay%6dents"], "decoded once");
    }

    #[test]
    fn what_an_origin_may_read_in_two_ways_has_two_readings() {
        assert_eq!(readings("/v1%2Fpayments"), ["/v1\u{ffff}payments", "/v1/payments"]);
        assert_eq!(readings("/v1/%5cpayments"), ["/v1/\\payments", "/v1/payments"]);
        assert_eq!(readings("/v1/a%2F.."), ["/v1/a\u{ffff}..", "/v1"]);
        assert_eq!(readings("/v1/payments;a=1"), ["/v1/payments;a=1", "/v1/payments"]);
        assert_eq!(NormalPath::parameter("a\u{ffff}b"), "a/b");
    }

    #[test]
    fn different_resources_have_different_segments() {
        let segments = |path: &str| NormalPath::parse(path).segments().to_vec();
        assert_ne!(segments("/a%2Fb"), segments("/a/b"));
        assert_ne!(segments("/a/%ff"), segments("/a/%fe"));
        assert_eq!(segments("/"), segments("/.."));
    }
}
