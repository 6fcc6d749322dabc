//! [`Gate`]: the immutable whole that admits or refuses requests.

mod cause;
mod decision;

use std::sync::Arc;

pub use decision::Decision;

use crate::admission::Admission;
use crate::cache::{CacheLimits, CachedToken, TokenCache};
use crate::challenge::Protection;
use crate::claims::Payload;
use crate::cross_site::CrossSite;
use crate::csrf_verifier::CsrfVerifier;
use crate::error::{AuthError, ClaimError, ConfigError, Excerpt, TokenError};
use crate::known_headers::KnownHeaders;
use crate::metadata::ResourceMetadata;
use crate::per_thread_arc::PerThreadArc;
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::request::RequestView;
use crate::revocation::Revocations;
use crate::source::{self, Credential, TokenSource};
use crate::time::{Clock, SystemClock, UnixTime};
use crate::verified::Verified;
use crate::verify::{Unverified, Verifier};

/// Everything that decides whether a request is admitted: where tokens are looked for, whose are accepted, what they
/// have to grant, and what is answered otherwise.
///
/// Build one when the application starts and give it to the adapter of your framework. It never changes afterwards;
/// cloning it is cheap, on many threads at once too.
///
/// ```
/// use tollgate::{Gate, Policy, TokenSource, Verifier, VerifyingKey};
///
/// # fn build(key: VerifyingKey) -> Result<Gate, tollgate::ConfigError> {
/// let gate = Gate::new(Verifier::new(key, "https://issuer.example", "api://demo"))
///     .with_sources([TokenSource::bearer(), TokenSource::cookie("__Host-Http-at")?])
///     .with_realm("orders")?
///     .with_policy(Policy::scope("orders"));
/// # Ok(gate) }
/// ```
#[derive(Clone, Debug)]
pub struct Gate(PerThreadArc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    verifiers: Vec<Verifier>,
    sources: Vec<TokenSource>,
    mode: Mode,
    policy: Option<Policy>,
    revocations: Option<Arc<dyn Revocations>>,
    cross_site: CrossSite,
    csrf_verifier: Option<Arc<dyn CsrfVerifier>>,
    /// Verifiers have it too, and give it to the tokens they verify.
    protection: Arc<Protection>,
    clock: Arc<dyn Clock>,
    max_token_bytes: usize,
    /// One for all verifiers: a header is read before its issuer is known.
    headers: Arc<KnownHeaders>,
    /// PerThreadArc by clones that differ in what is decided anew for each request; replaced when verifiers change.
    cache: Option<Arc<TokenCache>>,
}

impl Inner {
    /// Tokens remember how refusals read, so those of before are forgotten.
    fn protect(&mut self, protection: Protection) {
        self.protection = Arc::new(protection);
        for verifier in &mut self.verifiers {
            *verifier = verifier.clone().refusing_as(Arc::clone(&self.protection));
        }
        self.forget_tokens();
    }

    /// For a gate that differs from the one before in what cached tokens depend on.
    fn forget_tokens(&mut self) {
        self.cache = self.cache.as_ref().map(|cache| Arc::new(TokenCache::new(cache.limits())));
    }
}

/// What becomes of a request without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Required,
    Optional,
}

