//! Signatures, by the Web Cryptography API.

use js_sys::{Array, JSON, Uint8Array};
use oncegate_protocol::request::{Signature, Verification};
use wasm_bindgen::JsValue;

use super::bindings::{import_key, verify};
use super::task::settled;

/// Checks a signature.
///
/// # Errors
/// Where the platform does not take the key or the algorithm: nothing is known of the signature then.
pub async fn check_signature(verification: &Verification<'_>) -> Result<Signature, JsValue> {
    let algorithm = JSON::parse(verification.algorithm())?;
    let usages = Array::of1(&JsValue::from_str("verify"));
    let jwk = JSON::parse(verification.jwk())?;
    let key = settled(import_key("jwk", &jwk, &algorithm, false, &usages)?).await?;
    let (signature, signed) = (Uint8Array::from(verification.signature()), Uint8Array::from(verification.signed()));
    let holds = settled(verify(&algorithm, &key, &signature, &signed)?).await?;
    Ok(if holds.as_bool() == Some(true) { Signature::Holds } else { Signature::DoesNotHold })
}
