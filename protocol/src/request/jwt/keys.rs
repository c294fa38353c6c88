//! An issuer's keys (RFC 7517), each bound to one algorithm.

use serde_json::{Map, Value, json};

use super::super::json as strict;
use super::algorithm::{Algorithm, KeyKind};
use super::fault::TokenFault;
use super::token::Token;
use super::{from_base64url, to_base64url};
use crate::limits;

/// A key that can verify signatures, by one algorithm alone (RFC 8725, section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VerifyingKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    /// The public key as a JWK, made anew from what makes the key and nothing else.
    pub(super) jwk: String,
}

/// The keys of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeySet(Vec<VerifyingKey>);

impl KeySet {
    /// Reads a key set (RFC 7517, section 5). Keys that are not for signatures, or of a kind that is not known, are passed
    /// over, as the RFC asks. The error is for the log.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let document = strict::parse(text)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it is no object with a list keys")?;
        if keys.len() > limits::KEY_SET_KEYS {
            return Err(format!("it has {} keys, and {} are read at most", keys.len(), limits::KEY_SET_KEYS));
        }
        Ok(Self(keys.iter().filter_map(Value::as_object).filter_map(VerifyingKey::parse).collect()))
    }

    /// The key that a token says it is signed with. One that does not say it must fit one key only.
    pub(super) fn find(&self, token: &Token) -> Result<&VerifyingKey, TokenFault> {
        let is_named = |key: &&VerifyingKey| token.key_id.is_none() || key.id == token.key_id;
        let mut fitting = self.0.iter().filter(is_named).filter(|key| key.algorithm == token.algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(TokenFault::Ambiguous),
            (None, _) if self.0.iter().any(|key| is_named(&key)) => Err(TokenFault::OtherAlgorithm),
            (None, _) => Err(TokenFault::UnknownKey),
        }
    }
}

impl VerifyingKey {
    fn parse(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_to_verify = match jwk.get("key_ops") {
            None => true,
            Some(operations) => operations.as_array()?.iter().any(|operation| operation == "verify"),
        };
        let is_for_signatures = jwk.get("use").is_none_or(|purpose| purpose == "sig");
        if !is_to_verify || !is_for_signatures {
            return None;
        }
        let kind = match (text("kty")?, text("crv")) {
            ("RSA", _) => KeyKind::Rsa,
            ("EC", Some("P-256")) => KeyKind::P256,
            ("EC", Some("P-384")) => KeyKind::P384,
            ("OKP", Some("Ed25519")) => KeyKind::Ed25519,
            _ => return None,
        };
        let algorithm = match jwk.get("alg") {
            None => Algorithm::usual_for(kind),
            Some(name) => Algorithm::from_name(name.as_str()?)?,
        };
        let id = match jwk.get("kid") {
            None => None,
            Some(id) => Some(id.as_str()?.to_owned()),
        };
        let member = |name: &str| text(name).and_then(from_base64url);
        (algorithm.key_kind() == kind).then_some(())?;
        Some(Self { id, algorithm, jwk: public_key(kind, member)?.to_string() })
    }
}

