//! Who is asking: what keeps one caller's records from another's.

use super::RequestUrl;
use super::jwt::{VerifiedClaims, bearer};
use crate::config::{Scope, ScopeSource, TokenIssuer};

/// One part of the scope: which source, and its value in this request.
pub(super) type ScopePart = (String, Vec<u8>);

/// All parts of a request's scope. Only this module makes one, so that none can lack a part.
pub(super) struct WholeScope(Vec<ScopePart>);

impl WholeScope {
    pub(super) fn parts(&self) -> &[ScopePart] {
        &self.0
    }
}

/// What a request's head tells of its scope.
pub(super) enum HeadScope<'c> {
    /// All of it.
    Whole(WholeScope),
    /// The rest is in a token.
    Open(OpenScope<'c>),
}

/// A scope that lacks the claims of a token.
pub(super) struct OpenScope<'c> {
    parts: Vec<ScopePart>,
    /// Whose token it must be.
    pub(super) issuer: &'c TokenIssuer,
    /// Which claims of it are wanted.
    pub(super) claims: &'c [String],
    /// The token, as it was sent.
    pub(super) token: String,
}

impl OpenScope<'_> {
    /// Adds what the token said.
    pub(super) fn complete(mut self, claims: VerifiedClaims) -> WholeScope {
        self.parts.extend(claims.into_parts());
        WholeScope(self.parts)
    }
}

/// Reads the scope of a request. `Err` names the source that is absent.
///
/// Public is no part at all, which no list of sources can be: a list is never empty, and a token has parts of its own.
pub(super) fn read<'c>(
    scope: &'c Scope,
    url: &RequestUrl<'_>,
    parameters: &[(String, String)],
    header: &dyn Fn(&str) -> Option<String>,
    certificate: &dyn Fn() -> Option<String>,
) -> Result<HeadScope<'c>, String> {
    let value = |source: &ScopeSource| match source {
        ScopeSource::Header(name) => header(name),
        ScopeSource::Path(wanted) => parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()),
        ScopeSource::Host => Some(host(url.host)),
        ScopeSource::Cookie(name) => header("cookie").and_then(|cookies| cookie(&cookies, name)),
        ScopeSource::ClientCertificate => certificate(),
    };
    let parts = parts(scope.sources(), value)
        .map_err(|source| format!("The request must have {}: keys are kept apart by it.", source.describe()))?;
    Ok(match scope {
        Scope::Public | Scope::Sources(_) => HeadScope::Whole(WholeScope(parts)),
        Scope::Token { issuer, claims, .. } => {
            let authorization = header("authorization").unwrap_or_default();
            let token = bearer(&authorization).ok_or(NO_TOKEN)?.to_owned();
            HeadScope::Open(OpenScope { parts, issuer, claims, token })
        }
    })
}

/// The parts of a scope, given the value of each source. `Err` has the source whose value is absent, or is none.
pub(super) fn parts(
    sources: &[ScopeSource],
    value: impl Fn(&ScopeSource) -> Option<String>,
) -> Result<Vec<ScopePart>, &ScopeSource> {
    let part = |source| match value(source) {
        Some(value) if !value.is_empty() && !value.contains(char::REPLACEMENT_CHARACTER) => {
            Ok((ScopeSource::describe(source), value.into_bytes()))
        }
        _ => Err(source),
    };
    sources.iter().map(part).collect()
}

const NO_TOKEN: &str =
    "The request must have a bearer token in the header authorization: keys are kept apart by its claims.";

/// A host as one value, however it is written: in lower case, without a dot at its end and without the ports that are usual.
pub(super) fn host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).unwrap_or(&host);
    host.strip_suffix('.').unwrap_or(host).to_owned()
}

/// The value of a cookie (RFC 6265, section 5.4). One that is sent twice with different values is as good as absent: the
/// origin might take the other.
fn cookie(cookies: &str, wanted: &str) -> Option<String> {
    let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(name, _)| name.trim() == wanted).map(|(_, value)| value.trim());
    let value = values.next()?;
    values.all(|other| other == value).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for written in ["shop.example", "SHOP.Example", "shop.example.", "shop.example:443", "shop.example.:80"] {
            assert_eq!(host(written), "shop.example");
        }
        assert_eq!(host("shop.example:8080"), "shop.example:8080");
    }

    #[test]
    fn a_cookie_has_one_value_or_none() {
        assert_eq!(cookie("a=1; session=x=y ;b=2", "session").as_deref(), Some("x=y"));
        assert_eq!(cookie("session=x; session=x", "session").as_deref(), Some("x"));
        assert_eq!(cookie("session=x; session=y", "session"), None);
        assert_eq!(cookie("Session=x; xsession=y; session", "session"), None);
    }
}
