//! Scopes by claims of a JSON Web Token (RFC 7519), whose signature is verified before anything is made of them: an
//! unverified claim would let anyone read another's replies.
//!
//! 1. `Authorization` has a bearer token (RFC 6750, section 2.1); [`token`] reads it as a signed one in compact form
//!    (RFC 7515, section 7.1). Only asymmetric algorithms are known: [`algorithm`].
//! 2. [`claims`] checks `iss`, `aud`, `exp` and `nbf`, and takes the claims that the scope wants. This comes before the
//!    signature, so that a token which would be refused anyway costs no key.
//! 3. [`keys`] has the issuer's keys, each bound to one algorithm (RFC 8725, section 3.1), and [`key_sets`] says when they
//!    are fetched. Nothing in a token says where its key is: `jwk`, `jku`, `x5c` and `x5u` are not read.
//! 4. The Worker has the platform verify the signature; [`pending`] takes its word, and only then is there an identity.

mod algorithm;
mod claims;
mod fault;
mod key_sets;
mod keys;
mod pending;
mod token;

pub use key_sets::{FetchedKeys, KeySets};
pub use pending::{ByToken, NextStep, Signature, Unverified, Verification};

pub(super) use pending::{VerifiedClaims, scope_parts};
pub(super) use token::bearer;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes from base64url without padding (RFC 7515, section 2). Each text has one reading, and no two texts have the same.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
