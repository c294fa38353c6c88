//! Who is an operator: whoever shows the token.

use core::fmt;

use crate::hashing::Parts;
use crate::limits;

/// The operator's token. Only its digest is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// From its text. `Err` says what is allowed, and nothing of what was given.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // The characters that can stand in a bearer token (RFC 6750, section 2.1).
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        let is_whole = (limits::ADMIN_TOKEN_LEAST..=limits::ADMIN_TOKEN_MOST).contains(&text.len());
        if is_whole && text.trim_end_matches('=').bytes().all(valid) {
            return Ok(Self(digest(text)));
        }
        Err(format!(
            "{} to {} letters, digits and \"-._~+/\", with \"=\" at the end only",
            limits::ADMIN_TOKEN_LEAST,
            limits::ADMIN_TOKEN_MOST
        ))
    }

    /// Whether a request shows it, given its `Authorization` header (RFC 6750, section 2.1; RFC 9110, section 11.1: the
    /// scheme's case does not count).
    ///
    /// Digests are compared, all of them to the end, so that the time it takes tells nothing about the token.
    pub fn is_shown(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|value| value.trim().split_once(' ')) else { return false };
        let shown = digest(token.trim_start());
        let difference = self.0.iter().zip(shown).fold(0, |sum, (a, b)| sum | (a ^ b));
        scheme.eq_ignore_ascii_case("bearer") & (core::hint::black_box(difference) == 0)
    }
}

/// Nothing of it.
impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

fn digest(token: &str) -> [u8; 32] {
    Parts::new("oncegate operator 1").part(token.as_bytes()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let token = AdminToken::parse("0123456789abcdef").unwrap();
        for shown in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", " BEARER   0123456789abcdef "] {
            assert!(token.is_shown(Some(shown)), "{shown}");
        }
        for refused in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer 0123456789ABCDEF",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcdef, Bearer 0123456789abcdef",
        ] {
            assert!(!token.is_shown(Some(refused)), "{refused}");
        }
        assert!(!token.is_shown(None));
    }

    /// Of digests that are compared amiss, some of many would do.
    #[test]
    fn none_of_many_other_tokens_opens() {
        let token = AdminToken::parse("0123456789abcdef").unwrap();
        for number in 0..2_000 {
            assert!(!token.is_shown(Some(&format!("Bearer {number}"))), "{number}");
        }
    }

    #[test]
    fn a_token_that_is_short_or_cannot_be_sent_is_refused_unsaid() {
        for refused in
            ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n", "0123456789=abcdef", &"a".repeat(1025)]
        {
            let error = AdminToken::parse(refused).unwrap_err();
            assert!(refused.is_empty() || !error.contains(refused), "{error}");
        }
        assert!(AdminToken::parse("YWxhZGRpbjpvcGVuc2VzYW1l==").is_ok());
        assert_eq!(format!("{:?}", AdminToken::parse("0123456789abcdef").unwrap()), "AdminToken");
    }
}
