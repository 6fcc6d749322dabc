//! [`TokenIssuer`]: access tokens in the profile of RFC 9068.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use tollgate::{Audience, Issuer, KeySet, UnixTime, Verifier, VerifierKeys};
use tracing::warn;

use super::signing::{KeyRing, SigningKey, jwk_set};
use crate::issuing::{AccessToken, IssueError, KeyRingError, SigningKeyError};
use crate::support::fill_random;

const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);
const SENSIBLE_LIFETIMES: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3600);

/// Signs access tokens in the profile of RFC 9068. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    signer: Signer,
    issuer: Issuer,
    audience: Audience,
    lifetime: Duration,
    spread: Spread,
}

/// Whether tokens that are issued together expire together.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Exact,
    /// Lifetimes are up to a twentieth shorter, at random.
    Twentieth,
}

impl TokenIssuer {
    /// Makes an issuer that signs with `key`. `issuer` is the `iss` claim of its tokens, and `audience` the
    /// `aud` claim.
    ///
    /// Tokens expire after ten minutes, or up to 5 % earlier, so that clients that logged in together do not
    /// refresh together.
    #[must_use]
    pub fn new(key: SigningKey, issuer: Issuer, audience: Audience) -> Self {
        Self::signing_with(Signer::Key(Arc::new(key)), issuer, audience)
    }

    /// Makes an issuer that signs with the current key of `ring`, and is otherwise the same as
    /// [`new`](Self::new).
    #[must_use]
    pub fn with_key_ring(ring: Arc<KeyRing>, issuer: Issuer, audience: Audience) -> Self {
        Self::signing_with(Signer::Ring(ring), issuer, audience)
    }

    fn signing_with(signer: Signer, issuer: Issuer, audience: Audience) -> Self {
        Self { signer, issuer, audience, lifetime: DEFAULT_LIFETIME, spread: Spread::Twentieth }
    }

    /// Sets the longest lifetime of tokens. The default is ten minutes.
    ///
    /// The issuer logs a warning for less than a minute or more than an hour. With a shorter lifetime, clients refresh
    /// so often that only tests and demonstrations need it. With a longer one, gates that do not check
    /// [`RevokedSessions`](crate::RevokedSessions) accept tokens long after a logout.
    ///
    /// # Errors
    /// [`IssueError::Lifetime`] unless it is between a second and a day; [`IssueError::OutlivesKey`] when
    /// verifiers with the longest leeway would accept a token for longer than the key ring keeps a replaced
    /// key.
    pub fn with_lifetime(self, lifetime: Duration) -> Result<Self, IssueError> {
        let secs = lifetime.as_secs();
        if secs == 0 || lifetime > MAX_LIFETIME {
            return Err(IssueError::Lifetime { secs });
        }
        if let Signer::Ring(ring) = &self.signer
            && ring.keep_after() < lifetime.saturating_add(Verifier::MAX_LEEWAY)
        {
            return Err(IssueError::OutlivesKey { secs, kept: ring.keep_after().as_secs() });
        }
        if !SENSIBLE_LIFETIMES.contains(&lifetime) {
            warn!(secs, "lifetime of access tokens is shorter than a minute or longer than an hour");
        }
        Ok(Self { lifetime, ..self })
    }

    /// Makes all tokens live exactly as long as [`lifetime`](Self::lifetime).
    #[must_use]
    pub fn with_exact_lifetime(self) -> Self {
        Self { spread: Spread::Exact, ..self }
    }

    /// Returns the longest lifetime of tokens.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns the `iss` claim of tokens.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns the public keys that verify the tokens, as the JWK Set to publish (RFC 7517 §5). It contains no
    /// secrets.
    #[must_use]
    pub fn jwk_set(&self) -> String {
        match &self.signer {
            Signer::Key(key) => jwk_set([&**key]),
            Signer::Ring(ring) => ring.jwk_set(),
        }
    }

    /// Returns the keys that verify the tokens now. They do not follow the rotation of a key ring; use
    /// [`keys`](Self::keys) for that.
    ///
    /// # Errors
    /// [`KeyRingError::Key`] when the verifying key cannot be made. This is not expected: the signing key was
    /// checked when it was made.
    pub fn key_set(&self) -> Result<KeySet, KeyRingError> {
        match &self.signer {
            Signer::Key(key) => Ok(KeySet::from(key.verifying_key()?)),
            Signer::Ring(ring) => Ok(ring.key_set()),
        }
    }

