//! [`Forge`] and [`TokenBuilder`]: valid tokens by default, invalid ones on request.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};
use tollgate::{Algorithm, Audience, Clock, Issuer, SystemClock, UnixTime};
use tollgate_sessions::SigningKey;

use crate::keys;

/// Makes tokens of one issuer for one audience. By default, it signs with HS256 and the [fixed key](keys::signing).
#[derive(Clone, Debug)]
pub struct Forge {
    issuer: Arc<str>,
    audience: Arc<str>,
    key: Arc<SigningKey>,
    clock: Arc<dyn Clock>,
}

impl Forge {
    /// Creates a forge that makes tokens of `issuer` for `audience`. It uses the system's clock.
    pub fn new(issuer: impl Into<Arc<str>>, audience: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            key: Arc::new(keys::signing(Algorithm::Hs256)),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Signs tokens with the [fixed key](keys::signing) of this algorithm. The default is HS256.
    #[must_use]
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        self.with_key(keys::signing(algorithm))
    }

    /// Signs tokens with this key instead of a fixed one.
    #[must_use]
    pub fn with_key(self, key: SigningKey) -> Self {
        Self { key: Arc::new(key), ..self }
    }

    /// Computes `iat` and `exp` by this clock. The default is the system's clock.
    #[must_use]
    pub fn with_clock<C: Clock + Clone>(self, clock: &C) -> Self {
        Self { clock: Arc::new(clock.clone()), ..self }
    }

    /// Returns the time of the forge's clock.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Returns the issuer of good tokens, for a [`Verifier`](tollgate::Verifier).
    ///
    /// # Panics
    /// Panics when [`Issuer::new`] rejects the text.
    #[expect(clippy::expect_used, reason = "for tests")]
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        Issuer::new(&*self.issuer).expect("a forge with a well-formed issuer")
    }

    /// Returns the audience of good tokens, for a [`Verifier`](tollgate::Verifier).
    ///
    /// # Panics
    /// Panics when [`Audience::new`] rejects the text.
    #[expect(clippy::expect_used, reason = "for tests")]
    #[must_use]
    pub fn audience(&self) -> Audience {
        Audience::new(&*self.audience).expect("a forge with a well-formed audience")
    }

    /// Returns a builder of a valid token. A test then changes the members or claims that are to be invalid.
    ///
    /// The subject is `alice`. The token is issued now, and expires ten minutes later.
    pub fn token(&self) -> TokenBuilder {
        let now = self.now().as_secs();
        let builder = TokenBuilder {
            key: Arc::clone(&self.key),
            header: Map::new(),
            claims: Map::new(),
            header_text: None,
            payload_text: None,
        };
        let builder = match self.key.key_id() {
            Some(key_id) => builder.header("kid", key_id.as_str()),
            None => builder,
        };
        builder
            .header("alg", self.key.algorithm().name())
            .header("typ", "JWT")
            .claim("iss", &*self.issuer)
            .claim("aud", &*self.audience)
            .claim("sub", "alice")
            .claim("iat", now)
            .claim("exp", now.saturating_add(600))
    }
}

/// Builds a token. A test can set every header member and every claim, valid or not.
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenBuilder {
    key: Arc<SigningKey>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    header_text: Option<Vec<u8>>,
    payload_text: Option<Vec<u8>>,
}

impl TokenBuilder {
    /// Sets the claim `sub`.
    pub fn subject(self, subject: &str) -> Self {
        self.claim("sub", subject)
    }

    /// Sets the claim `scope`.
    pub fn scope(self, scope: &str) -> Self {
        self.claim("scope", scope)
    }

    /// Sets the claim `roles`.
    pub fn roles(self, roles: &[&str]) -> Self {
        self.claim("roles", roles)
    }

    /// Sets a claim to any value, valid or not.
    ///
    /// # Panics
    /// Panics when the value cannot be serialized to JSON.
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        self.claims.insert(name.to_owned(), json(value));
        self
    }

    /// Removes a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a header member to any value, valid or not.
    ///
    /// # Panics
    /// Panics when the value cannot be serialized to JSON.
    pub fn header(mut self, name: &str, value: impl Serialize) -> Self {
        self.header.insert(name.to_owned(), json(value));
        self
    }

    /// Removes a header member.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Uses these bytes as the header. They can have duplicate members, and need not be a JSON object.
    pub fn raw_header(self, header: impl Into<Vec<u8>>) -> Self {
        Self { header_text: Some(header.into()), ..self }
    }

    /// Uses these bytes as the payload. They need not be JSON.
    pub fn raw_payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload_text: Some(payload.into()), ..self }
    }

    /// Returns the token with a valid signature.
    ///
    /// # Panics
    /// Panics when the operating system gives no random bytes.
    #[must_use]
    pub fn sign(self) -> String {
        let key = Arc::clone(&self.key);
        self.sign_with(&key)
    }

    /// Returns the token with a signature by another key. The header stays the same.
    ///
    /// # Panics
    /// Panics when the operating system gives no random bytes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn sign_with(self, key: &SigningKey) -> String {
        let input = self.signing_input();
        let signature = key.sign(input.as_bytes()).expect("randomness");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the token with these bytes as its signature.
    #[must_use]
    pub fn with_signature(self, signature: &[u8]) -> String {
        format!("{}.{}", self.signing_input(), URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the token with one bit of its signature flipped.
    ///
    /// The bit is in the first half: a verifier can reject the second half of an `EdDSA` signature as too large a
    /// number, without verifying it.
    ///
    /// # Panics
    /// Panics when the operating system gives no random bytes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn with_broken_signature(self) -> String {
        let mut signature = self.key.sign(self.signing_input().as_bytes()).expect("randomness");
        let quarter = signature.len() / 4;
        if let Some(byte) = signature.get_mut(quarter) {
            *byte ^= 1;
        }
        self.with_signature(&signature)
    }

    /// Returns an unsecured token: `alg` is `none`, and the signature is empty (RFC 7519 §6).
    #[must_use]
    pub fn unsigned(self) -> String {
        format!("{}.", self.header("alg", "none").signing_input())
    }

    fn signing_input(&self) -> String {
        let part = |text: &Option<Vec<u8>>, members: &Map<String, Value>| match text {
            Some(text) => URL_SAFE_NO_PAD.encode(text),
            None => URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string()),
        };
        format!("{}.{}", part(&self.header_text, &self.header), part(&self.payload_text, &self.claims))
    }
}

#[expect(clippy::expect_used, reason = "for tests")]
fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("a value that JSON can express")
}
