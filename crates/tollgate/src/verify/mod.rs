//! [`Verifier`]: the trusted issuer, audience and keys, and the steps from a text to a [`Verified`] token.

mod checks;
mod settings;
mod unverified;

use std::sync::Arc;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::audience::Audience;
use crate::claims::{ClaimPath, ClaimPaths, Payload};
use crate::error::{AuthError, ConfigError, Excerpt, KeysUnavailable, TokenError};
use crate::header::Header;
use crate::issuer::Issuer;
use crate::key::{KeyRefresh, KeyRequest, VerifierKeys};
use crate::known_headers::KnownHeaders;
use crate::rejection::RejectionStyle;
use crate::time::UnixTime;
use crate::token::DEFAULT_MAX_TOKEN_BYTES;
use crate::verified::Verified;

use settings::{Requirement, Types};
pub(crate) use unverified::Unverified;

/// Verifies tokens of one issuer for this API.
///
/// Keys, issuer and audience are required. A token must be signed by one of the keys, name exactly this issuer,
/// and be meant for this audience. All other settings have safe defaults, which [`manual::defaults`] lists with
/// their reasons.
///
/// ```
/// use std::time::Duration;
/// use tollgate::{Algorithm, Audience, Issuer, UnixTime, Verifier, VerifyingKey};
///
/// # fn example(pem: &str, token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let key = VerifyingKey::from_pem(Algorithm::Es256, pem)?;
/// let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
/// let verifier = Verifier::new(key, issuer, audience).with_max_age(Duration::from_secs(3600));
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
    keys: VerifierKeys,
    issuer: Issuer,
    audiences: Vec<Audience>,
    /// The accepted algorithms. Empty means every algorithm that a key is bound to.
    algorithms: Vec<Algorithm>,
    types: Types,
    leeway: Duration,
    max_age: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_token_bytes: usize,
    required: Vec<Requirement>,
    allowed_kinds: Vec<Box<str>>,
    paths: Arc<ClaimPaths>,
    /// The headers of verified tokens. Clones share them, because a header parses the same for all of them.
    headers: Arc<KnownHeaders>,
    /// How rejections of this verifier's tokens look. A gate replaces it with its own style.
    style: Arc<RejectionStyle>,
}

impl Verifier {
    /// The largest leeway that a verifier accepts (RFC 7519 §4.1.4: "usually no more than a few minutes").
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

