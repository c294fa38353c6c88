//! What scripts of other sites may read (Fetch standard, "CORS protocol"). An API says so itself, in its answers and to preflights, which
//! pass through; but of what the gate answers in its place, and adds, the API knows nothing.

use crate::config::Route;
use crate::headers::{REPLAYED, STATUS};
use crate::problem::Case;

/// The header in which a browser says which site's script has sent a request.
pub const SITE: &str = "origin";

/// Headers that an answer gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// In place of those of the same names.
    pub set: Vec<(&'static str, String)>,
    /// Beside those of the same names.
    pub appended: Vec<(&'static str, String)>,
}

/// Who has made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The gate: a problem.
    Gate,
    /// The API; its answer may be a replay of one that another site got.
    Api,
}

impl Maker {
    /// Whose an answer is, by its mark. An attempt that is `not-stored` has brought the API's own answer.
    pub fn of(mark: &str, is_attempt: bool) -> Self {
        let is_gates = Case::of(mark).is_some_and(|case| !(is_attempt && case == Case::NotStored));
        if is_gates { Self::Gate } else { Self::Api }
    }
}

/// What an answer gets so that the script of a site can read it, if the route names that site. `origin` is the request's header of that name.
pub fn readable(route: &Route, origin: Option<&str>, maker: Maker) -> Added {
    if route.cors.is_empty() {
        return Added::default();
    }
    // A cache must not give it to another site, whether this one is named or not.
    let vary = ("vary", "origin".to_owned());
    let Some(site) = origin.filter(|origin| route.cors.iter().any(|site| site == origin)) else {
        return Added { appended: vec![vary], ..Added::default() };
    };
    let mut set = vec![("access-control-allow-origin", site.to_owned())];
    if maker == Maker::Gate {
        // A script that sends cookies could else not read it. There is nothing in a problem that is not in the request.
        set.push(("access-control-allow-credentials", "true".to_owned()));
    }
    let exposed = format!("{STATUS}, {REPLAYED}, retry-after, link");
    Added { set, appended: vec![("access-control-expose-headers", exposed), vary] }
}

/// Whether this is a site as browsers name it in `Origin` (RFC 6454, section 6.2): scheme, host, and the port if it is not the scheme's.
pub fn is_site(text: &str) -> bool {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (host, port) = rest.split_once(':').unwrap_or((rest, "8443"));
    let is_host = !host.is_empty() && host.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
    let is_other_port = !matches!((scheme, port), ("https", "443") | ("http", "80"));
    matches!(scheme, "https" | "http")
        && is_host
        && is_other_port
        && !port.starts_with('0')
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Variables};

    #[test]
    fn what_an_attempt_could_not_store_is_the_api_s_answer() {
        assert_eq!(
            [Maker::of("not-stored", false), Maker::of("unknown", true), Maker::of("missing", false)],
            [Maker::Gate; 3]
        );
        assert_eq!([Maker::of("not-stored", true), Maker::of("created", true), Maker::of("", false)], [Maker::Api; 3]);
    }

    fn route(cors: &str) -> Route {
        let route = format!(r#"[{{ "name": "b", "path": "/b", "scope": "public", "cors": {cors} }}]"#);
        let variables = Variables { routes: vec![("ROUTES".to_owned(), route)], ..Variables::default() };
        Config::parse(&variables).unwrap().routes.routes()[0].clone()
    }

    #[test]
    fn an_answer_is_readable_for_the_sites_that_the_route_names() {
        let (named, other) = ("https://a.example", "https://b.example");
        let (open, closed) = (route(r#"["https://c.example", "https://a.example"]"#), route("[]"));
        assert_eq!(readable(&closed, Some(named), Maker::Gate), Added::default());
        let vary = ("vary", "origin".to_owned());
        for unnamed in [None, Some(other)] {
            let only_vary = Added { set: Vec::new(), appended: vec![vary.clone()] };
            assert_eq!(readable(&open, unnamed, Maker::Gate), only_vary, "{unnamed:?}");
        }
        let allowed = ("access-control-allow-origin", named.to_owned());
        let exposed = "idempotency-status, idempotency-replayed, retry-after, link";
        let appended = vec![("access-control-expose-headers", exposed.to_owned()), vary];
        let of_api = Added { set: vec![allowed.clone()], appended: appended.clone() };
        assert_eq!(readable(&open, Some(named), Maker::Api), of_api);
        let credentials = ("access-control-allow-credentials", "true".to_owned());
        let of_gate = Added { set: vec![allowed, credentials], appended };
        assert_eq!(readable(&open, Some(named), Maker::Gate), of_gate);
    }

    #[test]
    fn sites_are_written_as_browsers_write_them() {
        for good in
            ["https://shop.example", "http://localhost:3000", "https://a-b.example:8443", "http://127.0.0.1:80443"]
        {
            assert_eq!(is_site(good), !good.ends_with("80443"), "{good}");
        }
        let bad = [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://Shop.example",
            "https://shop.example/",
            "https://a.example:443",
        ];
        for bad in bad.into_iter().chain([
            "http://a.example:80",
            "https://a.example:",
            "https://u@a.example",
            "ftp://a.example",
            "https://a:01",
        ]) {
            assert!(!is_site(bad), "{bad}");
        }
    }
}
