//! Where requests go.

/// The origin's address: a scheme and an authority, perhaps with a path that is put in front of each request's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    base: String,
}

const EXPECTED: &str = "an address such as \"https://api.example.com\" or \"http://127.0.0.1:8080/base\", \
     with no user, query or fragment";

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let valid = || -> Option<()> {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            (!authority.is_empty() && authority.bytes().all(is_authority_byte)).then_some(())?;
            let (host, port) = split_port(authority)?;
            (!host.is_empty()).then_some(())?;
            is_host(host, authority.starts_with('[')).then_some(())?;
            port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0)).then_some(())?;
            (path.bytes().all(is_path_byte) && !path.split('/').any(is_dots)).then_some(())
        };
        valid().ok_or(EXPECTED)?;
        Ok(Self { base: text.trim_end_matches('/').to_owned() })
    }

    /// The address of a request, whose path and query these are.
    ///
    /// `path_and_query` begins with `/`. Scheme and authority are fixed before it, so nothing in it can lead to another host.
    pub fn address(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.base)
    }

    /// Whether a path is put in front of each request's own.
    pub fn has_path(&self) -> bool {
        self.base.splitn(4, '/').nth(3).is_some()
    }

    /// The address without a path of a request's own.
    pub fn base(&self) -> &str {
        &self.base
    }
}

/// Host and port of an authority; an IPv6 host stands in brackets.
pub(super) fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

/// What ends in a number must be an IPv4 address (URL standard, "host parsing"): else no request could be sent there.
fn is_host(host: &str, is_in_brackets: bool) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    if is_in_brackets {
        return host.parse::<core::net::Ipv6Addr>().is_ok();
    }
    !host.contains(['[', ']']) && (!is_number || host.parse::<core::net::Ipv4Addr>().is_ok())
}

/// No `@`: a user in an address would be sent as a credential, and can make an address read as another.
pub(super) fn is_authority_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)
}

pub(super) fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_an_authority_and_perhaps_a_path() {
        for good in ["https://api.example.com", "http://127.0.0.1:8080", "http://[::1]:8080/base/", "https://a.b/c/d"] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example.com",
            "ftp://a",
            "https://",
            "https:///x",
            "https://user@a",
            "https://a?x",
            "https://a#x",
            "https://a:0",
            "https://a:99999",
            "https://a:b",
            "https://a/../b",
            "https://a b",
            "HTTPS://a",
            "https://[::1",
            "https://[::1]x",
            "https://[1.2.3.4]",
            "http://1.2.3.4.5",
            "http://1.2.3",
            "http://a.7",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_path_leads_to_another_host() {
        let origin = Origin::parse("https://api.example.com/").unwrap();
        assert_eq!(origin.address("/v1?a=b"), "https://api.example.com/v1?a=b");
        assert_eq!(origin.address("//evil.example/x"), "https://api.example.com//evil.example/x");
        assert_eq!(origin.address("/@evil.example"), "https://api.example.com/@evil.example");
        assert!(!origin.has_path());
        assert!(Origin::parse("https://api.example.com/base").unwrap().has_path());
    }
}
