//! Who is asking: what keeps one caller's records from another's.

use super::RequestUrl;
use crate::config::{Scope, ScopeSource};

/// One part of the scope: which source, and its value in this request.
pub(super) type ScopePart = (String, Vec<u8>);

/// Reads the scope of a request. `Err` names the source that is absent.
///
/// Public is no part at all, which no list of sources can be: a list is never empty.
pub(super) fn read(
    scope: &Scope,
    url: &RequestUrl<'_>,
    parameters: &[(String, String)],
    header: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<ScopePart>, String> {
    let sources = match scope {
        Scope::Public => return Ok(Vec::new()),
        Scope::Sources(sources) => sources,
    };
    let part = |source: &ScopeSource| {
        let value = match source {
            ScopeSource::Header(name) => header(name),
            ScopeSource::Path(wanted) => {
                parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
            }
            ScopeSource::Host => Some(url.host.to_owned()),
        };
        match value {
            Some(value) if !value.is_empty() && !value.contains(char::REPLACEMENT_CHARACTER) => {
                Ok((source.describe(), value.into_bytes()))
            }
            _ => Err(format!("It must have {}: keys are kept apart by it.", source.describe())),
        }
    };
    sources.iter().map(part).collect()
}
