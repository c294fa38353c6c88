//! What the key and the scope of a request were read from, for a person who asks. Nothing is decided by it.

use super::key::KeyPart;
use super::scope::WholeScope;
use crate::config::Route;

/// Which source gave what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The sources of the key as the configuration has them, each with what it gave, in the form that is compared.
    pub key: Vec<(String, String)>,
    /// The sources of the scope as clients know them, each with its value; none where everybody shares keys.
    pub scope: Vec<(String, String)>,
}

impl Reading {
    pub(super) fn of(route: &Route, key: &[KeyPart], scope: &WholeScope) -> Self {
        let key = route.key.iter().zip(key).map(|(source, part)| (source.to_string(), part.as_str().to_owned()));
        let told = |(source, value): &(String, Vec<u8>)| (source.clone(), String::from_utf8_lossy(value).into_owned());
        Self { key: key.collect(), scope: scope.parts().iter().map(told).collect() }
    }
}
