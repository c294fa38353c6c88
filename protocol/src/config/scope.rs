//! Who shares keys, and where a request says whose it is.

use core::fmt;

use super::fields::{Expected, Fields, Given};
use super::token_issuer::TokenIssuer;
use super::values;
use crate::limits;

/// Who shares keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    Public,
    /// Who sends the same values here. Never empty.
    Sources(Vec<ScopeSource>),
    /// Who sends a token of this issuer's with the same claims.
    Token {
        /// Whose tokens.
        issuer: TokenIssuer,
        /// The names of the claims. Never empty.
        claims: Vec<String>,
        /// What else must be the same; may be empty.
        others: Vec<ScopeSource>,
    },
}

/// Where a part of the scope is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeSource {
    /// A header, by its name in lower case.
    Header(String),
    /// A parameter in the path.
    Path(String),
    /// The host that the request came for.
    Host,
    /// A cookie.
    Cookie(String),
    /// The client's certificate, which the edge has verified: its SHA-256 fingerprint.
    ClientCertificate,
}

impl Scope {
    pub(super) const EXPECTED: &'static str = "a list of sources such as [\"header:Authorization\"], \"cookie:session\", \
         \"path:merchant\", \"jwt:sub\", \"client-certificate\" or \"host\", or \"public\" where everybody may share keys";

    /// The sources that the request itself has; none where everybody shares keys.
    pub fn sources(&self) -> &[ScopeSource] {
        match self {
            Self::Public => &[],
            Self::Sources(sources) | Self::Token { others: sources, .. } => sources,
        }
    }

    /// All sources as the configuration has them, claims first; none where everybody shares keys.
    pub fn written(&self) -> Vec<String> {
        let claims = match self {
            Self::Token { claims, .. } => claims.as_slice(),
            Self::Public | Self::Sources(_) => &[],
        };
        let others = self.sources().iter().map(ToString::to_string);
        claims.iter().map(|name| format!("jwt:{name}")).chain(others).collect()
    }

    /// From the fields `scope` and `jwt`, which must agree. `None` where they are wrong, which is reported.
    ///
    /// `default` is what it is where it need not be said.
    pub(super) fn parse(fields: &mut Fields<'_>, default: Option<Self>) -> Option<Self> {
        let written = match default {
            Some(default) => Some(fields.or("scope", WrittenScope::NoClaims(default), WrittenScope::parse)),
            None => fields.required("scope", Self::EXPECTED, WrittenScope::parse),
        };
        let issuer = fields.table("jwt", TokenIssuer::EXPECTED, TokenIssuer::parse);
        match (written?, issuer) {
            (WrittenScope::Claims { claims, others }, Given::Right(issuer)) => {
                Some(Self::Token { issuer, claims, others })
            }
            (WrittenScope::Claims { .. }, Given::Absent) => {
                fields.missing("jwt", TokenIssuer::EXPECTED);
                None
            }
            (WrittenScope::Claims { .. }, Given::Wrong) => None,
            (WrittenScope::NoClaims(scope), issuer) => {
                if let Given::Right(issuer) = issuer {
                    let expected = "a table only where the scope has a source such as \"jwt:sub\": \
                        nobody would read it otherwise";
                    fields.wrong("jwt", &format!("the tokens of {}", issuer.issuer), expected);
                }
                Some(scope)
            }
        }
    }
}

/// The field `scope`, before it is known whose tokens it speaks of.
enum WrittenScope {
    Claims { claims: Vec<String>, others: Vec<ScopeSource> },
    NoClaims(Scope),
}

impl WrittenScope {
    fn parse(value: &serde_json::Value) -> Result<Self, Expected> {
        if value.as_str() == Some("public") {
            return Ok(Self::NoClaims(Scope::Public));
        }
        let written = values::list(value, Scope::EXPECTED, WrittenSource::parse)?;
        if !(1..=limits::SCOPE_SOURCES).contains(&written.len()) {
            return Err(format!("{}; at least one and at most {}", Scope::EXPECTED, limits::SCOPE_SOURCES));
        }
        let (mut claims, mut others) = (Vec::new(), Vec::new());
        for source in written {
            match source {
                WrittenSource::Claim(name) => claims.push(name),
                WrittenSource::Other(source) => others.push(source),
            }
        }
        Ok(match claims.is_empty() {
            true => Self::NoClaims(Scope::Sources(others)),
            false => Self::Claims { claims, others },
        })
    }
}

/// One source, as the field `scope` has it.
pub(crate) enum WrittenSource {
    Claim(String),
    Other(ScopeSource),
}

impl WrittenSource {
    pub(crate) fn parse(text: &str) -> Result<Self, Expected> {
        match text.split_once(':') {
            // A claim's name may be anything, such as an address (RFC 7519, section 4.2).
            Some(("jwt", name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            _ => ScopeSource::parse(text).map(Self::Other),
        }
    }
}

impl ScopeSource {
    fn parse(text: &str) -> Result<Self, Expected> {
        match text {
            "host" => return Ok(Self::Host),
            "client-certificate" => return Ok(Self::ClientCertificate),
            _ => {}
        }
        let source = match text.split_once(':') {
            Some(("header", name)) => values::header_name(name).map(Self::Header),
            Some(("path", name)) if !name.is_empty() => Some(Self::Path(name.to_owned())),
            // A cookie's name is a token (RFC 6265, section 4.1.1); upper and lower case are different names.
            Some(("cookie", name)) if values::header_name(name).is_some() => Some(Self::Cookie(name.to_owned())),
            _ => None,
        };
        source.ok_or_else(|| Scope::EXPECTED.to_owned())
    }

    /// What a client calls it.
    pub fn describe(&self) -> String {
        // For every request, as its record's id is made of this too: what formats texts would take longer.
        match self {
            Self::Header(name) => ["the header ", name].concat(),
            Self::Path(name) => ["the path parameter ", name].concat(),
            Self::Host => "the host".to_owned(),
            Self::Cookie(name) => ["the cookie ", name].concat(),
            Self::ClientCertificate => "a client certificate".to_owned(),
        }
    }
}

/// As the configuration has it.
impl fmt::Display for ScopeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Path(name) => write!(f, "path:{name}"),
            Self::Host => f.write_str("host"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::ClientCertificate => f.write_str("client-certificate"),
        }
    }
}
