//! The readings of a path, on which routes are matched.

use percent_encoding::percent_decode_str;

/// Stands for a slash inside a segment, in the text that is matched. It is no character (Unicode, section 23.7).
const SLASH_IN_SEGMENT: char = '\u{ffff}';

/// A path as an origin may read it.
///
/// An origin may decode or tidy a path in many ways before it looks at it, so that a request in an unusual spelling could
/// reach a guarded handler. A route guards a request that any of these readings leads to. They differ in whether the path is
///
/// - split into segments first, or decoded first, by which `%2F`, and perhaps `%5C`, separate segments;
/// - taken with its matrix parameters (`;a=1`), or without, cut off before or after decoding;
/// - rid of empty segments after dotted ones are resolved, as the URL standard has it, or before.
///
/// All leave out empty and dotted segments, and a slash at the end. The origin still gets the path as the client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NormalPath {
    exact: Vec<Vec<u8>>,
    others: Vec<Vec<Vec<u8>>>,
    climbs: bool,
}

impl NormalPath {
    /// From a path as sent.
    pub fn parse(path: &str) -> Self {
        let (exact, mut climbs) = Reading::EXACT.of(path);
        let mut others = Vec::new();
        if may_be_read_otherwise(path) {
            for reading in Reading::all() {
                let (segments, climbs_here) = reading.of(path);
                climbs |= climbs_here;
                if segments != exact && !others.contains(&segments) {
                    others.push(segments);
                }
            }
        }
        Self { exact, others, climbs }
    }

    /// The exact reading, segment by segment as the URL standard has it, as text for matching. A slash inside a segment is
    /// [another character](Self::parameter) there, and bytes that are not UTF-8 are U+FFFD.
    pub fn exact(&self) -> String {
        text(&self.exact)
    }

    /// The other readings, as far as they differ.
    pub fn others(&self) -> impl Iterator<Item = String> {
        self.others.iter().map(|segments| text(segments))
    }

    /// Whether any reading goes above the root. There it means nothing, but behind a path that is put in front it leads elsewhere.
    pub fn climbs(&self) -> bool {
        self.climbs
    }

    /// Whether any reading is of what is below this segment, in any case.
    pub fn is_below(&self, first_segment: &str) -> bool {
        let is_first = |segments: &Vec<Vec<u8>>| {
            segments.first().is_some_and(|segment| segment.eq_ignore_ascii_case(first_segment.as_bytes()))
        };
        is_first(&self.exact) || self.others.iter().any(is_first)
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

/// Nearly all paths have one reading only, and are not read again.
fn may_be_read_otherwise(path: &str) -> bool {
    let is_telling = |after: &str| {
        let escape = after.get(..2).unwrap_or_default();
        ["2f", "5c", "3b", "2e"].into_iter().any(|telling| escape.eq_ignore_ascii_case(telling))
    };
    path.contains([';', '\\']) || path.contains("//") || path.split('%').skip(1).any(is_telling)
}

/// One way to read a path.
#[derive(Clone, Copy)]
struct Reading {
    decodes_first: bool,
    cuts: Cut,
    merges_first: bool,
    /// Whether a decoded backslash separates segments. One that is not encoded always does, by the URL standard.
    splits_at_backslash: bool,
}

/// When matrix parameters are cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    Raw,
    Decoded,
}

impl Reading {
    const EXACT: Self =
        Self { decodes_first: false, cuts: Cut::Never, merges_first: false, splits_at_backslash: false };

    fn all() -> impl Iterator<Item = Self> {
        let choices = [(false, false), (true, false), (true, true)];
        choices.into_iter().flat_map(|(decodes_first, splits_at_backslash)| {
            [Cut::Never, Cut::Raw, Cut::Decoded].into_iter().flat_map(move |cuts| {
                [false, true].map(|merges_first| Self { decodes_first, cuts, merges_first, splits_at_backslash })
            })
        })
    }

