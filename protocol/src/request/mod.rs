//! From a request to its identity: route, key, scope, record id and fingerprint.

mod admission;
mod canonical;
mod fingerprint;
mod given;
mod json;
mod jwt;
mod key;
mod path;
mod reading;
mod scope;
mod url;

pub use admission::{
    Admission, ByBytes, ByJson, Guarded, Identity, OWN_PATHS, Place, RequestHead, Unidentified, admit,
};
pub use given::given;
pub(crate) use json::parse as parse_json;
pub use jwt::{ByToken, FetchedKeys, KeySets, NextStep, Signature, Unverified, Verification};
pub use path::NormalPath;
pub use reading::Reading;
pub use url::RequestUrl;
