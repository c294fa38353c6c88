//! A guarded request between its token and its identity. Each step takes the one before it, and nothing but a signature
//! that holds leads to the end: there is no way to identify a request whose token is not verified.

use core::time::Duration;

use serde_json::{Map, Value};

use super::super::admission::{Guarded, Unscoped};
use super::super::scope::{OpenScope, ScopePart};
use super::key_sets::{KeySets, KeyStep};
use super::keys::VerifyingKey;
use super::token::Token;
use super::{claims, fault::TokenFault};
use crate::config::{KeySetAddress, Route, TokenIssuer};
use crate::problem::Problem;
use crate::time::Timestamp;

/// A guarded request with a token that has not been read.
pub struct ByToken<'c>(Pending<'c>);

/// A guarded request with a token that is well-formed and says what it must. Whether that is true is not known.
pub struct Unverified<'c> {
    pending: Pending<'c>,
    token: Token,
    /// The parts of the scope that it would be, if it held.
    parts: Vec<ScopePart>,
}

/// What to do next for a token.
pub enum NextStep<'c> {
    /// Verify its signature.
    Verify(Verification<'c>),
    /// Fetch its issuer's keys, by GET, bring them to [`KeySets::fetched`], and ask again.
    Fetch(Unverified<'c>),
    /// Wait for so long while another request fetches them, and ask again.
    Wait(Unverified<'c>, Duration),
    /// Refuse the request.
    Refuse(Problem),
}

/// A signature to be verified, by the Web Cryptography API.
pub struct Verification<'c> {
    unverified: Unverified<'c>,
    key: VerifyingKey,
}

/// What the platform says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The key's owner has made it for this token.
    Holds,
    /// Somebody else has made it up, or the token was changed.
    DoesNotHold,
}

struct Pending<'c> {
    request: Unscoped<'c>,
    scope: OpenScope<'c>,
}

/// The parts of a scope that are in a token whose signature holds. Only [`Verification::conclude`] gives them away.
pub(in super::super) struct VerifiedClaims(Vec<ScopePart>);

impl VerifiedClaims {
    pub(in super::super) fn into_parts(self) -> Vec<ScopePart> {
        self.0
    }
}

/// The parts of a scope that these claims are, of a token of this issuer's. They are nobody's word yet.
pub(in super::super) fn scope_parts(
    issuer: &TokenIssuer,
    wanted: &[String],
    claims: &Map<String, Value>,
) -> Result<Vec<ScopePart>, TokenFault> {
    // A claim means what its issuer means by it, so that is a part of the scope.
    let mut parts = vec![("the issuer of a token".to_owned(), issuer.issuer.clone().into_bytes())];
    for name in wanted {
        parts.push((format!("the claim {name} of a token"), claims::value(claims, name)?));
    }
    Ok(parts)
}

impl<'c> ByToken<'c> {
    pub(in super::super) fn new(request: Unscoped<'c>, scope: OpenScope<'c>) -> Self {
        Self(Pending { request, scope })
    }

    /// The route.
    pub fn route(&self) -> &'c Route {
        self.0.request.route()
    }

    /// Reads the token and checks all but its signature.
    ///
    /// # Errors
    /// What the client is told of a token that does not hold: 401.
    pub fn read(self, now: Timestamp) -> Result<Unverified<'c>, Problem> {
        let OpenScope { issuer, claims: wanted, token, .. } = &self.0.scope;
        let token = Token::parse(token)?;
        claims::check(&token.claims, issuer, now)?;
        let parts = scope_parts(issuer, wanted, &token.claims)?;
        Ok(Unverified { pending: self.0, token, parts })
    }
}

impl<'c> Unverified<'c> {
    /// Where the issuer's keys are.
    pub fn key_set(&self) -> &'c KeySetAddress {
        &self.pending.scope.issuer.jwks
    }

    /// Decides what to do next, by what the isolate knows of the issuer's keys.
    pub fn next(self, key_sets: &mut KeySets, now: Timestamp) -> NextStep<'c> {
        match key_sets.step(self.key_set(), &self.token, now) {
            KeyStep::Verify(key) => NextStep::Verify(Verification { unverified: self, key }),
            KeyStep::Fetch => NextStep::Fetch(self),
            KeyStep::Wait(pause) => NextStep::Wait(self, pause),
            KeyStep::Refuse(problem) => NextStep::Refuse(problem),
        }
    }
}

impl<'c> Verification<'c> {
    /// The public key, as the text of a JWK.
    pub fn jwk(&self) -> &str {
        &self.key.jwk
    }

    /// The algorithm, to import the key and to verify with, as JSON text.
    pub fn algorithm(&self) -> &'static str {
        self.key.algorithm.web_crypto()
    }

    /// The bytes that are signed.
    pub fn signed(&self) -> &[u8] {
        self.unverified.token.signed.as_bytes()
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.unverified.token.signature
    }

    /// Where the key came from, for the log.
    pub fn key_set(&self) -> &'c KeySetAddress {
        self.unverified.key_set()
    }

    /// Takes the platform's word on the signature.
    ///
    /// # Errors
    /// What the client is told where it does not hold: 401.
    pub fn conclude(self, signature: Signature) -> Result<Guarded<'c>, Problem> {
        let Unverified { pending: Pending { request, scope }, parts, .. } = self.unverified;
        match signature {
            Signature::Holds => Ok(request.scoped(scope.complete(VerifiedClaims(parts)))),
            Signature::DoesNotHold => Err(TokenFault::Signature.into()),
        }
    }
}