/// The members of a public key (RFC 7518, sections 6.2.1 and 6.3.1; RFC 8037, section 2), each as long as it must be.
fn public_key(kind: KeyKind, member: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Value> {
    let of_length = |name: &str, length: usize| {
        member(name).filter(|bytes| bytes.len() == length).map(|bytes| to_base64url(&bytes))
    };
    Some(match kind {
        KeyKind::Rsa => {
            let modulus = member("n").filter(|modulus| is_long_enough(modulus))?;
            let exponent = member("e").filter(|exponent| (1..=4).contains(&exponent.len()))?;
            json!({ "kty": "RSA", "n": to_base64url(&modulus), "e": to_base64url(&exponent) })
        }
        KeyKind::P256 => json!({ "kty": "EC", "crv": "P-256", "x": of_length("x", 32)?, "y": of_length("y", 32)? }),
        KeyKind::P384 => json!({ "kty": "EC", "crv": "P-384", "x": of_length("x", 48)?, "y": of_length("y", 48)? }),
        KeyKind::Ed25519 => json!({ "kty": "OKP", "crv": "Ed25519", "x": of_length("x", 32)? }),
    })
}

/// At least 2048 bits (RFC 7518, section 3.3).
fn is_long_enough(modulus: &[u8]) -> bool {
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let significant = modulus.get(zeros..).unwrap_or_default();
    let has_top_bit = significant.first().is_some_and(|first| *first >= 0x80);
    match significant.len() {
        256 => has_top_bit,
        length => (257..=limits::RSA_MODULUS_BYTES).contains(&length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(fields: Value) -> Value {
        let mut jwk = json!({ "kty": "RSA", "n": to_base64url(&[0xc1; 256]), "e": "AQAB" });
        jwk.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        jwk
    }

    fn ec(curve: &str, length: usize) -> Value {
        let coordinate = to_base64url(&vec![1; length]);
        json!({ "kty": "EC", "crv": curve, "x": coordinate, "y": coordinate })
    }

    fn set(keys: Value) -> KeySet {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    /// The algorithm that a key is bound to, if it is taken.
    fn bound(key: Value) -> Option<Algorithm> {
        set(json!([key])).0.first().map(|key| key.algorithm)
    }

    fn token(algorithm: Algorithm, key_id: Option<&str>) -> Token {
        let key_id = key_id.map(str::to_owned);
        Token { algorithm, key_id, claims: Map::new(), signed: String::new(), signature: Vec::new() }
    }

    #[test]
    fn each_key_is_for_one_algorithm() {
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": to_base64url(&[1; 32]) });
        for (key, algorithm) in [
            (rsa(json!({})), Some(Algorithm::Rs256)),
            (rsa(json!({ "alg": "PS512", "use": "sig", "key_ops": ["verify"] })), Some(Algorithm::Ps512)),
            (ec("P-256", 32), Some(Algorithm::Es256)),
            (ec("P-384", 48), Some(Algorithm::Es384)),
            (ed, Some(Algorithm::Ed25519)),
            (rsa(json!({ "alg": "ES256" })), None),
            (rsa(json!({ "alg": "HS256" })), None),
            (rsa(json!({ "alg": "RSA-OAEP" })), None),
            (rsa(json!({ "alg": 7 })), None),
            (rsa(json!({ "use": "enc" })), None),
            (rsa(json!({ "key_ops": ["encrypt"] })), None),
            (rsa(json!({ "kid": 7 })), None),
            (rsa(json!({ "e": "" })), None),
            (rsa(json!({ "n": to_base64url(&[0xff; 255]) })), None),
            (rsa(json!({ "n": to_base64url(&[0x7f; 256]) })), None),
            (rsa(json!({ "n": to_base64url(&[1; 1025]) })), None),
            (ec("P-256", 31), None),
            (ec("P-384", 32), None),
            (ec("P-521", 66), None),
            (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }), None),
            (json!({ "kty": "OKP", "crv": "X25519", "x": to_base64url(&[1; 32]) }), None),
            (json!({}), None),
            (json!("key"), None),
        ] {
            assert_eq!(bound(key.clone()), algorithm, "{:.300}", key.to_string());
        }
    }

    #[test]
    fn the_platform_gets_the_public_key_and_nothing_else() {
        let keys = set(json!([rsa(json!({ "d": "AQAB", "x5u": "https://evil.example", "kid": "k" }))]));
        let jwk: Value = serde_json::from_str(&keys.0[0].jwk).unwrap();
        let names: Vec<&String> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(names, ["e", "kty", "n"]);
    }

    #[test]
    fn a_token_finds_its_key_by_name_and_algorithm() {
        let keys = set(json!([
            rsa(json!({ "kid": "a" })),
            rsa(json!({ "kid": "b", "alg": "PS256" })),
            rsa(json!({ "kid": "twice" })),
            rsa(json!({ "kid": "twice" })),
            ec("P-256", 32),
        ]));
        let found = |algorithm, id| keys.find(&token(algorithm, id)).map(|key| key.id.clone());
        assert_eq!(found(Algorithm::Rs256, Some("a")), Ok(Some("a".to_owned())));
        assert_eq!(found(Algorithm::Ps256, Some("b")), Ok(Some("b".to_owned())));
        assert_eq!(found(Algorithm::Ps256, None), Ok(Some("b".to_owned())), "it fits one only");
        assert_eq!(found(Algorithm::Es256, None), Ok(None));
        assert_eq!(found(Algorithm::Rs256, Some("b")), Err(TokenFault::OtherAlgorithm));
        assert_eq!(found(Algorithm::Rs256, Some("c")), Err(TokenFault::UnknownKey));
        assert_eq!(
            found(Algorithm::Es256, Some("c")),
            Err(TokenFault::UnknownKey),
            "a key without a name is not any name's"
        );
        assert_eq!(found(Algorithm::Rs256, None), Err(TokenFault::Ambiguous));
        assert_eq!(found(Algorithm::Rs256, Some("twice")), Err(TokenFault::Ambiguous));
        assert_eq!(set(json!([])).find(&token(Algorithm::Rs256, None)), Err(TokenFault::UnknownKey));
    }

    #[test]
    fn what_is_no_key_set_is_an_error() {
        let keys = |count| json!({ "keys": vec![json!({}); count] }).to_string();
        let many = keys(limits::KEY_SET_KEYS + 1);
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, &many] {
            assert!(KeySet::parse(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(KeySet::parse(keys(limits::KEY_SET_KEYS).as_bytes()).is_ok());
    }
}