    /// The segments, and whether they went above the root.
    fn of(self, path: &str) -> (Vec<Vec<u8>>, bool) {
        let decode = |text: &str| -> Vec<u8> { percent_decode_str(text).collect() };
        let slashed = path.replace('\\', "/");
        let raw = if self.cuts == Cut::Raw { without_parameters(&slashed) } else { slashed };
        let mut segments: Vec<Vec<u8>> = if self.decodes_first {
            let separates = |byte: &u8| *byte == b'/' || (self.splits_at_backslash && *byte == b'\\');
            decode(&raw).split(separates).map(<[u8]>::to_vec).collect()
        } else {
            raw.split('/').map(decode).collect()
        };
        if self.cuts == Cut::Decoded {
            for segment in &mut segments {
                let end = segment.iter().position(|byte| *byte == b';').unwrap_or(segment.len());
                segment.truncate(end);
            }
        }
        if self.merges_first {
            segments.retain(|segment| !segment.is_empty());
        }
        let (mut resolved, climbs) = resolve_dots(segments);
        resolved.retain(|segment| !segment.is_empty());
        (resolved, climbs)
    }
}

/// The path with each segment cut at its semicolon, before anything is decoded.
fn without_parameters(path: &str) -> String {
    let cut = path.split('/').map(|segment| segment.split_once(';').map_or(segment, |(before, _)| before));
    cut.collect::<Vec<_>>().join("/")
}

/// The path before the first slash is empty, and nothing goes above that: whether something tried to is said.
fn resolve_dots(segments: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, bool) {
    let mut resolved: Vec<Vec<u8>> = Vec::new();
    let mut climbs = false;
    for segment in segments {
        match segment.as_slice() {
            b"." => {}
            b".." => {
                // What stands before the first slash is a segment too, and empty.
                climbs |= resolved.iter().filter(|segment| !segment.is_empty()).count() == 0;
                resolved.pop();
            }
            _ => resolved.push(segment),
        }
    }
    (resolved, climbs)
}

fn text(segments: &[Vec<u8>]) -> String {
    if segments.is_empty() {
        return "/".to_owned();
    }
    let mut text = String::new();
    for segment in segments {
        text.push('/');
        let decoded = String::from_utf8_lossy(segment);
        text.extend(decoded.chars().map(|character| match character {
            '/' => SLASH_IN_SEGMENT,
            SLASH_IN_SEGMENT => char::REPLACEMENT_CHARACTER,
            other => other,
        }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(path: &str) -> Vec<String> {
        let path = NormalPath::parse(path);
        let mut others: Vec<String> = path.others().collect();
        others.sort();
        core::iter::once(path.exact()).chain(others).collect()
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
            "/v1/payments//",
            "/%76%31/payments",
            "/v1/%2e/payments",
            "/v1/x/%2E%2e/payments",
            "/v1\\payments",
            "/../v1/payments",
        ];
        for spelling in same {
            assert_eq!(readings(spelling), ["/v1/payments"], "{spelling}");
            assert_eq!(
                NormalPath::parse(spelling).segments(),
                NormalPath::parse("/v1/payments").segments(),
                "{spelling}"
            );
        }
        assert_eq!(readings("/v1/pay%256dents"), ["/v1/pay%6dents"], "decoded once");
    }

    #[test]
    fn a_path_that_goes_above_its_root_in_any_reading_is_known() {
        for path in ["/..", "/../a", "/%2e%2e/a", "/..\\a", "/x/../../a", "/..%2fa", "/%2e%2e%5Ca", "/a;x/..;y/../b"] {
            assert!(NormalPath::parse(path).climbs(), "{path}");
        }
        for path in ["/", "/a/..", "/a/b/../../c", "/...", "/a..", "/a/./b", "/a%2f..%2fb"] {
            assert!(!NormalPath::parse(path).climbs(), "{path}");
        }
    }

    #[test]
    fn what_stands_for_a_slash_cannot_be_sent() {
        assert_ne!(readings("/a%2Fb"), readings("/a%EF%BF%BFb"));
        assert_eq!(readings("/a%EF%BF%BFb"), ["/a\u{fffd}b"]);
    }

    #[test]
    fn what_an_origin_may_read_otherwise_has_other_readings() {
        assert_eq!(readings("/v1%2Fpayments"), ["/v1\u{ffff}payments", "/v1/payments"]);
        assert_eq!(readings("/v1/payments;a=1"), ["/v1/payments;a=1", "/v1/payments"]);
        assert_eq!(readings("/v1/x//../../payments"), ["/v1/payments", "/payments"]);
        assert_eq!(readings("/v1/payments//.."), ["/v1/payments", "/v1"]);
        assert_eq!(NormalPath::parameter("a\u{ffff}b"), "a/b");
        let guarded = [
            "/v1/%5cpayments",
            "/v1/payments/a%2F..",
            "/v1/payments/x%2F%2F..",
            "/x/..;/v1/payments",
            "/v1/payments%3Ba",
            "/v1/payments;x%2Fy",
            "/v1;a%2Fb/payments",
            "/v1/payments;a=1%2f..%2fz",
            "/v1/payments%3Bx%2Fy",
            "/v1/payments/a%5Cb%2F..",
            "/v1/payments/..;%2F..",
            "/v1/a;x%2F/..%2Fpayments",
        ];
        for path in guarded {
            assert!(readings(path).contains(&"/v1/payments".to_owned()), "{path}: {:?}", readings(path));
        }
        assert!(readings("/v1/orders/a%2Fb/pay;v=1").contains(&"/v1/orders/a\u{ffff}b/pay".to_owned()));
    }

    #[test]
    fn different_resources_have_different_segments() {
        let segments = |path: &str| NormalPath::parse(path).segments().to_vec();
        assert_ne!(segments("/a%2Fb"), segments("/a/b"));
        assert_ne!(segments("/a/%ff"), segments("/a/%fe"));
        assert_eq!(segments("/"), segments("/.."));
    }
}