impl Gate {
    /// A gate that requires a token which `verifier` accepts, in `Authorization: Bearer`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self(PerThreadArc::new(Inner {
            max_token_bytes: verifier.max_token_bytes(),
            headers: Arc::clone(verifier.known_headers()),
            protection: Arc::clone(verifier.protection()),
            verifiers: vec![verifier],
            sources: vec![TokenSource::bearer()],
            mode: Mode::Required,
            policy: None,
            revocations: None,
            cross_site: CrossSite::new(),
            csrf_verifier: None,
            clock: Arc::new(SystemClock::new()),
            cache: Some(Arc::new(TokenCache::new(CacheLimits::default()))),
        }))
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.0);
        change(&mut inner);
        Self(PerThreadArc::new(inner))
    }

    /// Accepts tokens of one more issuer. Its keys never verify another issuer's tokens: the verifier is chosen by
    /// the exact `iss` before any key is looked up.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateIssuer`] when there is a verifier for its issuer already.
    pub fn with_verifier(self, verifier: Verifier) -> Result<Self, ConfigError> {
        if self.0.verifiers.iter().any(|known| known.issuer() == verifier.issuer()) {
            return Err(ConfigError::DuplicateIssuer { issuer: verifier.issuer().into() });
        }
        Ok(self.change(|inner| {
            inner.max_token_bytes = inner.max_token_bytes.max(verifier.max_token_bytes());
            let verifier = verifier.sharing(Arc::clone(&inner.headers));
            inner.verifiers.push(verifier.refusing_as(Arc::clone(&inner.protection)));
            inner.forget_tokens();
        }))
    }

    /// Looks for tokens in these places instead of `Authorization: Bearer` alone. A place named twice is looked at
    /// once. With none at all every request is refused, and the log says so once: that is more likely a mistake in the
    /// settings than a wish.
    #[must_use]
    pub fn with_sources(self, sources: impl IntoIterator<Item = TokenSource>) -> Self {
        let mut distinct: Vec<TokenSource> = Vec::new();
        for source in sources {
            if !distinct.contains(&source) {
                distinct.push(source);
            }
        }
        if distinct.is_empty() {
            tracing::error!("gate without token sources; it will refuse every request");
        }
        self.change(|inner| inner.sources = distinct)
    }

    /// Whether this header field may hold a token, so that it should not be printed. The name is in lower case.
    #[must_use]
    pub fn is_credential_header(&self, name: &str) -> bool {
        let mut own_fields = self.0.sources.iter().filter_map(TokenSource::own_field);
        matches!(name, "authorization" | "cookie") || own_fields.any(|field| field == name)
    }

    /// Whether it looks at nothing of a request but its header fields: it has no source that other sites can make a browser
    /// use, so neither method nor target matter. For adapters, where showing those is not for nothing.
    #[must_use]
    pub fn needs_headers_only(&self) -> bool {
        !self.0.sources.iter().any(TokenSource::can_be_caused_by_others)
    }

    /// Lets requests without a token pass as anonymous. A bad token is still refused: it is never the same as none.
    #[must_use]
    pub fn with_optional_token(self) -> Self {
        self.change(|inner| inner.mode = Mode::Optional)
    }

    /// Requires this of every token. In optional mode it is not asked of anonymous requests.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        self.change(|inner| inner.policy = Some(policy))
    }

    /// Asks these revocations on every admission, and no others that were set before. Two of them are given as a pair.
    #[must_use]
    pub fn with_revocations(self, revocations: impl Revocations) -> Self {
        self.change(|inner| inner.revocations = Some(Arc::new(revocations)))
    }

    /// The realm of challenges (RFC 9110 §11.5). The default is `api`.
    ///
    /// # Errors
    /// [`ConfigError::Text`] unless it is printable ASCII without quotes and backslashes.
    pub fn with_realm(self, realm: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let protection = self.0.protection.with_realm(realm.into())?;
        Ok(self.change(|inner| inner.protect(protection)))
    }

    /// Adds `resource_metadata` to challenges (RFC 9728 §5.1). The document itself is the application's to serve.
    #[must_use]
    pub fn with_resource_metadata(self, metadata: &ResourceMetadata) -> Self {
        let protection = self.0.protection.with_metadata(metadata);
        self.change(|inner| inner.protect(protection))
    }

    /// Bounds the cache of verified tokens. See [`CacheLimits`] for what it keeps and what it checks again.
    #[must_use]
    pub fn with_cache(self, limits: CacheLimits) -> Self {
        self.change(|inner| inner.cache = Some(Arc::new(TokenCache::new(limits))))
    }

    /// Turns the cache off: every token is verified from scratch, and none is kept in memory.
    #[must_use]
    pub fn without_cache(self) -> Self {
        self.change(|inner| inner.cache = None)
    }

    /// Takes the time from this clock. For tests.
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.change(|inner| inner.clock = Arc::new(clock))
    }

    /// The time by the gate's clock: what an adapter passes to [`admit`](Self::admit).
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.0.clock.now()
    }

    /// Decides on `request` at `now`. Does not wait, and locks nothing while it checks a signature.
    pub fn admit<R: RequestView>(&self, request: &R, now: UnixTime) -> Decision {
        let mut refused_by = None;
        let error = match self.judge(request, now, &mut refused_by) {
            Ok(admission) => return Decision::Admitted(admission),
            Err(error) => error,
        };
        match refused_by.and_then(|verifier| verifier.refresh_after(&error, now)) {
            Some(refresh) => Decision::AwaitKeys(refresh),
            None => Decision::Refused(self.refuse_for_good(error, refused_by, now)),
        }
    }

    /// Decides again after a refresh, for good.
    ///
    /// # Errors
    /// The [`Rejection`] when the request is not admitted.
    pub fn admit_after_refresh<R: RequestView>(
        &self,
        request: &R,
        now: UnixTime,
    ) -> Result<Admission, Rejection> {
        let mut refused_by = None;
        let judged = self.judge(request, now, &mut refused_by);
        judged.map_err(|error| self.refuse_for_good(error, refused_by, now))
    }

    /// The answer to `error` under this gate's realm, logged.
    #[must_use]
    pub fn refuse(&self, error: AuthError) -> Rejection {
        Rejection::logged(error, &self.0.protection)
    }

    /// The client hears of a bad token only when the issuer has been asked for its key.
    fn refuse_for_good(&self, error: AuthError, refused_by: Option<&Verifier>, now: UnixTime) -> Rejection {
        match refused_by.and_then(|verifier| verifier.why_unavailable(&error, now)) {
            Some(why_unavailable) => self.refuse(AuthError::KeysUnavailable(why_unavailable)),
            None => self.refuse(error),
        }
    }

    /// The order: token → issuer → verifier → revocation → cross-site → policy. When it is the verifier that
    /// refuses, `refused_by` names it, as its keys may be refreshed.
    fn judge<'g, R: RequestView>(
        &'g self,
        request: &R,
        now: UnixTime,
        refused_by: &mut Option<&'g Verifier>,
    ) -> Result<Admission, AuthError> {
        let inner = &*self.0;
        let credential = source::find(request, &inner.sources).map_err(AuthError::InvalidRequest)?;
        let Some(credential) = credential else {
            return match inner.mode {
                Mode::Required => Err(AuthError::MissingToken),
                Mode::Optional if inner.sources.is_empty() => Err(AuthError::MissingToken),
                Mode::Optional => Ok(Admission::anonymous(&inner.protection)),
            };
        };
        let verified = self.verify(&credential, now, refused_by)?;
        self.check_revocation(&verified, now)?;
        self.check_cause(request, &credential, &verified)?;
        if let Some(policy) = &inner.policy {
            policy.check(&verified)?;
        }
        let private = !credential.source.is_known_to_caches();
        Ok(Admission::verified_by(verified, private))
    }

    fn verify<'g>(
        &'g self,
        credential: &Credential<'_, '_>,
        now: UnixTime,
        refused_by: &mut Option<&'g Verifier>,
    ) -> Result<Verified, AuthError> {
        if let Some(verified) = self.recall(credential.bytes, now, refused_by)? {
            return Ok(verified);
        }
        let mut payload = Payload::default();
        let unverified = self.read(credential, &mut payload)?;
        let (index, verifier) = self.verifier_for(&unverified).map_err(AuthError::InvalidToken)?;
        let verified = verifier.check(unverified, now).inspect_err(|_error| *refused_by = Some(verifier))?;
        if let Some(cache) = &self.0.cache {
            cache.insert(credential.bytes, CachedToken::new(verified.clone(), index));
        }
        Ok(verified)
    }

    /// The token as it was verified before, if its keys are still those of then. Everything that time can change is
    /// checked again.
    fn recall<'g>(
        &'g self,
        token: &[u8],
        now: UnixTime,
        refused_by: &mut Option<&'g Verifier>,
    ) -> Result<Option<Verified>, AuthError> {
        // Larger ones are never kept, so a large text need not even be hashed.
        let cache = self.0.cache.as_ref().filter(|_| token.len() <= self.0.max_token_bytes);
        let Some(cached) = cache.and_then(|cache| cache.get(token)) else { return Ok(None) };
        let Some(verifier) = self.0.verifiers.get(cached.verifier) else { return Ok(None) };
        match verifier.recheck(&cached.verified, now) {
            Ok(still_good) => Ok(still_good.then_some(cached.verified)),
            Err(error) => {
                *refused_by = Some(verifier);
                Err(error)
            }
        }
    }

    /// Reads the token. What can be no token at all is a fault of the request, whatever else is wrong with it.
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
        // Its other parts have been decoded, so they are made of symbols that may be in a token.
        credential.check_rest(unverified.signature_text()).map_err(AuthError::InvalidRequest)?;
        Ok(unverified)
    }

    /// Chosen by the exact `iss` of the token, which is nothing but a name in a list until its signature is checked.
    fn verifier_for(&self, unverified: &Unverified<'_>) -> Result<(usize, &Verifier), TokenError> {
        let issuer = unverified.issuer().ok_or_else(|| TokenError::claim("iss", ClaimError::Missing))?;
        let mut verifiers = self.0.verifiers.iter().enumerate();
        verifiers
            .find(|(_, verifier)| verifier.issuer() == issuer)
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
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests;
