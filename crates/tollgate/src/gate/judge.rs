//! The steps from a request to a decision.

use std::sync::Weak;

use super::verifiers::Selected;
use super::{Gate, Inner, Mode};
use crate::admission::Admission;
use crate::cache::CachedToken;
use crate::claims::Payload;
use crate::cross_site::is_preflight;
use crate::csrf_verifier;
use crate::error::{AuthError, ClaimError, Excerpt, TokenError};
use crate::key::KeyRefresh;
use crate::rejection::Rejection;
use crate::request::RequestView;
use crate::source::{self, Credential, Joined};
use crate::time::UnixTime;
use crate::verified::Verified;
use crate::verifier_source::VerifierId;
use crate::verify::{Failure, Reading, Unverified, Verifier};

/// The reason why a request is not admitted.
pub(super) struct Refusal<'g> {
    failure: Failure,
    by: RefusedBy<'g>,
}

/// What may change the decision.
enum RefusedBy<'g> {
    /// Nothing: neither keys nor issuers matter.
    Gate,
    /// Newer keys of this verifier.
    Verifier(Selected<'g>),
    /// A verifier for this issuer.
    UnknownIssuer(&'g Inner, Box<str>),
}

impl Refusal<'_> {
    /// Returns a refresh of keys or a lookup of the issuer, if it may change the decision.
    pub(super) fn refresh(&self, now: UnixTime) -> Option<KeyRefresh> {
        match &self.by {
            RefusedBy::Gate => None,
            RefusedBy::Verifier(verifier) => verifier.refresh_after(&self.failure, now),
            RefusedBy::UnknownIssuer(inner, issuer) => inner.verifiers.lookup(issuer, now),
        }
    }

    /// Returns the final error. When the issuer could not be asked for the key, or not be looked up, this is not an
    /// error of the token.
    fn into_error(self, now: UnixTime) -> AuthError {
        let unavailable = match &self.by {
            RefusedBy::Gate => None,
            RefusedBy::Verifier(verifier) => {
                verifier.why_unavailable(&self.failure, now).map(AuthError::KeysUnavailable)
            }
            RefusedBy::UnknownIssuer(inner, issuer) => {
                inner.verifiers.why_unavailable(issuer, now).map(AuthError::IssuerUnavailable)
            }
        };
        unavailable.unwrap_or(self.failure.error)
    }
}

impl From<AuthError> for Refusal<'_> {
    fn from(error: AuthError) -> Self {
        Self { failure: error.into(), by: RefusedBy::Gate }
    }
}

impl From<TokenError> for Refusal<'_> {
    fn from(error: TokenError) -> Self {
        AuthError::InvalidToken(error).into()
    }
}

