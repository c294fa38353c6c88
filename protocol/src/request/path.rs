//! The normal form of a path, on which routes are matched.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A path in normal form: percent-decoded once, backslashes as slashes, without empty or dotted segments and without a
/// slash at its end.
///
/// An origin may decode or tidy a path in any of these ways before it looks at it, so that a request in an unusual spelling
/// could reach a guarded handler. Matching on the normal form, no spelling slips past its route. The origin still gets the
/// path as the client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalPath(Vec<u8>);

impl NormalPath {
    /// From a path as sent.
    pub fn parse(path: &str) -> Self {
        let decoded: Vec<u8> = percent_decode_str(path).collect();
        let mut segments: Vec<&[u8]> = Vec::new();
        for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')) {
            match segment {
                b"" | b"." => {}
                b".." => {
                    segments.pop();
                }
                other => segments.push(other),
            }
        }
        let mut normal = Vec::with_capacity(decoded.len());
        for segment in segments {
            normal.push(b'/');
            normal.extend_from_slice(segment);
        }
        if normal.is_empty() {
            normal.push(b'/');
        }
        Self(normal)
    }

    /// Its bytes, which need not be UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// As text for matching; bytes that are not UTF-8 become U+FFFD, so that they still match a parameter.
    pub fn as_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_path_is_another_path() {
        let spellings = [
            "/v1/payments",
            "/v1/payments/",
            "//v1//payments",
            "/v1/./payments",
            "/v1/x/../payments",
            "/v1/pay%6dents",
            "/%76%31/payments",
            "/v1%2Fpayments",
            "/v1/%2e/payments",
            "/v1/x/%2E%2e/payments",
            "/v1\\payments",
            "/v1/%5cpayments",
            "/../v1/payments",
        ];
        for spelling in spellings {
            assert_eq!(NormalPath::parse(spelling).as_str(), Some("/v1/payments"), "{spelling}");
        }
        assert_ne!(NormalPath::parse("/v1/pay%256dents").as_str(), Some("/v1/payments"), "decoded once");
    }

    #[test]
    fn the_root_and_bytes_that_are_no_text_are_paths_too() {
        assert_eq!(NormalPath::parse("").as_str(), Some("/"));
        assert_eq!(NormalPath::parse("/..").as_str(), Some("/"));
        let strange = NormalPath::parse("/a/%ff");
        assert_eq!(strange.as_str(), None);
        assert_ne!(strange, NormalPath::parse("/a/%fe"));
    }
}
