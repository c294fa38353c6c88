//! What a request asks for, as one digest.

use serde_json::Value;

use super::{NormalPath, json};
use crate::config::Pointer;
use crate::hashing::{BodyDigest, Parts};
use crate::ids::Fingerprint;

const DOMAIN: &str = "oncegate fingerprint 1";

/// What every fingerprint begins with: method, path and query.
pub(super) struct Target(Parts);

impl Target {
    pub(super) fn new(method: &str, path: &NormalPath, query: &str) -> Self {
        let segments = path.segments();
        let parts = Parts::new(DOMAIN).part(method.as_bytes()).count(segments.len());
        let parts = segments.iter().fold(parts, |parts, segment| parts.part(segment));
        Self(parts.part(query.as_bytes()))
    }

    /// With a body whose bytes count.
    pub(super) fn with_bytes(self, body: BodyDigest) -> Fingerprint {
        Fingerprint::from_bytes(self.0.part(b"raw").part(body.as_bytes()).finish())
    }

    /// With a body that does not count.
    pub(super) fn without_body(self) -> Fingerprint {
        Fingerprint::from_bytes(self.0.part(b"none").finish())
    }

    /// With a JSON body, of which all counts but `exclude`, or of that only what `include` names, if it names anything.
    pub(super) fn with_json(self, mut document: Value, include: &[Pointer], exclude: &[Pointer]) -> Fingerprint {
        for pointer in exclude {
            json::exclude(&mut document, pointer);
        }
        let parts = self.0.part(b"json").count(include.len());
        let parts = if include.is_empty() {
            json::digest(parts, &document)
        } else {
            include.iter().fold(parts, |parts, pointer| match document.pointer(pointer.as_str()) {
                Some(value) => json::digest(parts.part(b"present"), value),
                None => parts.part(b"absent"),
            })
        };
        Fingerprint::from_bytes(parts.finish())
    }
}
