//! [`Verifier`]: what is trusted, and the steps from a text to a [`Verified`] token.

mod checks;
mod settings;
mod unverified;

use std::sync::Arc;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::challenge::Protection;
use crate::claims::{ClaimPath, ClaimPaths, Payload};
use crate::error::{AuthError, ConfigError, Excerpt, KeysUnavailable, TokenError};
use crate::header::Header;
use crate::key::{KeyRefresh, KeyRequest, KeySnapshot};
use crate::known_headers::KnownHeaders;
use crate::time::UnixTime;
use crate::token::DEFAULT_MAX_TOKEN_BYTES;
use crate::verified::Verified;

use settings::{Requirement, Types};
pub(crate) use unverified::Unverified;

/// Whose tokens are accepted, for whom, and with which keys.
///
/// Keys, issuer and audience are required: a token must be signed by one of the keys, name exactly this issuer, and
/// be meant for this audience. Everything else has a safe default, listed with its reason in [`manual::defaults`].
///
/// ```
/// use std::time::Duration;
/// use tollgate::{Algorithm, UnixTime, Verifier, VerifyingKey};
///
/// # fn example(pem: &str, token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let key = VerifyingKey::from_pem(Algorithm::Es256, pem)?;
/// let verifier = Verifier::new(key, "https://issuer.example", "api://demo").with_max_age(Duration::from_secs(3600));
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// let verified = verifier.verify(token, now)?;
/// println!("hello {:?}", verified.subject());
/// # Ok(()) }
/// ```
///
/// [`manual::defaults`]: crate::manual::defaults
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: KeySnapshot,
    issuer: Arc<str>,
    audiences: Vec<Box<str>>,
    /// Empty: every algorithm that a key is bound to.
    algorithms: Vec<Algorithm>,
    types: Types,
    leeway: Duration,
    max_age: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_token_bytes: usize,
    required: Vec<Requirement>,
    allowed_kinds: Vec<Box<str>>,
    paths: Arc<ClaimPaths>,
    /// Shared by clones, as a header reads the same for all of them.
    headers: Arc<KnownHeaders>,
    /// How refusals of its tokens read; that of its gate, once it has one.
    protection: Arc<Protection>,
}

/// The most that clocks may differ (RFC 7519 §4.1.4: "usually no more than a few minutes").
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(300);

impl Verifier {
    /// Accepts tokens that `issuer` signed with one of `keys` for `audience`.
    ///
    /// Both are compared exactly, byte for byte: `https://issuer.example` and `https://issuer.example/` are two
    /// issuers. An empty issuer or audience matches nothing.
    pub fn new(
        keys: impl Into<KeySnapshot>,
        issuer: impl Into<Arc<str>>,
        audience: impl Into<Box<str>>,
    ) -> Self {
        let (issuer, audience) = (issuer.into(), audience.into());
        if issuer.is_empty() || audience.is_empty() {
            tracing::error!("verifier with an empty issuer or audience; it will refuse every token");
        }
        Self {
            keys: keys.into(),
            issuer,
            audiences: vec![audience],
            algorithms: Vec::new(),
            types: Types::default(),
            leeway: Duration::from_secs(60),
            max_age: None,
            max_lifetime: None,
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
            required: Vec::new(),
            allowed_kinds: Vec::new(),
            paths: Arc::default(),
            headers: Arc::default(),
            protection: Arc::default(),
        }
    }

