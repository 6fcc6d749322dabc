//! [`Verifier`]: the trusted issuer, audience and keys, and the steps from a text to a [`Verified`] token.

mod audience_rule;
mod checks;
mod failure;
mod issuer_rule;
mod options;
mod settings;
mod unverified;

use std::sync::Arc;
use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::claims::{ClaimPaths, Payload};
use crate::error::{AuthError, Excerpt, KeysUnavailable, TokenError};
use crate::header::Header;
use crate::key::{KeyRefresh, Snapshot, VerifierKeys};
use crate::known_headers::KnownHeaders;
use crate::rejection::RejectionStyle;
use crate::time::UnixTime;
use crate::token::DEFAULT_MAX_TOKEN_BYTES;
use crate::verified::Verified;

pub use audience_rule::{AudienceRule, TokenBinding};
use checks::check_key_issuer;
pub(crate) use failure::Failure;
pub use issuer_rule::IssuerRule;
pub(crate) use issuer_rule::Precedence;
use settings::{Requirement, Types};
pub(crate) use unverified::{Reading, Unverified};

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
    issuer: IssuerRule,
    audiences: Vec<AudienceRule>,
    /// The accepted algorithms. Empty means every algorithm that a key is bound to.
    algorithms: Vec<Algorithm>,
    types: Types,
    leeway: Duration,
    max_age: Option<Duration>,
    max_lifetime: Option<Duration>,
    max_token_bytes: usize,
    required: Vec<Requirement>,
    required_header_members: Vec<(Box<str>, Box<str>)>,
    numeric_subject: bool,
    padding: bool,
    key_issuers: bool,
    allowed_kinds: Vec<Box<str>>,
    paths: Arc<ClaimPaths>,
    /// The headers of verified tokens. Clones share them, because a header parses the same for all of them.
    headers: Arc<KnownHeaders>,
    /// How rejections of tokens look that are verified without a gate.
    style: Arc<RejectionStyle>,
}

impl Verifier {
    /// The largest leeway that a verifier accepts (RFC 7519 §4.1.4: "usually no more than a few minutes").
    pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

    /// Creates a verifier that accepts tokens that `issuer` signed with one of `keys` for `audience`.
    ///
    /// For issuers that cannot be named exactly, see [`IssuerRule`]. For tokens without `aud`, see [`AudienceRule`].
    pub fn new(
        keys: impl Into<VerifierKeys>,
        issuer: impl Into<IssuerRule>,
        audience: impl Into<AudienceRule>,
    ) -> Self {
        Self {
            keys: keys.into(),
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            algorithms: Vec::new(),
            types: Types::default(),
            leeway: Duration::from_secs(60),
            max_age: None,
            max_lifetime: None,
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
            required: Vec::new(),
            required_header_members: Vec::new(),
            numeric_subject: false,
            padding: false,
            key_issuers: false,
            allowed_kinds: Vec::new(),
            paths: Arc::default(),
            headers: Arc::default(),
            style: Arc::default(),
        }
    }

    /// Returns the rule for the issuers whose tokens this verifier accepts.
    #[must_use]
    pub fn issuer(&self) -> &IssuerRule {
        &self.issuer
    }

    /// Replaces the keys.
    pub(crate) fn with_keys(self, keys: VerifierKeys) -> Self {
        Self { keys, ..self }
    }

    /// Verifies `token` at the time `now`.
    ///
    /// # Errors
    /// [`AuthError::InvalidToken`] says why the token is rejected. [`AuthError::KeysUnavailable`] means that
    /// there are no keys to verify it with.
    pub fn verify(&self, token: &str, now: UnixTime) -> Result<Verified, AuthError> {
        let mut payload = Payload::default();
        let reading = Reading {
            max_bytes: self.max_token_bytes,
            headers: &self.headers,
            verifiers: std::slice::from_ref(self),
            is_open: false,
            may_pad: self.padding,
        };
        let unverified =
            Unverified::parse(token.as_bytes(), &reading, &mut payload).map_err(AuthError::InvalidToken)?;
        self.check(unverified, now, &self.headers, &self.style).map_err(|failure| failure.error)
    }

    /// Runs the steps after parsing. Cheap checks come first and the signature check last, so that a token that
    /// fails another check costs no signature check. No single step can accept a token; only the end of this
    /// function does.
    pub(crate) fn check(
        &self,
        unverified: Unverified<'_>,
        now: UnixTime,
        headers: &KnownHeaders,
        style: &Arc<RejectionStyle>,
    ) -> Result<Verified, Failure> {
        self.check_claims(&unverified, now)?;
        let keys = self.keys.snapshot(now).map_err(AuthError::KeysUnavailable)?;
        self.check_signature(&unverified, &keys).map_err(|error| self.failed(error, &unverified, &keys))?;
        let Unverified { token, header, header_is_known, payload, .. } = unverified;
        if !header_is_known {
            headers.insert(token.header_text(), &header);
        }
        let (paths, style) = (Arc::clone(&self.paths), Arc::clone(style));
        Ok(Verified::assert(header.into_owned(), payload, paths, style, keys.id()))
    }

