//! Where the parts of a key are found in a request, and how they are written.

use core::fmt;

use super::fields::Expected;
use super::values;

/// A JSON pointer (RFC 6901) to a value inside a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

impl Pointer {
    /// From its text, or `None` where it is not a pointer to something inside a document.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.starts_with('/') && text.len() <= 1024 && escapes_are_valid(text);
        valid.then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pointer to the value that holds this one, and the name or index of this one in it.
    pub fn split_last(&self) -> (&str, String) {
        let (parent, last) = self.0.rsplit_once('/').unwrap_or(("", ""));
        (parent, last.replace("~1", "/").replace("~0", "~"))
    }
}

/// `~` is followed by 0 or 1.
fn escapes_are_valid(text: &str) -> bool {
    text.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
}

/// Where a part of the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A header, by its name in lower case.
    Header(String),
    /// A value in the JSON body.
    Json(Pointer),
    /// A parameter in the query.
    Query(String),
    /// A parameter in the path.
    Path(String),
}

impl KeySource {
    pub(super) fn parse(text: &str) -> Result<Self, Expected> {
        let expected =
            || "sources such as \"header:Idempotency-Key\", \"json:/id\", \"query:key\" or \"path:id\"".to_owned();
        let (kind, name) = text.split_once(':').ok_or_else(expected)?;
        match kind {
            "header" => values::header_name(name).map(Self::Header),
            "json" => Pointer::parse(name).map(Self::Json),
            "query" if !name.is_empty() => Some(Self::Query(name.to_owned())),
            "path" if !name.is_empty() => Some(Self::Path(name.to_owned())),
            _ => None,
        }
        .ok_or_else(expected)
    }

    /// What a client calls it.
    pub fn describe(&self) -> String {
        match self {
            Self::Header(name) => format!("the header {name}"),
            Self::Json(pointer) => format!("the value at {} in the JSON body", pointer.as_str()),
            Self::Query(name) => format!("the query parameter {name}"),
            Self::Path(name) => format!("the path parameter {name}"),
        }
    }
}

/// As the configuration has it.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Json(pointer) => write!(f, "json:{}", pointer.as_str()),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Path(name) => write!(f, "path:{name}"),
        }
    }
}

/// How the header with a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySyntax {
    /// An RFC 9651 String only, as the draft asks: `"k"`.
    Strict,
    /// Also bare: `k`, which is the same key as `"k"`.
    Lenient,
}

/// What a key must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// Anything.
    Any,
    /// A UUID (RFC 9562) in its usual form; upper and lower case are the same key.
    Uuid,
    /// A ULID; upper and lower case are the same key.
    Ulid,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_has_a_parent_and_a_name_in_it() {
        for (pointer, parent, name) in [
            ("/a", "", "a"),
            ("/a/b", "/a", "b"),
            ("/a/", "/a", ""),
            ("/a~1b/c~0d~1", "/a~1b", "c~d/"),
            ("/~01", "", "~1"),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().split_last(), (parent, name.to_owned()), "{pointer}");
        }
    }

    #[test]
    fn a_source_is_written_and_told_as_it_was_given() {
        for (text, told) in [
            ("header:x-key", "the header x-key"),
            ("json:/a~1b/c", "the value at /a~1b/c in the JSON body"),
            ("query:k", "the query parameter k"),
            ("path:id", "the path parameter id"),
        ] {
            let source = KeySource::parse(text).unwrap();
            assert_eq!((source.to_string().as_str(), source.describe().as_str()), (text, told));
        }
        for bad in ["", "header", "header:", "header:a b", "query:", "path:", "json:", "json:a", "cookie:a"] {
            assert!(KeySource::parse(bad).is_err(), "{bad:?}");
        }
    }
}
