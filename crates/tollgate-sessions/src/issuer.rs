//! [`TokenIssuer`]: access tokens in the profile of RFC 9068.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate::{Audience, Issuer, KeySet, KeySnapshot, UnixTime, Verifier};
use tracing::warn;

use crate::error::{IssueError, KeyRingError, SigningKeyError};
use crate::secret_names;
use crate::session::SessionView;
use crate::signing::{KeyRing, SigningKey, jwk_set};

/// Claims that the issuer sets, and nobody else.
const RESERVED: [&str; 13] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "roles",
    "sid",
    "sep",
    "auth_time",
];
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);
const SENSIBLE_LIFETIMES: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3600);

/// Signs access tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    signer: Signer,
    issuer: Issuer,
    audience: Audience,
    lifetime: Duration,
    spread: Spread,
}

/// Whether tokens that are issued together end together.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Exact,
    /// Up to a twentieth shorter.
    Twentieth,
}

impl TokenIssuer {
    /// Signs with `key`, as `issuer`, for `audience`. Tokens live for ten minutes unless told otherwise, and up to 5 % less, so
    /// that clients that began together do not renew together.
    #[must_use]
    pub fn new(key: SigningKey, issuer: Issuer, audience: Audience) -> Self {
        Self::signing_with(Signer::Key(Arc::new(key)), issuer, audience)
    }

    /// Signs with whichever key of `ring` is due. Otherwise as [`new`](Self::new).
    #[must_use]
    pub fn with_key_ring(ring: Arc<KeyRing>, issuer: Issuer, audience: Audience) -> Self {
        Self::signing_with(Signer::Ring(ring), issuer, audience)
    }

    fn signing_with(signer: Signer, issuer: Issuer, audience: Audience) -> Self {
        Self { signer, issuer, audience, lifetime: DEFAULT_LIFETIME, spread: Spread::Twentieth }
    }

    /// How long tokens live at most.
    ///
    /// Between a minute and an hour is sensible, and what is outside is logged: below, a client does little else than renew
    /// (which tests and demonstrations want to see); above, tokens outlive a logout for long wherever nobody asks
    /// [`RevokedSessions`](crate::RevokedSessions).
    ///
    /// # Errors
    /// [`IssueError::Lifetime`] unless it is between a second and a day; [`IssueError::OutlivesKey`] when a token, with the
    /// longest leeway, would be accepted for longer than the key ring keeps a replaced key.
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
            warn!(secs, "access tokens live for less than a minute or more than an hour");
        }
        Ok(Self { lifetime, ..self })
    }

    /// The same, whose tokens live exactly as long as is set.
    #[must_use]
    pub fn with_exact_lifetime(self) -> Self {
        Self { spread: Spread::Exact, ..self }
    }

    /// How long tokens live at most.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The public keys that verify its tokens, as the JWK Set to publish (RFC 7517 §5). Secrets are not in it.
    #[must_use]
    pub fn jwk_set(&self) -> String {
        match &self.signer {
            Signer::Key(key) => jwk_set([&**key]),
            Signer::Ring(ring) => ring.jwk_set(),
        }
    }

    /// What verifies its tokens, as it is now; [`keys`](Self::keys) follows a key ring.
    ///
    /// # Errors
    /// [`KeyRingError::Key`]; not to be expected of keys that could be made.
    pub fn key_set(&self) -> Result<KeySet, KeyRingError> {
        match &self.signer {
            Signer::Key(key) => Ok(KeySet::from(key.verifying_key()?)),
            Signer::Ring(ring) => Ok(ring.key_set()),
        }
    }

    /// What verifies its tokens, now and when a key ring has turned: for a [`Verifier`](tollgate::Verifier) in the same
    /// process.
    ///
    /// # Errors
    /// As [`key_set`](Self::key_set).
    pub fn keys(&self) -> Result<KeySnapshot, KeyRingError> {
        match &self.signer {
            Signer::Key(key) => Ok(key.verifying_key()?.into()),
            Signer::Ring(ring) => {
                let ring: Arc<KeyRing> = Arc::clone(ring);
                Ok(KeySnapshot::from_shared(ring))
            }
        }
    }

    /// Signs an access token that ends [`lifetime`](Self::lifetime) after `now`, or up to 5 % earlier;
    /// [`SignedToken::expires_at`] says when.
    ///
    /// # Errors
    /// [`IssueError::Signing`] when the system has no randomness.
    pub fn issue(&self, token: &AccessToken, now: UnixTime) -> Result<SignedToken, IssueError> {
        let mut claims = token.extra.clone();
        let expires_at = now.saturating_add(self.spread.shorten(self.lifetime)?);
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("iss", self.issuer.as_str().into());
        set("sub", (*token.subject).into());
        set("aud", self.audience.as_str().into());
        set("client_id", (*token.client_id).into());
        set("exp", expires_at.as_secs().into());
        set("iat", now.as_secs().into());
        set("jti", token_id()?.into());
        if !token.scopes.is_empty() {
            set("scope", token.scopes.join(" ").into());
        }
        if !token.roles.is_empty() {
            set("roles", token.roles.clone().into());
        }
        let signed = sign(&*self.signer.at(now)?, &Value::Object(claims))?;
        Ok(SignedToken { text: signed, expires_at })
    }
}

