//! The checks of the claims, one function each. Each of them can reject a token, and none can accept one.

use std::time::Duration;

use super::Verifier;
use crate::claims::Payload;
use crate::error::{ClaimError, Excerpt, TokenError};
use crate::time::UnixTime;

impl Verifier {
    /// Checks `iss`: it is required, is one string, and equals the configured issuer. The parser rejects an
    /// array.
    pub(super) fn check_issuer(&self, payload: &Payload) -> Result<(), TokenError> {
        let found = payload.issuer().ok_or_else(|| TokenError::claim("iss", ClaimError::Missing))?;
        if found != self.issuer.as_str() {
            return Err(TokenError::IssuerMismatch { found: Excerpt::new(found) });
        }
        Ok(())
    }

    /// Checks `aud`: it is required, and one of its values must be a configured audience.
    pub(super) fn check_audience(&self, payload: &Payload) -> Result<(), TokenError> {
        let mut found = payload.audience().ok_or_else(|| TokenError::claim("aud", ClaimError::Missing))?;
        if found.any(|found| self.audiences.iter().any(|ours| ours.as_str() == found)) {
            return Ok(());
        }
        let found: Vec<&str> = payload.audience().into_iter().flatten().take(8).collect();
        Err(TokenError::AudienceMismatch { found: Excerpt::new(&found.join(" ")) })
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

    pub(super) fn check_required(&self, payload: &Payload) -> Result<(), TokenError> {
        self.required.iter().try_for_each(|requirement| requirement.check(payload.json()))
    }
}
