//! The checks of the claims, one function each. Each of them can reject a token, and none can accept one.

use std::time::Duration;

use super::Verifier;
use crate::claims::Payload;
use crate::error::{ClaimError, Excerpt, TokenError, TokenPart};
use crate::key::VerifyingKey;
use crate::time::UnixTime;
use crate::token::CompactToken;

/// Checks that the key may sign tokens of this issuer. The member `issuer` of its JWK is an issuer, or one with
/// `{tenantid}` in place of the tenant.
pub(super) fn check_key_issuer(key: &VerifyingKey, payload: &Payload) -> Result<(), TokenError> {
    let Some(allowed) = key.issuer() else { return Ok(()) };
    let found = payload.issuer().unwrap_or_default();
    let is_allowed = match allowed.split_once("{tenantid}") {
        Some((before, after)) => found
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/')),
        None => found == allowed,
    };
    if is_allowed { Ok(()) } else { Err(TokenError::KeyIssuerMismatch { allowed: Excerpt::new(allowed) }) }
}

impl Verifier {
    /// Checks that no part of the token is padded, unless the operator tolerates it.
    pub(super) fn check_padding(&self, padded: Option<TokenPart>) -> Result<(), TokenError> {
        match padded {
            Some(part) if !self.padding => Err(TokenError::Encoding { part }),
            _ => Ok(()),
        }
    }

    /// Checks the times. `exp` is required. `nbf` and `iat` are checked when present; `iat` is required when
    /// the age or lifetime is limited.
    pub(super) fn check_times(&self, payload: &Payload, now: UnixTime) -> Result<(), TokenError> {
        let expires_at =
            payload.expires_at().ok_or_else(|| TokenError::claim("exp", ClaimError::Missing))?.floor;
        if now >= expires_at.saturating_add(self.leeway) {
            return Err(TokenError::Expired { expired_at: expires_at, now });
        }
        let latest = now.saturating_add(self.leeway);
        if let Some(not_before) = payload.not_before().map(|date| date.ceil).filter(|date| *date > latest) {
            return Err(TokenError::NotYetValid { not_before, now });
        }
        let Some(issued_at) = payload.issued_at().map(|date| date.ceil) else {
            let needed = self.max_age.is_some() || self.max_lifetime.is_some();
            return if needed { Err(TokenError::claim("iat", ClaimError::Missing)) } else { Ok(()) };
        };
        if issued_at > latest {
            return Err(TokenError::IssuedInFuture { issued_at, now });
        }
        self.check_age(issued_at, expires_at, now)
    }

    fn check_age(&self, issued_at: UnixTime, expires_at: UnixTime, now: UnixTime) -> Result<(), TokenError> {
        let exceeds = |span: Duration, limit: Option<Duration>| limit.filter(|limit| span > *limit);
        let age = now.since(issued_at.saturating_add(self.leeway));
        if let Some(max_age) = exceeds(age, self.max_age) {
            return Err(TokenError::TooOld { issued_at, now, max_age });
        }
        if let Some(max_lifetime) = exceeds(expires_at.since(issued_at), self.max_lifetime) {
            return Err(TokenError::LifetimeTooLong { max_lifetime });
        }
        Ok(())
    }

    /// Rejects claims of other kinds of tokens, unless the operator allows them by name, and rejects `cnf`: a
    /// client that presents a sender-constrained token as a plain bearer token may have stolen it (RFC 9449
    /// §7.2).
    pub(super) fn check_kind(&self, payload: &Payload) -> Result<(), TokenError> {
        if payload.is_sender_constrained() {
            return Err(TokenError::SenderConstrained);
        }
        let mut others = payload.other_kinds().filter(|_| !self.types.is_access_token_only());
        match others.find(|claim| !self.allowed_kinds.iter().any(|allowed| **allowed == **claim)) {
            Some(claim) => Err(TokenError::OtherKindOfToken { claim }),
            None => Ok(()),
        }
    }

    /// Checks that `sub` is a string, and the claims that the operator requires.
    pub(super) fn check_required(&self, payload: &Payload) -> Result<(), TokenError> {
        if payload.has_numeric_subject() && !self.numeric_subject {
            return Err(TokenError::claim("sub", ClaimError::WrongType));
        }
        self.required.iter().try_for_each(|requirement| requirement.check(payload.json()))
    }

    pub(super) fn check_header_members(&self, token: &CompactToken<'_>) -> Result<(), TokenError> {
        self.required_header_members.iter().try_for_each(|(name, value)| {
            let refuse = |error| TokenError::HeaderMember { name: name.clone(), error };
            match token.header_member(name)? {
                Some(found) if *found == **value => Ok(()),
                Some(_) => Err(refuse(ClaimError::WrongValue)),
                None => Err(refuse(ClaimError::Missing)),
            }
        })
    }
}
