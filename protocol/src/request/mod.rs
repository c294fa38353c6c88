//! From a request to its identity: route, key, scope, record id and fingerprint.

mod admission;
mod fingerprint;
mod json;
mod key;
mod path;
mod scope;
mod url;

pub use admission::{Admission, ByBytes, ByJson, Identity, OWN_PATHS, Place, RequestHead, Unidentified, admit};
pub use path::NormalPath;
pub use url::RequestUrl;
