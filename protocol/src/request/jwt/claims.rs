//! What the claims of a token must be (RFC 7519, section 4.1).

use serde_json::{Map, Value};

use super::fault::TokenFault;
use crate::config::TokenIssuer;
use crate::limits;
use crate::time::Timestamp;

/// Checks that a token is of this issuer's, for this audience, and that now is its time.
pub(super) fn check(claims: &Map<String, Value>, issuer: &TokenIssuer, now: Timestamp) -> Result<(), TokenFault> {
    if claims.get("iss").and_then(Value::as_str) != Some(&issuer.issuer) {
        return Err(TokenFault::OtherIssuer);
    }
    if !is_for(claims.get("aud"), issuer.audience.as_deref()) {
        return Err(TokenFault::OtherAudience);
    }
    let expiry = claims.get("exp").and_then(point_in_time).ok_or(TokenFault::NoExpiry)?;
    if now >= expiry.after(limits::TOKEN_CLOCK_LEEWAY) {
        return Err(TokenFault::Expired);
    }
    let begins = match claims.get("nbf") {
        None => None,
        Some(value) => Some(point_in_time(value).ok_or(TokenFault::NotYetValid)?),
    };
    if begins.is_some_and(|begins| now.after(limits::TOKEN_CLOCK_LEEWAY) < begins) {
        return Err(TokenFault::NotYetValid);
    }
    Ok(())
}

/// Whether a token is for an audience. One that is for somebody is not for a gate that has no name.
fn is_for(claim: Option<&Value>, audience: Option<&str>) -> bool {
    match (claim, audience) {
        (None, None) => true,
        (Some(Value::String(one)), Some(audience)) => one == audience,
        (Some(Value::Array(several)), Some(audience)) => {
            several.iter().all(Value::is_string) && several.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519, section 2, "NumericDate").
fn point_in_time(value: &Value) -> Option<Timestamp> {
    let millis = value.as_f64()? * 1000.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float cast saturates")]
    Some(Timestamp::from_millis(millis as u64))
}

/// A claim's value as a part of a scope: as JSON, so that the text `"7"` is not the number 7.
pub(super) fn value(claims: &Map<String, Value>, name: &str) -> Result<Vec<u8>, TokenFault> {
    let fits = |value: &&Value| match value {
        Value::String(text) => (1..=limits::CLAIM_BYTES).contains(&text.len()),
        Value::Number(number) => !number.is_f64(),
        _ => false,
    };
    let value = claims.get(name).filter(fits).map(|value| value.to_string().into_bytes());
    value.ok_or_else(|| TokenFault::Claim(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Config, Scope, Variables};

    /// As a route's configuration has it.
    fn issuer(audience: Option<&str>) -> TokenIssuer {
        let mut jwt = json!({ "jwks": "https://a/keys", "issuer": "https://a" });
        if let Some(audience) = audience {
            jwt["audience"] = audience.into();
        }
        let routes = json!([{ "name": "r", "path": "/", "scope": ["jwt:sub"], "jwt": jwt }]).to_string();
        let config =
            Config::parse(&Variables { routes: vec![("ROUTES".to_owned(), routes)], ..Variables::default() }).unwrap();
        match &config.routes.routes()[0].scope {
            Scope::Token { issuer, .. } => issuer.clone(),
            other => panic!("{other:?}"),
        }
    }

    const NOW: u64 = 1_800_000_000;

    /// Good claims with one changed, or taken out by null.
    fn checked(name: &str, value: Value, audience: Option<&str>) -> Result<(), TokenFault> {
        let mut claims = json!({ "iss": "https://a", "exp": NOW + 1 });
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
        };
        check(claims.as_object().unwrap(), &issuer(audience), Timestamp::from_millis(NOW * 1000))
    }

    #[test]
    fn a_token_is_of_this_issuer_for_this_audience_and_of_this_time() {
        let leeway = limits::TOKEN_CLOCK_LEEWAY.as_secs();
        for (name, value, audience, expected) in [
            ("iss", json!("https://a"), None, Ok(())),
            ("iss", json!("https://a/"), None, Err(TokenFault::OtherIssuer)),
            ("iss", json!("https://A"), None, Err(TokenFault::OtherIssuer)),
            ("iss", json!(["https://a"]), None, Err(TokenFault::OtherIssuer)),
            ("iss", Value::Null, None, Err(TokenFault::OtherIssuer)),
            ("aud", json!("p"), Some("p"), Ok(())),
            ("aud", json!(["q", "p"]), Some("p"), Ok(())),
            ("aud", json!("q"), Some("p"), Err(TokenFault::OtherAudience)),
            ("aud", json!(["q"]), Some("p"), Err(TokenFault::OtherAudience)),
            ("aud", json!([]), Some("p"), Err(TokenFault::OtherAudience)),
            ("aud", json!(["p", 7]), Some("p"), Err(TokenFault::OtherAudience)),
            ("aud", Value::Null, Some("p"), Err(TokenFault::OtherAudience)),
            ("aud", json!("p"), None, Err(TokenFault::OtherAudience)),
            ("aud", json!([]), None, Err(TokenFault::OtherAudience)),
            ("exp", Value::Null, None, Err(TokenFault::NoExpiry)),
            ("exp", json!("1800000001"), None, Err(TokenFault::NoExpiry)),
            ("exp", json!(NOW - leeway), None, Err(TokenFault::Expired)),
            ("exp", json!(NOW - leeway + 1), None, Ok(())),
            ("exp", json!(1e300), None, Ok(())),
            ("exp", json!(-1e300), None, Err(TokenFault::Expired)),
            ("nbf", json!(NOW), None, Ok(())),
            ("nbf", json!(NOW + leeway), None, Ok(())),
            ("nbf", json!(NOW + leeway + 1), None, Err(TokenFault::NotYetValid)),
            ("nbf", json!((NOW + leeway) as f64 + 0.5), None, Err(TokenFault::NotYetValid)),
            ("nbf", json!("now"), None, Err(TokenFault::NotYetValid)),
        ] {
            assert_eq!(checked(name, value.clone(), audience), expected, "{name} = {value}, audience {audience:?}");
        }
    }

    #[test]
    fn a_scope_is_a_text_or_a_whole_number_and_the_two_differ() {
        let read = |value: Value| super::value(json!({ "sub": value }).as_object().unwrap(), "sub").ok();
        assert_eq!(read(json!("7")), Some(b"\"7\"".to_vec()));
        assert_eq!(read(json!(7)), Some(b"7".to_vec()));
        assert_eq!(read(json!(-7)), Some(b"-7".to_vec()));
        assert!(read(json!("x".repeat(limits::CLAIM_BYTES))).is_some());
        let long = json!("x".repeat(limits::CLAIM_BYTES + 1));
        for other in
            [json!(""), long, json!(7.5), json!(7.0), json!(1e30), json!(true), json!(null), json!(["a"]), json!({})]
        {
            assert_eq!(read(other.clone()), None, "{other}");
        }
        let fault = super::value(&Map::new(), "sub");
        assert_eq!(fault, Err(TokenFault::Claim("sub".to_owned())));
    }
}
