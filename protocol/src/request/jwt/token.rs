//! A signed token in its compact form (RFC 7515, section 7.1), read and not yet believed.

use serde_json::{Map, Value};

use super::super::json;
use super::algorithm::Algorithm;
use super::fault::TokenFault;
use super::from_base64url;
use crate::limits;

/// The token of an `Authorization` header: of the scheme Bearer, whose name has no case (RFC 9110, section 11.1). `None` where
/// there is none.
pub(in super::super) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// What a token says. Nothing of it is to be believed before its signature has been verified.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// By what it says it is signed.
    pub(super) algorithm: Algorithm,
    /// Which key it says it is signed with.
    pub(super) key_id: Option<String>,
    /// Its claims.
    pub(super) claims: Map<String, Value>,
    /// What is signed: header and claims as they were sent.
    pub(super) signed: String,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

impl Token {
    /// Reads a token.
    pub(super) fn parse(compact: &str) -> Result<Self, TokenFault> {
        if compact.len() > limits::TOKEN_BYTES {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = compact.rsplit_once('.').ok_or(TokenFault::NotCompact)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::NotCompact)?;
        // A dot more is no base64url.
        let signature = from_base64url(signature).ok_or(TokenFault::NotCompact)?;
        let header = object(header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::from_name);
        let algorithm = algorithm.ok_or(TokenFault::Algorithm)?;
        if !algorithm.signs_in(signature.len()) {
            return Err(TokenFault::Signature);
        }
        // Extensions that must be understood (RFC 7515, section 4.1.11), and none is.
        if header.contains_key("crit") {
            return Err(TokenFault::Critical);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(TokenFault::KeyId),
        };
        Ok(Self { algorithm, key_id, claims: object(claims)?, signed: signed.to_owned(), signature })
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    let text = from_base64url(part).ok_or(TokenFault::NotCompact)?;
    match json::parse(&text) {
        Ok(Value::Object(map)) => Ok(map),
        // What the reader says may repeat what the token says.
        Ok(_) | Err(_) => Err(TokenFault::NotJson),
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_base64url;
    use super::*;

    fn compact(header: &str, claims: &str) -> String {
        format!("{}.{}.{}", to_base64url(header.as_bytes()), to_base64url(claims.as_bytes()), to_base64url(b"s"))
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        assert_eq!(bearer("Bearer a.b.c"), Some("a.b.c"));
        assert_eq!(bearer("bEARER  a.b.c "), Some("a.b.c"));
        for other in ["", "Bearer", "Bearer ", "Basic a.b.c", "Bearera.b.c", "a.b.c"] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_read_to_what_is_signed() {
        let text =
            compact(r#"{"alg":"PS384","kid":"k","typ":"at+jwt","jku":"https://evil.example"}"#, r#"{"sub":"a"}"#);
        let token = Token::parse(&text).unwrap();
        assert_eq!((token.algorithm, token.key_id.as_deref()), (Algorithm::Ps384, Some("k")));
        assert_eq!(token.claims["sub"], "a");
        assert_eq!((format!("{}.cw", token.signed), token.signature.as_slice()), (text, b"s".as_slice()));
    }

    #[test]
    fn what_is_no_signed_token_is_refused() {
        let good = compact(r#"{"alg":"RS256"}"#, "{}");
        assert!(Token::parse(&good).is_ok());
        for (text, fault) in [
            (String::new(), TokenFault::NotCompact),
            ("a.b".to_owned(), TokenFault::NotCompact),
            (format!("{good}.e30"), TokenFault::NotCompact),
            (format!("{good}="), TokenFault::NotCompact),
            (format!("{good}, Bearer {good}"), TokenFault::NotCompact),
            // The last letter has bits that mean nothing: another text for the same bytes.
            (good.replace(".cw", ".cx"), TokenFault::NotCompact),
            (format!(".{good}"), TokenFault::NotJson),
            (compact("[]", "{}"), TokenFault::NotJson),
            (compact(r#"{"alg":"RS256"}"#, "\"sub\""), TokenFault::NotJson),
            (compact(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#), TokenFault::NotJson),
            (compact(r#"{"alg":"RS256","alg":"RS256"}"#, "{}"), TokenFault::NotJson),
            (compact("{}", "{}"), TokenFault::Algorithm),
            (compact(r#"{"alg":"none"}"#, "{}"), TokenFault::Algorithm),
            (compact(r#"{"alg":"HS256"}"#, "{}"), TokenFault::Algorithm),
            (compact(r#"{"alg":["RS256"]}"#, "{}"), TokenFault::Algorithm),
            (compact(r#"{"alg":"RS256","crit":["exp"],"exp":1}"#, "{}"), TokenFault::Critical),
            (compact(r#"{"alg":"RS256","crit":[]}"#, "{}"), TokenFault::Critical),
            (compact(r#"{"alg":"RS256","kid":7}"#, "{}"), TokenFault::KeyId),
            (
                compact(r#"{"alg":"RS256"}"#, &format!("{{\"a\":\"{}\"}}", "x".repeat(limits::TOKEN_BYTES))),
                TokenFault::TooLong,
            ),
            ("x".repeat(limits::TOKEN_BYTES + 1), TokenFault::TooLong),
            ("x".repeat(limits::TOKEN_BYTES), TokenFault::NotCompact),
        ] {
            assert_eq!(Token::parse(&text).map(|token| token.claims), Err(fault), "{:.80}", text);
        }
    }
}
