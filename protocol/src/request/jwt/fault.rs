//! What is wrong with a token, in words for its sender. None of them repeats anything of it.

use thiserror::Error;

use crate::limits;
use crate::problem::Problem;

/// Which check a token failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(in super::super) enum TokenFault {
    #[error("is longer than {} bytes", limits::TOKEN_BYTES)]
    TooLong,
    #[error("is not three parts in base64url without padding, joined by dots")]
    NotCompact,
    #[error("has a header or claims that are not a JSON object with each name once")]
    NotJson,
    #[error("is not signed by one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA with Ed25519")]
    Algorithm,
    #[error("has a header parameter crit, of which nothing is understood here")]
    Critical,
    #[error("names its key (kid) by something else than a text")]
    KeyId,
    #[error("is not of the issuer (iss) whose tokens are taken here")]
    OtherIssuer,
    #[error("is not for the audience (aud) whose tokens are taken here")]
    OtherAudience,
    #[error("does not say by a number when it expires (exp)")]
    NoExpiry,
    #[error("has expired (exp)")]
    Expired,
    #[error("is not valid yet (nbf)")]
    NotYetValid,
    #[error("has no claim {0} that is a text of 1 to {max} bytes or a whole number", max = limits::CLAIM_BYTES)]
    Claim(String),
    #[error("is signed with a key that its issuer does not have (kid)")]
    UnknownKey,
    #[error("is signed by another algorithm (alg) than its key is for")]
    OtherAlgorithm,
    #[error("may be signed with several of its issuer's keys and does not say which (kid)")]
    Ambiguous,
    #[error("has a signature that does not hold")]
    Signature,
}

impl From<TokenFault> for Problem {
    fn from(fault: TokenFault) -> Self {
        Self::invalid_token(format!("The bearer token {fault}."))
    }
}