    /// Creates a verifier that accepts tokens that `issuer` signed with one of `keys` for `audience`.
    pub fn new(keys: impl Into<VerifierKeys>, issuer: Issuer, audience: Audience) -> Self {
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
            style: Arc::default(),
        }
    }

    /// Returns the issuer whose tokens this verifier accepts.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Verifies `token` at the time `now`.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] says why the token is rejected. [`AuthError::KeysUnavailable`] means that
    /// there are no keys to verify it with.
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

    /// Runs the steps after parsing. Cheap checks come first and the signature check last, so that a token that
    /// fails another check costs no signature check. No single step can accept a token; only the end of this
    /// function does.
    pub(crate) fn check(&self, unverified: Unverified<'_>, now: UnixTime) -> Result<Verified, AuthError> {
        let Unverified { token, header, header_is_known, payload } = unverified;
        let keys = {
            let refuse = AuthError::InvalidToken;
            // The limit of this verifier. The gate parses with the largest limit of its verifiers.
            self.check_size(token.len()).map_err(refuse)?;
            // RFC 8725 §3.11, RFC 9068 §4: the expected type of token.
            self.check_type(&header).map_err(refuse)?;
            // RFC 8725 §3.1: an algorithm that the operator accepts.
            self.check_algorithm(header.algorithm()).map_err(refuse)?;
            // RFC 7519 §4.1.1, RFC 9068 §4: exactly this issuer.
            self.check_issuer(payload).map_err(refuse)?;
            // RFC 7519 §4.1.3, RFC 8725 §3.9: meant for this API.
            self.check_audience(payload).map_err(refuse)?;
            // RFC 7519 §4.1.4 to §4.1.6: within its validity period.
            self.check_times(payload, now).map_err(refuse)?;
            // RFC 8725 §3.12: an access token, not for example an ID token. RFC 7800: not bound to a sender's
            // key.
            self.check_kind(payload).map_err(refuse)?;
            // RFC 9068 §2.2, and the claims that the operator requires.
            self.check_required(payload).map_err(refuse)?;
            self.keys.snapshot(now).map_err(AuthError::KeysUnavailable)?
        };
        // RFC 7515 §6: the key that the token names, bound to the algorithm that the token names.
        let key = keys.select(&header).map_err(AuthError::InvalidToken)?;
        // RFC 7515 §5.2: the signature, over the bytes as received.
        token.verify(key).map_err(AuthError::InvalidToken)?;
        if !header_is_known {
            self.headers.insert(token.header_text(), &header);
        }
        let (paths, style) = (Arc::clone(&self.paths), Arc::clone(&self.style));
        Ok(Verified::assert(header.into_owned(), payload, paths, style, keys.id()))
    }

    /// Rejects a header that no token can be accepted with, whatever its claims are. This leaves out keys that
    /// can change: the verifier reads them after the claims, so that an expired token never causes a fetch.
    fn check_header(&self, header: &Header) -> Result<(), TokenError> {
        self.check_type(header)?;
        self.check_algorithm(header.algorithm())?;
        self.keys.fixed().map_or(Ok(()), |keys| keys.select(header).map(drop))
    }

    /// Returns whether a token that was verified before is still valid. `Ok(false)` means that the keys have
    /// changed since, and the token must be verified again.
    ///
    /// # Errors
    /// As for [`verify`](Self::verify): the token has expired, or there are no keys to verify it with.
    pub(crate) fn recheck(&self, verified: &Verified, now: UnixTime) -> Result<bool, AuthError> {
        // This check comes first, so that an expired token never causes a fetch of keys.
        self.check_times(verified.raw(), now).map_err(AuthError::InvalidToken)?;
        let current = self.keys.key_set_id(now).map_err(AuthError::KeysUnavailable)?;
        Ok(current == verified.key_set())
    }

    /// Returns a refresh of the keys, if it may resolve `error`.
    pub(crate) fn refresh_after(&self, error: &AuthError, now: UnixTime) -> Option<KeyRefresh> {
        match error {
            AuthError::KeysUnavailable(_) => self.keys.refresh(None, now),
            error => self.keys.refresh(Some(wanted_key(error)?), now),
        }
    }

    /// Returns why an unknown key does not make the token invalid: the source could not ask the issuer for the
    /// key.
    pub(crate) fn why_unavailable(&self, error: &AuthError, now: UnixTime) -> Option<KeysUnavailable> {
        self.keys.why_unavailable(wanted_key(error)?, now)
    }

    /// Returns the cache of headers of verified tokens.
    pub(crate) fn known_headers(&self) -> &Arc<KnownHeaders> {
        &self.headers
    }

    /// Replaces the cache of headers, to share it with other verifiers.
    pub(crate) fn sharing(self, headers: Arc<KnownHeaders>) -> Self {
        Self { headers, ..self }
    }

    pub(crate) fn style(&self) -> &Arc<RejectionStyle> {
        &self.style
    }

    /// Sets how rejections look.
    pub(crate) fn rejecting_as(self, style: Arc<RejectionStyle>) -> Self {
        Self { style, ..self }
    }

    pub(crate) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    /// Accepts tokens for one more audience. A token must name one of the audiences.
    #[must_use]
    pub fn with_audience(mut self, audience: Audience) -> Self {
        self.audiences.push(audience);
        self
    }

    /// Restricts the accepted algorithms. By default, every algorithm that a key is bound to is accepted.
    ///
    /// # Errors
    /// [`ConfigError::Empty`] for an empty list.
    pub fn with_algorithms(
        self,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Result<Self, ConfigError> {
        let algorithms: Vec<Algorithm> = algorithms.into_iter().collect();
        if algorithms.is_empty() {
            return Err(ConfigError::Empty { what: "algorithm" });
        }
        Ok(Self { algorithms, ..self })
    }

    /// Sets how far the clocks of issuer and API may differ. The default is 60 s, the maximum
    /// [`MAX_LEEWAY`](Self::MAX_LEEWAY).
    ///
    /// # Errors
    /// [`ConfigError::Leeway`] above the maximum (RFC 7519 §4.1.4: "usually no more than a few minutes").
    pub fn with_leeway(self, leeway: Duration) -> Result<Self, ConfigError> {
        if leeway > Self::MAX_LEEWAY {
            return Err(ConfigError::Leeway { secs: leeway.as_secs() });
        }
        Ok(Self { leeway, ..self })
    }

    /// Rejects tokens that were issued longer ago than `max_age`, whatever their `exp`. This makes `iat`
    /// required. By default, there is no maximum age.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age: Some(max_age), ..self }
    }

    /// Rejects tokens whose lifetime from `iat` to `exp` is longer than `max_lifetime`. This makes `iat`
    /// required. By default, there is no maximum lifetime.
    #[must_use]
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime: Some(max_lifetime), ..self }
    }

    /// Rejects tokens that are longer than this number of bytes. The default is 8 KiB.
    #[must_use]
    pub fn with_max_token_bytes(self, max_token_bytes: usize) -> Self {
        Self { max_token_bytes, ..self }
    }

    /// Restricts the accepted values of `typ`. Case and the prefix `application/` do not matter. A token
    /// without `typ` is then rejected. By default, `JWT`, `at+jwt` and a missing `typ` are accepted.
    ///
    /// # Errors
    /// [`ConfigError::Empty`] for an empty list.
    pub fn with_types<T: Into<Box<str>>>(
        self,
        types: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        Ok(Self { types: Types::named(types)?, ..self })
    }

    /// Requires the strict profile of RFC 9068: `typ` must be `at+jwt`; `sub`, `client_id`, `iat` and `jti` are
    /// required.
    #[must_use]
    pub fn with_rfc9068_profile(mut self) -> Self {
        self.types = Types::rfc9068();
        self.required.extend(Requirement::RFC9068.iter().map(|name| Requirement::string(name)));
        self
    }

    /// Requires the claim at `path` to be present and not `null`.
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

    /// Accepts tokens with this claim, although it marks other kinds of tokens: `nonce`, `at_hash`, `c_hash`,
    /// `s_hash` (ID tokens) or `events` (security events). Use this for issuers that put such a claim into
    /// access tokens.
    #[must_use]
    pub fn tolerate_id_token_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.allowed_kinds.push(name.into());
        self
    }

    /// Sets the claims in which this issuer puts scopes and roles. [`ClaimPaths`] has the default.
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

/// Returns the key that the token names, if `error` means that the key is unknown.
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