impl Spread {
    fn shorten(self, lifetime: Duration) -> Result<Duration, SigningKeyError> {
        let Self::Twentieth = self else { return Ok(lifetime) };
        let mut random = [0; 4];
        rand::fill(&mut random).map_err(|_cause| SigningKeyError::Crypto)?;
        // At most a day, so that nothing overflows; 32 bits of chance are enough for a day of seconds.
        let most = lifetime.as_secs().saturating_div(20).saturating_add(1);
        let shorter = most.saturating_mul(u32::from_be_bytes(random).into()) >> 32;
        Ok(lifetime.saturating_sub(Duration::from_secs(shorter)))
    }
}

/// One key, or those that replace each other.
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

/// 128 random bits (RFC 9068 §2.2 `jti`).
fn token_id() -> Result<String, SigningKeyError> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_cause| SigningKeyError::Crypto)?;
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// What an access token says about its subject.
#[derive(Clone, Debug)]
pub struct AccessToken {
    subject: Box<str>,
    client_id: Box<str>,
    scopes: Vec<String>,
    roles: Vec<String>,
    extra: Map<String, Value>,
}

impl AccessToken {
    /// A token about `subject`, for the client `client_id`.
    pub fn new(subject: impl Into<Box<str>>, client_id: impl Into<Box<str>>) -> Self {
        let (subject, client_id) = (subject.into(), client_id.into());
        Self { subject, client_id, scopes: Vec::new(), roles: Vec::new(), extra: Map::new() }
    }

    /// A token of a session: about its subject, with the claims `sid`, `sep` and `auth_time`, so that it ends with the
    /// session where [`RevokedSessions`](crate::RevokedSessions) are asked.
    pub fn of_session(session: &SessionView, client_id: impl Into<Box<str>>) -> Self {
        let mut token = Self::new(session.subject.clone(), client_id);
        token.extra.insert("sid".to_owned(), session.session.to_string().into());
        token.extra.insert("sep".to_owned(), session.epoch.into());
        token.extra.insert("auth_time".to_owned(), session.auth_time.to_unix_time().as_secs().into());
        token
    }

    /// Grants these scopes.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Grants these roles.
    #[must_use]
    pub fn with_roles<S: Into<String>>(mut self, roles: impl IntoIterator<Item = S>) -> Self {
        self.roles.extend(roles.into_iter().map(Into::into));
        self
    }

    /// Adds a claim. Whoever holds the token can read it: nothing secret belongs here.
    ///
    /// # Errors
    /// [`IssueError::ReservedClaim`] for a claim that the issuer sets, [`IssueError::SecretClaim`] for one whose name, or
    /// that of a member inside, reads like that of a secret, [`IssueError::Claim`] for a value that has no JSON form.
    pub fn with_claim(self, name: &str, value: impl Serialize) -> Result<Self, IssueError> {
        let value = to_json(name, value)?;
        if let Some(found) = secret_names::find(name, &value) {
            return Err(IssueError::SecretClaim { name: found.into() });
        }
        self.insert(name, value)
    }

    /// Adds a claim whose name reads like that of a secret, and which is none.
    ///
    /// # Errors
    /// As [`with_claim`](Self::with_claim), but for [`IssueError::SecretClaim`].
    pub fn with_claim_despite_its_name(self, name: &str, value: impl Serialize) -> Result<Self, IssueError> {
        let value = to_json(name, value)?;
        self.insert(name, value)
    }

    fn insert(mut self, name: &str, value: Value) -> Result<Self, IssueError> {
        if RESERVED.contains(&name) {
            return Err(IssueError::ReservedClaim { name: name.into() });
        }
        self.extra.insert(name.to_owned(), value);
        Ok(self)
    }
}

fn to_json(name: &str, value: impl Serialize) -> Result<Value, IssueError> {
    serde_json::to_value(value).map_err(|_cause| IssueError::Claim { name: name.into() })
}

/// A signed token. `Debug` does not show it.
pub struct SignedToken {
    text: String,
    expires_at: UnixTime,
}

impl SignedToken {
    /// The token in compact serialisation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When it ends.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.expires_at
    }

    /// The token in compact serialisation.
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