    /// Runs the checks that need no cryptography.
    #[inline]
    fn check_claims(&self, unverified: &Unverified<'_>, now: UnixTime) -> Result<(), TokenError> {
        let Unverified { token, header, payload, padded, .. } = unverified;
        // The limit of this verifier. The gate parses with the largest limit of its verifiers.
        self.check_size(token.len())?;
        // RFC 7515 §2: base64url without padding, unless the operator tolerates it for this issuer.
        self.check_padding(*padded)?;
        // RFC 8725 §3.11, RFC 9068 §4: the expected type of token.
        self.check_type(header)?;
        // RFC 8725 §3.1: an algorithm that the operator accepts.
        self.check_algorithm(header.algorithm())?;
        // RFC 7519 §4.1.1, RFC 9068 §4: exactly this issuer.
        self.issuer.check(payload)?;
        // RFC 7519 §4.1.3, RFC 8725 §3.9: meant for this API.
        AudienceRule::check_any(&self.audiences, payload, token)?;
        // RFC 7519 §4.1.4 to §4.1.6: within its validity period.
        self.check_times(payload, now)?;
        // RFC 8725 §3.12: an access token, not for example an ID token. RFC 7800: not bound to a sender's
        // key.
        self.check_kind(payload)?;
        // RFC 9068 §2.2, and the claims that the operator requires.
        self.check_required(payload)?;
        self.check_header_members(token)
    }

    fn check_signature(&self, unverified: &Unverified<'_>, keys: &Snapshot<'_>) -> Result<(), TokenError> {
        // RFC 7515 §6: the key that the token names, bound to the algorithm that the token names.
        let (key, prepared) = keys.select(&unverified.header, &self.algorithms)?;
        // RFC 7515 §5.2: the signature, over the bytes as received.
        unverified.token.verify(prepared)?;
        if self.key_issuers { check_key_issuer(key, unverified.payload) } else { Ok(()) }
    }

    /// Returns the failure to find or use a key. If the keys can change, a refresh of them may help.
    #[cold]
    fn failed(&self, error: TokenError, unverified: &Unverified<'_>, keys: &Snapshot<'_>) -> Failure {
        let is_fixed = self.keys.fixed().is_some();
        let header = (!is_fixed).then(|| Header::clone(&unverified.header));
        Failure::with_keys(error, header, keys.id())
    }

    /// Rejects a header that no token can be accepted with, whatever its claims are. This leaves out keys that
    /// can change: the verifier reads them after the claims, so that an expired token never causes a fetch.
    fn check_header(&self, header: &Header) -> Result<(), TokenError> {
        self.check_type(header)?;
        self.check_algorithm(header.algorithm())?;
        self.keys.fixed().map_or(Ok(()), |keys| keys.select(header, &self.algorithms).map(drop))
    }

    /// Returns whether a token that was verified before is still valid. `Ok(false)` means that the keys have
    /// changed since, or the operator no longer accepts the issuer, and the token must be verified again.
    ///
    /// # Errors
    /// As for [`verify`](Self::verify): the token has expired, or there are no keys to verify it with.
    // A call of its own would cost 29 of 547 instructions of a cache hit.
    #[inline(always)]
    pub(crate) fn recheck(&self, verified: &Verified, now: UnixTime) -> Result<bool, AuthError> {
        // This check comes first, so that an expired token never causes a fetch of keys.
        self.check_times(verified.raw(), now).map_err(AuthError::InvalidToken)?;
        if self.issuer.recheck(verified.raw()).is_err() {
            return Ok(false);
        }
        let current = self.keys.key_set_id(now).map_err(AuthError::KeysUnavailable)?;
        Ok(current == verified.key_set())
    }

    /// Returns a refresh of the keys, if it may resolve the failure.
    pub(crate) fn refresh_after(&self, failure: &Failure, now: UnixTime) -> Option<KeyRefresh> {
        match &failure.error {
            AuthError::KeysUnavailable(_) => self.keys.refresh(None, now),
            _ => self.keys.refresh(Some(failure.wanted_key()?), now),
        }
    }

    /// Returns why an unknown key does not make the token invalid: the source could not ask the issuer for the
    /// key.
    pub(crate) fn why_unavailable(&self, failure: &Failure, now: UnixTime) -> Option<KeysUnavailable> {
        // A key that does not verify the signature is a verdict: otherwise a forged token would get 503.
        let wanted = failure.wanted_key().filter(|wanted| wanted.failed.is_none())?;
        self.keys.why_unavailable(wanted, now)
    }

    /// Returns the cache of headers of verified tokens.
    pub(crate) fn known_headers(&self) -> &Arc<KnownHeaders> {
        &self.headers
    }

    pub(crate) fn style(&self) -> &Arc<RejectionStyle> {
        &self.style
    }

    pub(crate) fn max_token_bytes(&self) -> usize {
        self.max_token_bytes
    }

    /// Returns whether the operator tolerates padded tokens of this issuer.
    pub(crate) fn tolerates_padding(&self) -> bool {
        self.padding
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

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::string_slice, reason = "small numbers and ASCII")]
mod tests;