    /// Returns a source of the keys that verify the tokens, for a [`Verifier`](tollgate::Verifier) in the same
    /// process. It follows the rotation of a key ring.
    ///
    /// # Errors
    /// The same as for [`key_set`](Self::key_set).
    pub fn keys(&self) -> Result<VerifierKeys, KeyRingError> {
        match &self.signer {
            Signer::Key(key) => Ok(key.verifying_key()?.into()),
            Signer::Ring(ring) => {
                let ring: Arc<KeyRing> = Arc::clone(ring);
                Ok(VerifierKeys::from_shared(ring))
            }
        }
    }

    /// Signs an access token that expires [`lifetime`](Self::lifetime) after `now`, or up to 5 % earlier.
    /// [`SignedToken::expires_at`] returns when.
    ///
    /// # Errors
    /// [`IssueError::Signing`] when the operating system gives no random bytes.
    ///
    /// # Examples
    /// ```
    /// use tollgate::{Algorithm, Audience, Clock, Issuer, SystemClock};
    /// use tollgate_sessions::issuing::{AccessToken, ClientId};
    /// use tollgate_sessions::{SigningKey, TokenIssuer};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = SigningKey::generate(Algorithm::EdDsa)?;
    /// let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
    /// let issuer = TokenIssuer::new(key, issuer, audience);
    /// let token = AccessToken::new("alice", ClientId::new("web"))
    ///     .with_scopes(["read:items"])
    ///     .with_claim("tenant", "t1")?;
    ///
    /// let now = SystemClock::new().now();
    /// let signed = issuer.issue(&token, now)?;
    /// assert_eq!(signed.as_str().split('.').count(), 3);
    /// assert!(signed.expires_at() <= now.saturating_add(issuer.lifetime()));
    /// # Ok(()) }
    /// ```
    pub fn issue(&self, token: &AccessToken, now: UnixTime) -> Result<SignedToken, IssueError> {
        let mut claims = token.claims();
        let expires_at = now.saturating_add(self.spread.shorten(self.lifetime)?);
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", self.issuer.as_str().into());
        set("aud", self.audience.as_str().into());
        set("exp", expires_at.as_secs().into());
        set("iat", now.as_secs().into());
        set("jti", token_id()?.into());
        let signed = sign(&*self.signer.at(now)?, &Value::Object(claims))?;
        Ok(SignedToken { text: signed, expires_at })
    }
}

impl Spread {
    fn shorten(self, lifetime: Duration) -> Result<Duration, SigningKeyError> {
        let Self::Twentieth = self else { return Ok(lifetime) };
        let mut random = [0; 4];
        fill_random(&mut random).map_err(|_cause| SigningKeyError::Crypto)?;
        // A lifetime is at most a day, so nothing overflows, and 32 random bits are enough.
        let most = lifetime.as_secs().saturating_div(20).saturating_add(1);
        let shorter = most.saturating_mul(u32::from_be_bytes(random).into()) >> 32;
        Ok(lifetime.saturating_sub(Duration::from_secs(shorter)))
    }
}

/// A single key, or a key ring.
#[derive(Clone, Debug)]
enum Signer {
    Key(Arc<SigningKey>),
    Ring(Arc<KeyRing>),
}

impl Signer {
    fn at(&self, now: UnixTime) -> Result<Arc<SigningKey>, SigningKeyError> {
        match self {
            Self::Key(key) => Ok(Arc::clone(key)),
            Self::Ring(ring) => ring.signing_key(now).ok_or(SigningKeyError::Crypto),
        }
    }
}

fn sign(key: &SigningKey, claims: &Value) -> Result<String, SigningKeyError> {
    let mut header = Map::new();
    header.insert("alg".to_owned(), key.algorithm().name().into());
    header.insert("typ".to_owned(), "at+jwt".into());
    if let Some(key_id) = key.key_id() {
        header.insert("kid".to_owned(), key_id.as_str().into());
    }
    let encode = |json: String| URL_SAFE_NO_PAD.encode(json);
    let input = format!("{}.{}", encode(Value::Object(header).to_string()), encode(claims.to_string()));
    let signature = key.sign(input.as_bytes())?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Returns a token ID of 128 random bits (RFC 9068 §2.2, `jti`).
fn token_id() -> Result<String, SigningKeyError> {
    let mut id = [0; 16];
    fill_random(&mut id).map_err(|_cause| SigningKeyError::Crypto)?;
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// A signed token. `Debug` does not show it.
pub struct SignedToken {
    text: String,
    expires_at: UnixTime,
}

impl SignedToken {
    /// Returns the token in compact serialization.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns when the token expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// Returns the token in compact serialization.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }
}

impl fmt::Debug for SignedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
