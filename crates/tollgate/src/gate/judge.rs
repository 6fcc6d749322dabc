//! The steps from a request to a decision.

use super::{Gate, Mode};
use crate::admission::Admission;
use crate::cache::CachedToken;
use crate::claims::Payload;
use crate::csrf_verifier;
use crate::error::{AuthError, ClaimError, Excerpt, TokenError};
use crate::key::KeyRefresh;
use crate::rejection::Rejection;
use crate::request::RequestView;
use crate::source::{self, Credential};
use crate::time::UnixTime;
use crate::verified::Verified;
use crate::verify::{Unverified, Verifier};

/// The reason why a request is not admitted.
pub(super) struct Refusal<'g> {
    error: AuthError,
    /// The verifier that rejected the token. A refresh of its keys may change the decision.
    by: Option<&'g Verifier>,
}

impl Refusal<'_> {
    /// Returns a refresh of keys, if it may change the decision.
    pub(super) fn refresh(&self, now: UnixTime) -> Option<KeyRefresh> {
        self.by?.refresh_after(&self.error, now)
    }
}

impl From<AuthError> for Refusal<'_> {
    fn from(error: AuthError) -> Self {
        Self { error, by: None }
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
        let credential = source::find(request, &inner.sources).map_err(AuthError::InvalidRequest)?;
        let Some(credential) = credential else {
            return match inner.mode {
                Mode::Required => Err(AuthError::MissingToken.into()),
                Mode::Optional => Ok(Admission::anonymous(&inner.style)),
            };
        };
        let verified = self.verify_credential(&credential, now)?;
        self.check_revocation(&verified, now)?;
        self.check_cause(request, &credential, &verified)?;
        if let Some(policy) = &inner.policy {
            policy.check(&verified)?;
        }
        let private = !credential.source.is_known_to_caches();
        Ok(Admission::verified_by(verified, private))
    }

    /// Rejects the request. When the issuer could not be asked for the key, the response is 503 and does not
    /// say that the token is invalid.
    pub(super) fn reject_refusal(&self, refusal: Refusal<'_>, now: UnixTime) -> Rejection {
        let Refusal { error, by } = refusal;
        match by.and_then(|verifier| verifier.why_unavailable(&error, now)) {
            Some(unavailable) => self.reject(AuthError::KeysUnavailable(unavailable)),
            None => self.reject(error),
        }
    }

    fn verify_credential(
        &self,
        credential: &Credential<'_, '_>,
        now: UnixTime,
    ) -> Result<Verified, Refusal<'_>> {
        if let Some(verified) = self.recall(credential.bytes, now)? {
            return Ok(verified);
        }
        let mut payload = Payload::default();
        let unverified = self.read(credential, &mut payload)?;
        let (index, verifier) = self.verifier_for(&unverified)?;
        let refused = |error| Refusal { error, by: Some(verifier) };
        let verified = verifier.check(unverified, now).map_err(refused)?;
        if let Some(cache) = &self.0.cache {
            cache.insert(credential.bytes, CachedToken::new(verified.clone(), index));
        }
        Ok(verified)
    }

    /// Returns the token from the cache, if its keys are still those that verified it. Everything that time
    /// can change is checked again.
    fn recall(&self, token: &[u8], now: UnixTime) -> Result<Option<Verified>, Refusal<'_>> {
        // Larger tokens are never cached, so they need not be hashed.
        let cache = self.0.cache.as_ref().filter(|_| token.len() <= self.0.max_token_bytes);
        let Some(cached) = cache.and_then(|cache| cache.get(token)) else { return Ok(None) };
        let Some(verifier) = self.0.verifiers.get(cached.verifier) else { return Ok(None) };
        let refused = |error| Refusal { error, by: Some(verifier) };
        let still_good = verifier.recheck(&cached.verified, now).map_err(refused)?;
        Ok(still_good.then_some(cached.verified))
    }

    /// Parses the token. A text that cannot be a token makes the request malformed, whatever else is wrong with
    /// it.
    fn read<'r>(
        &'r self,
        credential: &Credential<'r, '_>,
        payload: &'r mut Payload,
    ) -> Result<Unverified<'r>, AuthError> {
        let inner = &*self.0;
        let read = Unverified::parse(
            credential.bytes,
            inner.max_token_bytes,
            &inner.headers,
            &inner.verifiers,
            payload,
        );
        let unverified = read.map_err(|error| {
            credential.check().map_or_else(AuthError::InvalidRequest, |()| AuthError::InvalidToken(error))
        })?;
        // The other parts have been decoded, so they consist of token symbols.
        credential.check_rest(unverified.signature_text()).map_err(AuthError::InvalidRequest)?;
        Ok(unverified)
    }

    /// Chooses the verifier by the exact `iss`. Until the signature is checked, `iss` only selects an entry of
    /// a list.
    fn verifier_for(&self, unverified: &Unverified<'_>) -> Result<(usize, &Verifier), TokenError> {
        let issuer = unverified.issuer().ok_or_else(|| TokenError::claim("iss", ClaimError::Missing))?;
        let mut verifiers = self.0.verifiers.iter().enumerate();
        verifiers
            .find(|(_, verifier)| verifier.issuer().as_str() == issuer)
            .ok_or_else(|| TokenError::IssuerMismatch { found: Excerpt::new(issuer) })
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
        if !credential.source.can_be_caused_by_others() {
            return Ok(());
        }
        self.cross_site().check(request).map_err(AuthError::CrossSite)?;
        match self.csrf_verifier().filter(|_| credential.source.is_ambient()) {
            Some(verifier) => csrf_verifier::check(verifier, request, || csrf_verifier::session_of(verified))
                .map_err(AuthError::CrossSite),
            None => Ok(()),
        }
    }
}
