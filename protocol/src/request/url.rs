//! The parts of a request's address.

/// An address as the platform gives it: absolute, already parsed and serialised by the URL standard, which resolved dot
/// segments, lower-cased the host and turned backslashes into slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestUrl<'a> {
    /// Host, and port if it is not the scheme's own.
    pub host: &'a str,
    /// Path and query, from the first slash on. Never empty.
    pub path_and_query: &'a str,
    /// The path, still encoded.
    pub path: &'a str,
    /// The query without its question mark, still encoded; empty where there is none.
    pub query: &'a str,
}

impl<'a> RequestUrl<'a> {
    /// Takes an address apart. A fragment is dropped; what is not an address becomes the path `/`.
    pub fn parse(href: &'a str) -> Self {
        let without_fragment = href.split_once('#').map_or(href, |(before, _)| before);
        let rest = without_fragment.split_once("://").map_or("", |(_, rest)| rest);
        let slash = rest.find('/').unwrap_or(rest.len());
        let (host, path_and_query) = rest.split_at_checked(slash).unwrap_or((rest, ""));
        let path_and_query = if path_and_query.is_empty() { "/" } else { path_and_query };
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        Self { host, path_and_query, path, query }
    }

    /// The address of this path and query on the same host. `href` is the address that was parsed.
    pub fn sibling(href: &'a str, path_and_query: &str) -> String {
        let (scheme, _) = href.split_once("://").unwrap_or(("https", ""));
        format!("{scheme}://{}{path_and_query}", Self::parse(href).host)
    }

    /// Name and value of each query parameter, decoded; `None` where one is not UTF-8.
    pub fn parameters(&self) -> impl Iterator<Item = Option<(String, String)>> {
        self.query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
    }

    /// The decoded values of a query parameter, as `application/x-www-form-urlencoded` has it; `None` for one that is not
    /// UTF-8.
    pub fn parameter(&self, wanted: &str) -> impl Iterator<Item = Option<String>> {
        self.query.split('&').filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name).as_deref() == Some(wanted)).then(|| decode(value))
        })
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let url = RequestUrl::parse("https://a.example:8443/v1/x?a=1&b=%2F#f");
        assert_eq!((url.host, url.path, url.query), ("a.example:8443", "/v1/x", "a=1&b=%2F"));
        assert_eq!(url.path_and_query, "/v1/x?a=1&b=%2F");
        assert_eq!(RequestUrl::parse("http://a").path_and_query, "/");
        assert_eq!(RequestUrl::parse("").path_and_query, "/");
        assert_eq!(RequestUrl::parse("http://a//b.example/c").path_and_query, "//b.example/c");
        assert_eq!(RequestUrl::sibling("http://a:1/x?y#z", "/b?c"), "http://a:1/b?c");
    }

    #[test]
    fn a_parameter_is_decoded_and_each_occurrence_is_seen() {
        let url = RequestUrl::parse("http://a/?k=a+b%21&k=2&%6B=3&x=k&bad=%ff");
        let values: Vec<_> = url.parameter("k").collect();
        assert_eq!(values, [Some("a b!".to_owned()), Some("2".to_owned()), Some("3".to_owned())]);
        assert_eq!(url.parameter("bad").collect::<Vec<_>>(), [None]);
    }
}
