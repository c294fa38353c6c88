//! Whose tokens a route takes: the table `jwt`.

use core::net::Ipv4Addr;

use super::fields::Fields;
use super::origin::{is_authority_byte, is_path_byte, split_port};
use super::values;

/// The longest address, issuer and audience, in bytes.
const LONGEST: usize = 1024;

/// Whose tokens a route takes, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIssuer {
    /// Where the issuer's keys are.
    pub jwks: KeySetAddress,
    /// What a token's `iss` must be (RFC 7519, section 4.1.1).
    pub issuer: String,
    /// What a token's `aud` must be or have (RFC 7519, section 4.1.3); `None`: a token must be without.
    pub audience: Option<String>,
}

impl TokenIssuer {
    pub(super) const EXPECTED: &'static str = "a table such as { jwks = \"https://issuer.example/.well-known/jwks.json\", \
         issuer = \"https://issuer.example\", audience = \"payments\" }: the scope has a claim of a token";

    /// Reads the table. `None` where something is wrong with it, which is reported.
    pub(super) fn parse(fields: &mut Fields<'_>) -> Option<Self> {
        let jwks =
            fields.required("jwks", KeySetAddress::EXPECTED, |value| values::text(value, KeySetAddress::EXPECTED));
        let jwks = jwks.map(|text| {
            KeySetAddress::parse(&text).or_else(|| {
                // Nor does a secret that may be in the query.
                let shown = values::without_user(text.split_once('?').map_or(text.as_str(), |(address, _)| address));
                fields.wrong("jwks", &format!("\"{shown}\""), KeySetAddress::EXPECTED);
                None
            })
        });
        let name = |expected: &'static str| {
            move |value: &serde_json::Value| {
                let text = value.as_str().filter(|text| (1..=LONGEST).contains(&text.len()));
                text.map(str::to_owned).ok_or_else(|| expected.to_owned())
            }
        };
        let issuer = fields.required("issuer", ISSUER, name(ISSUER));
        let audience = fields.optional("audience", name(AUDIENCE));
        Some(Self { jwks: jwks??, issuer: issuer?, audience })
    }
}

const ISSUER: &str = "a text of 1 to 1024 bytes, which a token's claim iss must be";
const AUDIENCE: &str = "a text of 1 to 1024 bytes, which a token's claim aud must be or have";

/// The address of an issuer's keys (RFC 7517, section 5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeySetAddress(String);

impl KeySetAddress {
    const EXPECTED: &'static str = "an address such as \"https://issuer.example/.well-known/jwks.json\", with no user and no \
         fragment; http only for this machine, such as \"http://127.0.0.1:8080/jwks.json\"";

    /// Who can change the keys on their way could sign tokens. So they come by TLS, unless they do not leave the machine.
    fn parse(text: &str) -> Option<Self> {
        let (is_http, rest) = match text.strip_prefix("https://") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("http://")?),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = split_port(authority)?;
        let valid = text.len() <= LONGEST
            && !host.is_empty()
            && authority.bytes().all(is_authority_byte)
            && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
            && path.bytes().all(|byte| is_path_byte(byte) || byte == b'?')
            && (!is_http || is_loopback(host));
        valid.then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the log shows it: without a query, which may say more than where the keys are.
    pub fn shown(&self) -> &str {
        self.0.split_once('?').map_or(&self.0, |(before, _)| before)
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "::1") || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_tls_or_from_this_machine() {
        for good in [
            "https://issuer.example/.well-known/jwks.json",
            "https://issuer.example:8443/keys?app=7",
            "https://issuer.example",
            "http://127.0.0.1:8080/jwks.json",
            "http://127.1.2.3/",
            "http://[::1]:8080/jwks.json",
            "http://localhost/jwks.json",
        ] {
            assert!(KeySetAddress::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "issuer.example/jwks.json",
            "http://issuer.example/jwks.json",
            "http://127.0.0.1.issuer.example/",
            "http://localhost.issuer.example/",
            "http://127.1/",
            "http://10.0.0.1/",
            "https://me@issuer.example/",
            "https://me:secret@issuer.example/",
            "http://localhost@issuer.example/",
            "https://issuer.example/#keys",
            "https://issuer.example\\keys",
            "https://issuer.example/a b",
            "https://",
            "https:///keys",
            "https://issuer.example:0/",
            "HTTPS://issuer.example/",
            "ftp://issuer.example/",
        ] {
            assert!(KeySetAddress::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_log_shows_no_query() {
        let address = KeySetAddress::parse("https://issuer.example/keys?app=7").unwrap();
        assert_eq!(address.shown(), "https://issuer.example/keys");
        assert_eq!(address.as_str(), "https://issuer.example/keys?app=7");
    }
}