    /// The issuer whose tokens are accepted.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies `token` at `now`: all or nothing.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] says why the token is refused; [`AuthError::KeysUnavailable`] means that there
    /// are no keys to tell with.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Verified, AuthError> {
        let mut payload = Payload::default();
        let read = Unverified::parse(
            token.as_bytes(),
            self.max_token_bytes,
            &self.headers,
            std::slice::from_ref(self),
            &mut payload,
        );
        match read {
            Ok(unverified) => self.check(unverified, now),
            Err(error) => Err(AuthError::InvalidToken(error)),
        }
    }

    /// The steps after reading. Those that cost nothing come first, the signature last: a token that cannot be
    /// accepted costs no signature check. None of them can accept; only the end of this function does.
    pub(crate) fn check(&self, unverified: Unverified<'_>, now: UnixTime) -> Result<Verified, AuthError> {
        let Unverified { token, header, header_is_known, payload } = unverified;
        let keys = {
            let refuse = AuthError::InvalidToken;
            // The cap of this verifier, which under a gate may be lower than the largest.
            self.check_size(token.len()).map_err(refuse)?;
            // RFC 8725 §3.11, RFC 9068 §4: the type of token that is expected.
            self.check_type(&header).map_err(refuse)?;
            // RFC 8725 §3.1: an algorithm that the operator accepts.
            self.check_algorithm(header.algorithm()).map_err(refuse)?;
            // RFC 7519 §4.1.1, RFC 9068 §4: this issuer, exactly.
            self.check_issuer(payload).map_err(refuse)?;
            // RFC 7519 §4.1.3, RFC 8725 §3.9: meant for this API.
            self.check_audience(payload).map_err(refuse)?;
            // RFC 7519 §4.1.4 to §4.1.6: within its time.
            self.check_times(payload, now).map_err(refuse)?;
            // RFC 8725 §3.12: an access token, not an ID token or the like; RFC 7800: not bound to a sender's key.
            self.check_kind(payload).map_err(refuse)?;
            // RFC 9068 §2.2, and what the operator requires.
            self.check_required(payload).map_err(refuse)?;
            self.keys.snapshot(now).map_err(AuthError::KeysUnavailable)?
        };
        // RFC 7515 §6: the key that the token names, bound to the algorithm that the token names.
        let key = keys.select(&header).map_err(AuthError::InvalidToken)?;
        // RFC 7515 §5.2: the signature, over the bytes as they came.
        token.verify(key).map_err(AuthError::InvalidToken)?;
        if !header_is_known {
            self.headers.insert(token.header_text(), &header);
        }
        let (paths, protection) = (Arc::clone(&self.paths), Arc::clone(&self.protection));
        Ok(Verified::assert(header.into_owned(), payload, paths, protection, keys.id()))
    }

    /// Refuses a header that no token is accepted with, whatever its claims are. Keys that can change are left out: they
    /// are asked for when the claims have been checked, so that a token that is expired makes nobody fetch.
    fn check_header(&self, header: &Header) -> Result<(), TokenError> {
        self.check_type(header)?;
        self.check_algorithm(header.algorithm())?;
        self.keys.fixed().map_or(Ok(()), |keys| keys.select(header).map(drop))
    }

    /// Whether a token that was verified before still is: `Ok(false)` when the keys have changed since, so that it has to
    /// be verified anew.
    ///
    /// # Errors
    /// As [`verify`](Self::verify): the token is not good at `now` any more, or there are no keys to vouch for it.
    pub(crate) fn recheck(&self, verified: &Verified, now: UnixTime) -> Result<bool, AuthError> {
        // First, so that an expired token asks nobody for keys.
        self.check_times(verified.raw(), now).map_err(AuthError::InvalidToken)?;
        let current = self.keys.key_set_id(now).map_err(AuthError::KeysUnavailable)?;
        Ok(current == verified.key_set())
    }

    /// A refresh of the keys, when `error` is one that it may mend.
    pub(crate) fn refresh_after(&self, error: &AuthError, now: UnixTime) -> Option<KeyRefresh> {
        match error {
            AuthError::KeysUnavailable(_) => self.keys.refresh(None, now),
            error => self.keys.refresh(Some(wanted_key(error)?), now),
        }
    }

    /// Why `error`, an unknown key, is not the last word: the issuer could not be asked for the key.
    pub(crate) fn why_unavailable(&self, error: &AuthError, now: UnixTime) -> Option<KeysUnavailable> {
        self.keys.why_unavailable(wanted_key(error)?, now)
    }

    /// Headers of tokens that this verifier has accepted.
    pub(crate) fn known_headers(&self) -> &Arc<KnownHeaders> {
        &self.headers
    }

    /// The same verifier, remembering headers in `headers`.
    pub(crate) fn sharing(self, headers: Arc<KnownHeaders>) -> Self {
        Self { headers, ..self }
    }

    pub(crate) fn protection(&self) -> &Arc<Protection> {
        &self.protection
    }

    /// The same verifier, under a gate that refuses this way.
    pub(crate) fn refusing_as(self, protection: Arc<Protection>) -> Self {
        Self { protection, ..self }
    }

    pub(crate) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    /// Accepts tokens for this audience too.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Accepts these algorithms only. The default is every algorithm that one of the keys is bound to.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] for an empty list.
    pub fn with_algorithms(
        self,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, ConfigError> {
        let algorithms: Vec<Algorithm> = algorithms.into_iter().collect();
        if algorithms.is_empty() {
            return Err(ConfigError::Conflict("a verifier without algorithms can accept nothing"));
        }
        Ok(Self { algorithms, ..self })
    }

    /// How far the clocks of issuer and API may differ. The default is 60 s, the limit 300 s.
    ///
    /// # Errors
    /// [`ConfigError::Leeway`] past the limit (RFC 7519 §4.1.4: "usually no more than a few minutes").
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > MAX_LEEWAY {
            return Err(ConfigError::Leeway { secs: leeway.as_secs() });
        }
        Ok(Self { leeway, ..self })
    }

    /// Refuses tokens issued longer ago than this, whatever their `exp`. Makes `iat` required.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age: Some(max_age), ..self }
    }

    /// Refuses tokens that live longer than this from `iat` to `exp`. Makes `iat` required.
    #[must_use]
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime: Some(max_lifetime), ..self }
    }

    /// Refuses larger tokens. The default is 8 KiB.
    #[must_use]
    pub fn with_max_token_bytes(self, max_token_bytes: usize) -> Self {
        Self { max_token_bytes, ..self }
    }

    /// Accepts these values of `typ` only, with or without `application/`, in any case; a token without `typ` is
    /// then refused. The default accepts `JWT`, `at+jwt` and none.
    #[must_use]
    pub fn with_types<T: Into<Box<str>>>(self, types: impl IntoIterator<Item = T>) -> Self {
        Self { types: Types::named(types), ..self }
    }

    /// The strict profile of RFC 9068: `typ` must be `at+jwt`; `sub`, `client_id`, `iat` and `jti` are required.
    #[must_use]
    pub fn with_rfc9068_profile(mut self) -> Self {
        self.types = Types::rfc9068();
        self.required.extend(Requirement::RFC9068.iter().map(|name| Requirement::string(name)));
        self
    }

    /// Requires the claim at `path` to be there (and not `null`).
    #[must_use]
    pub fn with_required_claim(mut self, path: impl Into<ClaimPath>) -> Self {
        self.required.push(Requirement::present(path.into()));
        self
    }

    /// Requires the claim at `path` to have this value.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] when the value has no JSON form.
    pub fn with_required_value(
        mut self,
        path: impl Into<ClaimPath>,
        value: impl serde::Serialize,
    ) -> Result<Self, ConfigError> {
        self.required.push(Requirement::value(path.into(), value)?);
        Ok(self)
    }

    /// Accepts tokens that carry this claim although it marks tokens of another kind: `nonce`, `at_hash`, `c_hash`,
    /// `s_hash` (ID tokens) or `events` (security events). For issuers that put one into access tokens.
    #[must_use]
    pub fn tolerate_id_token_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.allowed_kinds.push(name.into());
        self
    }

    /// Where this issuer puts scopes and roles.
    #[must_use]
    pub fn with_claim_paths(self, paths: ClaimPaths) -> Self {
        Self { paths: Arc::new(paths), ..self }
    }

    fn check_size(&self, bytes: usize) -> Result<(), TokenError> {
        if bytes > self.max_token_bytes {
            return Err(TokenError::TooLong { bytes, max: self.max_token_bytes });
        }
        Ok(())
    }

    fn check_algorithm(&self, algorithm: Algorithm) -> Result<(), TokenError> {
        if self.algorithms.is_empty() || self.algorithms.contains(&algorithm) {
            return Ok(());
        }
        Err(TokenError::AlgorithmMismatch { algorithm })
    }

    fn check_type(&self, header: &Header) -> Result<(), TokenError> {
        if self.types.accept(header.typ()) {
            return Ok(());
        }
        Err(TokenError::TypeMismatch { found: Excerpt::new(header.typ().unwrap_or_default()) })
    }
}

/// The key that the token asked for, when `error` is that it is not known.
fn wanted_key(error: &AuthError) -> Option<KeyRequest<'_>> {
    match error {
        AuthError::InvalidToken(TokenError::UnknownKey { key_id, algorithm }) => {
            Some(KeyRequest { key_id: key_id.as_ref(), algorithm: *algorithm })
        }
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::string_slice, reason = "small numbers and ASCII")]
mod tests;
