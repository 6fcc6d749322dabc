//! [`Gate`]: admits or rejects requests.

mod adapter;
mod decision;
mod handle;
mod judge;
mod rejections;
mod verifiers;

use std::sync::Arc;

pub use decision::Decision;
pub use handle::GateHandle;
use handle::Slot;
use verifiers::Verifiers;

use crate::cache::{CacheLimits, TokenCache};
use crate::cross_site::CrossSite;
use crate::csrf_verifier::CsrfVerifier;
use crate::error::ConfigError;
use crate::known_headers::KnownHeaders;
use crate::per_thread_arc::PerThreadArc;
use crate::policy::Policy;
use crate::rejection::RejectionStyle;
use crate::revocation::Revocations;
use crate::source::TokenSource;
use crate::time::{Clock, SystemClock};
use crate::verifier_source::VerifierSource;
use crate::verify::Verifier;

/// Admits or rejects requests. A gate combines the sources of tokens, the verifiers of their issuers, the policy
/// that tokens must meet, and the form of rejections.
///
/// Build a gate when the application starts, and give it to the adapter of your framework. It never changes
/// afterwards, unless it is [replaceable](Gate::replaceable). Cloning it is cheap, also on many threads at once.
///
/// ```
/// use tollgate::{Audience, Gate, Issuer, Policy, TokenSource, Verifier, VerifyingKey};
///
/// # fn build(key: VerifyingKey) -> Result<Gate, tollgate::ConfigError> {
/// let verifier = Verifier::new(key, Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
/// let gate = Gate::new(verifier)
///     .with_sources([TokenSource::bearer(), TokenSource::cookie("__Host-Http-at")?])?
///     .with_realm("orders")?
///     .with_policy(Policy::scope("orders"));
/// # Ok(gate) }
/// ```
#[derive(Clone, Debug)]
pub struct Gate(PerThreadArc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    verifiers: Verifiers,
    sources: Vec<TokenSource>,
    mode: Mode,
    /// Whether CORS preflights are admitted without a token.
    preflights: bool,
    policy: Option<Policy>,
    revocations: Option<Arc<dyn Revocations>>,
    cross_site: CrossSite,
    csrf_verifier: Option<Arc<dyn CsrfVerifier>>,
    /// How this gate rejects requests. The tokens that it verifies hold it.
    style: Arc<RejectionStyle>,
    clock: Arc<dyn Clock>,
    max_token_bytes: usize,
    /// Shared by all verifiers, because a header is parsed before the issuer of its token is known.
    headers: Arc<KnownHeaders>,
    /// Shared by clones that differ in checks of the request only; replaced when verifiers or rejections change.
    cache: Option<Arc<TokenCache>>,
    /// The gate that decides in place of this one, if it is replaceable.
    slot: Option<Arc<Slot>>,
}

impl Inner {
    /// Changes how this gate rejects requests. Cached tokens hold the earlier way, so the cache is emptied.
    fn reject_as(&mut self, style: RejectionStyle) {
        self.style = Arc::new(style);
        self.clear_cache();
    }

    /// Replaces the cache by an empty one, for a change of something that cached tokens depend on.
    fn clear_cache(&mut self) {
        self.cache = self.cache.as_ref().map(|cache| Arc::new(TokenCache::new(cache.limits())));
    }
}

/// How the gate treats a request without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Required,
    Optional,
}