impl Gate {
    /// Checks the request in this order: token → issuer → verifier → revocation → cross-site → policy.
    pub(super) fn judge<R: RequestView>(&self, request: &R, now: UnixTime) -> Result<Admission, Refusal<'_>> {
        let inner = &*self.0;
        let joined = Joined::new();
        let credential = source::find(request, &inner.sources, &joined).map_err(AuthError::InvalidRequest)?;
        let Some(credential) = credential else {
            let is_admitted = inner.mode == Mode::Optional || (inner.preflights && is_preflight(request));
            return if is_admitted {
                Ok(Admission::anonymous(&inner.style, now))
            } else {
                Err(AuthError::MissingToken.into())
            };
        };
        let verified = self.verify_credential(&credential, now)?;
        self.check_revocation(&verified, now)?;
        self.check_cause(request, &credential, &verified)?;
        if let Some(policy) = &inner.policy {
            policy.check(&verified, now)?;
        }
        let private = !credential.source.is_known_to_caches();
        Ok(Admission::verified_by(verified, private, now))
    }

    /// Rejects the request.
    pub(super) fn reject_refusal<R: RequestView>(
        &self,
        request: &R,
        refusal: Refusal<'_>,
        now: UnixTime,
    ) -> Rejection {
        Rejection::logged(refusal.into_error(now), &self.0.style, request.path())
    }

    fn verify_credential(
        &self,
        credential: &Credential<'_, '_>,
        now: UnixTime,
    ) -> Result<Verified, Refusal<'_>> {
        if let Some(verified) = self.recall(credential.bytes, now)? {
            return Ok(verified);
        }
        let inner = &*self.0;
        let mut payload = Payload::default();
        let unverified = self.read(credential, &mut payload)?;
        let selected = inner.verifiers.select(unverified.payload());
        // Only a verifier that tolerates padding may change the answer to a padded token. One that has not been looked
        // up yet may be such a verifier.
        if let Some(part) = unverified.padded()
            && !(selected.is_none() && inner.verifiers.has_source())
            && !selected.as_ref().is_some_and(|verifier| verifier.tolerates_padding())
        {
            return Err(malformed(credential, TokenError::Encoding { part }).into());
        }
        let Some(verifier) = selected else { return Err(self.unknown_issuer(&unverified)) };
        let verified = match verifier.check(unverified, now, &inner.headers, &inner.style) {
            Ok(verified) => verified,
            Err(failure) => return Err(Refusal { failure, by: RefusedBy::Verifier(verifier) }),
        };
        if let Some(cache) = &inner.cache {
            cache.insert(credential.bytes, CachedToken::new(verified.clone(), verifier.id()));
        }
        Ok(verified)
    }

    #[cold]
    fn unknown_issuer(&self, unverified: &Unverified<'_>) -> Refusal<'_> {
        let Some(issuer) = unverified.payload().issuer() else {
            return TokenError::claim("iss", ClaimError::Missing).into();
        };
        let failure = TokenError::IssuerMismatch { found: Excerpt::new(issuer) }.into();
        Refusal { failure, by: RefusedBy::UnknownIssuer(&self.0, issuer.into()) }
    }

    /// Returns the token from the cache, if its keys are still those that verified it. Everything that time
    /// can change is checked again.
    fn recall(&self, token: &[u8], now: UnixTime) -> Result<Option<Verified>, Refusal<'_>> {
        // Larger tokens are never cached, so they need not be hashed.
        let cache = self.0.cache.as_ref().filter(|_| token.len() <= self.0.max_token_bytes);
        let Some(cached) = cache.and_then(|cache| cache.get(token)) else { return Ok(None) };
        match cached.verifier {
            VerifierId::Listed(index) => match self.0.verifiers.list().get(index) {
                Some(verifier) => {
                    let refused = |error| refused_by(Selected::Listed(index, verifier), error);
                    let still_good = verifier.recheck(&cached.verified, now).map_err(refused)?;
                    Ok(still_good.then_some(cached.verified))
                }
                None => Ok(None),
            },
            VerifierId::Found(known) => self.recall_found(&known, cached.verified, now),
        }
    }

    /// Returns the token from the cache, if the source still has the verifier that accepted it.
    #[cold]
    fn recall_found(
        &self,
        known: &Weak<Verifier>,
        verified: Verified,
        now: UnixTime,
    ) -> Result<Option<Verified>, Refusal<'_>> {
        let Some(verifier) = self.0.verifiers.found_again(known, verified.issuer()) else { return Ok(None) };
        match verifier.recheck(&verified, now) {
            Ok(still_good) => Ok(still_good.then_some(verified)),
            Err(error) => Err(refused_by(verifier, error)),
        }
    }

    /// Parses the token. A text that cannot be a token makes the request malformed, whatever else is wrong with
    /// it.
    fn read<'r>(
        &'r self,
        credential: &Credential<'r, '_>,
        payload: &'r mut Payload,
    ) -> Result<Unverified<'r>, AuthError> {
        let inner = &*self.0;
        let reading = Reading {
            max_bytes: inner.max_token_bytes,
            headers: &inner.headers,
            verifiers: inner.verifiers.list(),
            is_open: inner.verifiers.is_open(),
            may_pad: inner.verifiers.may_pad(),
        };
        let read = Unverified::parse(credential.bytes, &reading, payload);
        let unverified = read.map_err(|error| malformed(credential, error))?;
        // The other parts have been decoded, so they consist of token symbols.
        credential.check_rest(unverified.signature_text()).map_err(AuthError::InvalidRequest)?;
        Ok(unverified)
    }

    fn check_revocation(&self, verified: &Verified, now: UnixTime) -> Result<(), AuthError> {
        let Some(revocations) = &self.0.revocations else { return Ok(()) };
        match revocations.is_revoked(verified, now) {
            Ok(false) => Ok(()),
            Ok(true) => Err(AuthError::InvalidToken(TokenError::Revoked)),
            Err(error) => Err(AuthError::RevocationsUnavailable(error)),
        }
    }

    /// Checks whether another site may have caused a request whose token a browser may have added by itself.
    fn check_cause<R: RequestView>(
        &self,
        request: &R,
        credential: &Credential<'_, '_>,
        verified: &Verified,
    ) -> Result<(), AuthError> {
        if !credential.source.can_be_caused_by_others() || credential.source.trusts_cause_of(request) {
            return Ok(());
        }
        self.0.cross_site.check(request).map_err(AuthError::CrossSite)?;
        match self.0.csrf_verifier.as_deref().filter(|_| credential.source.is_ambient()) {
            Some(verifier) => csrf_verifier::check(verifier, request, || csrf_verifier::session_of(verified))
                .map_err(AuthError::CrossSite),
            None => Ok(()),
        }
    }
}

#[cold]
fn refused_by(verifier: Selected<'_>, error: AuthError) -> Refusal<'_> {
    Refusal { failure: error.into(), by: RefusedBy::Verifier(verifier) }
}

/// Returns the error for a token that cannot be parsed. A text that cannot be a token makes the request malformed.
#[cold]
fn malformed(credential: &Credential<'_, '_>, error: TokenError) -> AuthError {
    credential.check().map_or_else(AuthError::InvalidRequest, |()| AuthError::InvalidToken(error))
}
