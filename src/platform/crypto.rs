//! Authenticated encryption by the platform (Web Cryptography API): AES-256-GCM under a key made by HKDF-SHA-256.

use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::bindings::{CryptoKey, decrypt, derive_key, encrypt, import_key};
use super::task::settled;

/// A key for one purpose.
pub struct Cipher(CryptoKey);

impl Cipher {
    /// The key that HKDF-SHA-256 (RFC 5869) makes of a secret for this `salt` and `info`.
    ///
    /// # Errors
    /// Where the platform refuses it.
    pub async fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Self, JsValue> {
        let usage = |names: &[&str]| names.iter().map(|name| JsValue::from_str(name)).collect::<Array>();
        let secret = import_key("raw", &Uint8Array::from(secret), &"HKDF".into(), false, &usage(&["deriveKey"]))?;
        let secret: CryptoKey = settled(secret).await?.unchecked_into();
        let hkdf = JSON::parse(r#"{"name":"HKDF","hash":"SHA-256"}"#)?;
        Reflect::set(&hkdf, &"salt".into(), &Uint8Array::from(salt))?;
        Reflect::set(&hkdf, &"info".into(), &Uint8Array::from(info))?;
        let aes = JSON::parse(r#"{"name":"AES-GCM","length":256}"#)?;
        let key = derive_key(&hkdf, &secret, &aes, false, &usage(&["encrypt", "decrypt"]))?;
        Ok(Self(settled(key).await?.unchecked_into()))
    }

    /// Encrypts and authenticates; 16 bytes more come out than go in. A nonce must never be used twice with the same key.
    ///
    /// # Errors
    /// Where the platform refuses it.
    pub async fn seal(&self, nonce: &[u8], additional: &[u8], plain: &Uint8Array) -> Result<Uint8Array, JsValue> {
        Ok(Uint8Array::new(&settled(encrypt(&parameters(nonce, additional)?, &self.0, plain)?).await?))
    }

    /// Undoes [`Self::seal`].
    ///
    /// # Errors
    /// Where key, nonce, `additional` or `sealed` are not those of then.
    pub async fn open(&self, nonce: &[u8], additional: &[u8], sealed: &Uint8Array) -> Result<Uint8Array, JsValue> {
        Ok(Uint8Array::new(&settled(decrypt(&parameters(nonce, additional)?, &self.0, sealed)?).await?))
    }
}

fn parameters(nonce: &[u8], additional: &[u8]) -> Result<JsValue, JsValue> {
    let parameters = Object::new();
    Reflect::set(&parameters, &"name".into(), &"AES-GCM".into())?;
    Reflect::set(&parameters, &"iv".into(), &Uint8Array::from(nonce))?;
    Reflect::set(&parameters, &"additionalData".into(), &Uint8Array::from(additional))?;
    Ok(parameters.into())
}