impl Gate {
    /// Creates a gate that requires a token in `Authorization: Bearer` which `verifier` accepts.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self(PerThreadArc::new(Inner {
            max_token_bytes: verifier.max_token_bytes(),
            headers: Arc::clone(verifier.known_headers()),
            style: Arc::clone(verifier.style()),
            verifiers: Verifiers::new(verifier),
            sources: vec![TokenSource::bearer()],
            mode: Mode::Required,
            preflights: false,
            policy: None,
            revocations: None,
            cross_site: CrossSite::new(),
            csrf_verifier: None,
            clock: Arc::new(SystemClock::new()),
            cache: Some(Arc::new(TokenCache::new(CacheLimits::default()))),
            slot: None,
        }))
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Inner::clone(&self.settled().0);
        change(&mut inner);
        Self(PerThreadArc::new(inner))
    }

    /// Accepts tokens of one more issuer. The keys of one issuer never verify another issuer's tokens: the
    /// gate chooses the verifier by the exact `iss` before it looks up any key.
    ///
    /// ```
    /// use tollgate::{Audience, Gate, Issuer, KeySet, Verifier};
    ///
    /// # fn build(gate: Gate, keys: KeySet) -> Result<Gate, tollgate::ConfigError> {
    /// let partner = Verifier::new(keys, Issuer::new("https://partner.example")?, Audience::new("api://demo")?);
    /// let gate = gate.with_verifier(partner)?;
    /// # Ok(gate) }
    /// ```
    ///
    /// # Errors
    /// As for [`with_verifiers`](Self::with_verifiers).
    pub fn with_verifier(self, verifier: Verifier) -> Result<Self, ConfigError> {
        self.with_verifiers([verifier])
    }

    /// Accepts tokens of more issuers, as [`with_verifier`](Self::with_verifier) does for one.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateIssuer`] when two verifiers are for one issuer. [`ConfigError::OverlappingIssuers`] when
    /// a token could belong to two verifiers for other reasons, such as two templates.
    pub fn with_verifiers(self, verifiers: impl IntoIterator<Item = Verifier>) -> Result<Self, ConfigError> {
        let mut result = Ok(());
        let gate = self.change(|inner| {
            for verifier in verifiers {
                inner.max_token_bytes = inner.max_token_bytes.max(verifier.max_token_bytes());
                if let Err(error) = inner.verifiers.push(verifier) {
                    result = Err(error);
                    return;
                }
            }
            inner.clear_cache();
        });
        result.map(|()| gate)
    }

    /// Accepts tokens of issuers that come and go while the service runs. The gate asks `source` for issuers that it
    /// has no verifier for. A later call replaces the source of an earlier one.
    ///
    /// ```
    /// use tollgate::{Gate, VerifierSource};
    ///
    /// fn build<D: VerifierSource>(gate: Gate, directory: D) -> Gate {
    ///     gate.with_verifier_source(directory)
    /// }
    /// ```
    ///
    /// # Security
    /// See [`VerifierSource`] for what a source must bound. Tokens of up to 8 KiB are read for its issuers, or more if
    /// a verifier of the gate allows it.
    #[must_use]
    pub fn with_verifier_source(self, source: impl VerifierSource) -> Self {
        self.change(|inner| {
            inner.verifiers.set_source(Arc::new(source));
            inner.clear_cache();
        })
    }

    /// Looks for tokens in these sources instead of `Authorization: Bearer` alone. A source named twice is read once.
    ///
    /// ```
    /// use tollgate::{Gate, TokenSource};
    ///
    /// # fn build(gate: Gate) -> Result<Gate, tollgate::ConfigError> {
    /// let gate = gate.with_sources([TokenSource::bearer(), TokenSource::cookie("__Host-Http-at")?])?;
    /// # Ok(gate) }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Empty`] without any source: such a gate would reject every request. [`ConfigError::Conflict`]
    /// when two sources read the same value in different ways: every token would count as two.
    pub fn with_sources(self, sources: impl IntoIterator<Item = TokenSource>) -> Result<Self, ConfigError> {
        let mut distinct: Vec<TokenSource> = Vec::new();
        for source in sources {
            if distinct.contains(&source) {
                continue;
            }
            if distinct.iter().any(|known| known.collides(&source)) {
                return Err(ConfigError::Conflict(
                    "two token sources read the same cookie, field or parameter",
                ));
            }
            distinct.push(source);
        }
        if distinct.is_empty() {
            return Err(ConfigError::Empty { what: "token source" });
        }
        Ok(self.change(|inner| inner.sources = distinct))
    }

    /// Admits requests without a token as anonymous. The gate still rejects an invalid token.
    ///
    /// ```
    /// # fn build(gate: tollgate::Gate) -> tollgate::Gate {
    /// let gate = gate.with_optional_token();
    /// # gate }
    /// ```
    #[must_use]
    pub fn with_optional_token(self) -> Self {
        self.change(|inner| inner.mode = Mode::Optional)
    }

    /// Admits CORS preflights without a token as anonymous: `OPTIONS` requests with `Origin` and
    /// `Access-Control-Request-Method`, in which browsers send no credentials (Fetch §4.8). Use this when the layer
    /// that answers preflights is inside the gate; where it can be outside, this is not needed.
    ///
    /// # Security
    /// Any client can send such a request, so a handler behind the gate can then be called with `OPTIONS` and without a
    /// token. Extractors and guards still reject it.
    ///
    /// ```
    /// # fn build(gate: tollgate::Gate) -> tollgate::Gate {
    /// let gate = gate.with_preflights();
    /// # gate }
    /// ```
    #[must_use]
    pub fn with_preflights(self) -> Self {
        self.change(|inner| inner.preflights = true)
    }

    /// Requires `policy` of every token. With an optional token, anonymous requests are not checked against it.
    ///
    /// ```
    /// use tollgate::Policy;
    ///
    /// # fn build(gate: tollgate::Gate) -> tollgate::Gate {
    /// let gate = gate.with_policy(Policy::scope("orders") & !Policy::role("suspended"));
    /// # gate }
    /// ```
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        self.change(|inner| inner.policy = Some(policy))
    }

    /// Checks every token against `revocations`. A later call replaces the check of an earlier one; to use two checks,
    /// pass them as a pair.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::RevocationList;
    ///
    /// # fn build(gate: tollgate::Gate) -> tollgate::Gate {
    /// let list = Arc::new(RevocationList::new());
    /// let gate = gate.with_revocations(Arc::clone(&list));
    /// # gate }
    /// ```
    #[must_use]
    pub fn with_revocations(self, revocations: impl Revocations) -> Self {
        self.change(|inner| inner.revocations = Some(Arc::new(revocations)))
    }

    /// Sets the check against requests that another site caused, for tokens in a cookie or in the query. The default
    /// trusts no other origin.
    ///
    /// ```
    /// use tollgate::CrossSite;
    ///
    /// # fn build(gate: tollgate::Gate) -> Result<tollgate::Gate, tollgate::ConfigError> {
    /// let gate = gate.with_cross_site(CrossSite::new().with_trusted_origin("https://app.example")?);
    /// # Ok(gate) }
    /// ```
    #[must_use]
    pub fn with_cross_site(self, cross_site: CrossSite) -> Self {
        self.change(|inner| inner.cross_site = cross_site)
    }

    /// Requires anti-CSRF tokens, in addition to the [cross-site check](Self::with_cross_site).
    ///
    /// A request that can change state and has its access token in a cookie must then repeat the anti-CSRF token of its
    /// session in the header `X-CSRF-Token`. `tollgate-sessions` issues these tokens: `CookieSettings::csrf_tokens`. By
    /// default, the gate requires none, because the headers that current browsers send are sufficient.
    ///
    /// Scripts have to repeat a cookie in a header field. HTML forms and beacons therefore no longer work, nor does a
    /// front end on another host, which cannot read the cookie. A WebSocket handshake needs no such token, as pages
    /// cannot set its header fields; the gate checks its origin.
    #[must_use]
    pub fn with_csrf_verifier(self, verifier: impl CsrfVerifier) -> Self {
        self.change(|inner| inner.csrf_verifier = Some(Arc::new(verifier)))
    }

    /// Bounds the cache of verified tokens. [`CacheLimits`] describes what is cached, and what every hit checks again.
    ///
    /// ```
    /// use tollgate::CacheLimits;
    ///
    /// # fn build(gate: tollgate::Gate) -> Result<tollgate::Gate, tollgate::ConfigError> {
    /// let gate = gate.with_cache(CacheLimits::new(1_000, 8 * 1024 * 1024)?);
    /// # Ok(gate) }
    /// ```
    #[must_use]
    pub fn with_cache(self, limits: CacheLimits) -> Self {
        self.change(|inner| inner.cache = Some(Arc::new(TokenCache::new(limits))))
    }

    /// Disables the cache: the gate verifies every token from scratch, and keeps none in memory.
    #[must_use]
    pub fn without_cache(self) -> Self {
        self.change(|inner| inner.cache = None)
    }

    /// Sets the clock of the gate, for tests. The default is [`SystemClock`].
    #[must_use]
    pub fn with_clock(self, clock: impl Clock) -> Self {
        self.change(|inner| inner.clock = Arc::new(clock))
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests;
