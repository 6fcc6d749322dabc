//! [`RefreshKeys`]: the keys that authenticate refresh tokens.

use std::fmt;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::{Algorithm, KeyError, VerifyingKey};
use zeroize::Zeroizing;

use super::refresh_token::{RefreshToken, RefreshTokenFlags, TAG_BYTES};
use crate::files::environment::{self, SecretSourceError};
use crate::files::private_file::{self, PrivateFileError};
use crate::session::{Fingerprint, SessionId};
use crate::support::{EntropyError, fill_random, first_bytes};

/// The keys that authenticate refresh tokens. The newest key makes new tokens. Tokens of older keys are still
/// accepted.
///
/// # Security
/// An attacker who has one of these keys and an old refresh token of a session can make its current token.
/// Protect the keys like the key that signs access tokens. Removing a key logs out every session whose current
/// token it made.
#[derive(Clone, Debug)]
pub struct RefreshKeys {
    pub(super) newest: RefreshKey,
    older: Vec<RefreshKey>,
}

impl RefreshKeys {
    /// Creates a set with one key, which makes and verifies tokens.
    #[must_use]
    pub const fn new(newest: RefreshKey) -> Self {
        Self { newest, older: Vec::new() }
    }

    /// Adds an older key, whose tokens are still accepted. Keep a replaced key for the idle lifetime of
    /// sessions: each refresh moves its session to the newest key.
    ///
    /// # Errors
    /// [`RefreshKeyError::DuplicateId`] when another key has the same ID.
    pub fn with_older(mut self, key: RefreshKey) -> Result<Self, RefreshKeyError> {
        if self.all().any(|other| other.id == key.id) {
            return Err(RefreshKeyError::DuplicateId { id: key.id });
        }
        self.older.push(key);
        Ok(self)
    }

    /// Makes the first token of `session`.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gave no random bytes.
    pub fn begin(&self, session: SessionId, flags: RefreshTokenFlags) -> Result<RefreshToken, EntropyError> {
        let mut token = RefreshToken::begin(self.newest.id, flags, session)?;
        token.set_tag(self.newest.tag(&token));
        Ok(token)
    }

    /// Makes the token of `generation` in the session of `presented`.
    ///
    /// The result is deterministic. Clients that lost a race or a response thus get the same successor, and no
    /// store has to keep it.
    #[must_use]
    pub fn successor(&self, presented: &RefreshToken, generation: u32) -> RefreshToken {
        let mut token = presented.successor(self.newest.id, generation);
        token.set_tag(self.newest.tag(&token));
        token
    }

    /// Returns whether one of these keys has made `token`. The comparison is in constant time; the lookup of
    /// the key by its ID is not.
    #[must_use]
    pub fn verify(&self, token: &RefreshToken) -> bool {
        let key = self.all().find(|key| key.id == token.key_id());
        key.is_some_and(|key| verify_slices_are_equal(&key.tag(token), token.tag()).is_ok())
    }

    /// Returns the fingerprint of a client, from its description of itself.
    ///
    /// Describe the client by its family and platform, not by its version or address: those change while a
    /// session lives. The hash is keyed, so that a store does not reveal which clients its users have.
    #[must_use]
    pub fn fingerprint(&self, client: &str) -> Fingerprint {
        self.newest.fingerprint(client)
    }

    /// Returns whether `fingerprint` is the fingerprint of `client`, made with any of these keys.
    pub(crate) fn is_fingerprint(&self, fingerprint: Fingerprint, client: &str) -> bool {
        self.all().any(|key| key.fingerprint(client) == fingerprint)
    }

    /// Returns the key that hashes login names for the login throttle.
    pub(crate) fn login_throttle(&self) -> &hmac::Key {
        &self.newest.login_throttle
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &RefreshKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

/// One of the [`RefreshKeys`]. Its `Debug` output shows the ID only.
#[derive(Clone)]
pub struct RefreshKey {
    id: u8,
    tokens: hmac::Key,
    fingerprints: hmac::Key,
    login_throttle: hmac::Key,
    pub(super) csrf: hmac::Key,
}

impl RefreshKey {
    /// Derives the key from the operator's secret. Its tokens carry `id`, so every secret needs an ID of its
    /// own.
    ///
    /// # Errors
    /// [`RefreshKeyError::Weak`] when the secret is too weak. The source of the error says how to make a better one.
    pub fn new(id: u8, secret: impl AsRef<[u8]>) -> Result<Self, RefreshKeyError> {
        let secret = secret.as_ref();
        VerifyingKey::hmac(Algorithm::Hs256, secret).map_err(RefreshKeyError::Weak)?;
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tollgate/keys/1").extract(secret);
        let derive = |label: &'static str| {
            let info = [label.as_bytes()];
            let expanded = extracted.expand(&info, hmac::HMAC_SHA256);
            expanded.map(hmac::Key::from).map_err(|_cause| RefreshKeyError::Crypto)
        };
        Ok(Self {
            id,
            tokens: derive("rt")?,
            fingerprints: derive("fingerprint")?,
            login_throttle: derive("login-throttle")?,
            csrf: derive("csrf")?,
        })
    }

    /// Returns the ID that the tokens of this key carry.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    #[cfg(test)]
    pub(super) fn with_id(self, id: u8) -> Self {
        Self { id, ..self }
    }

    /// Generates a random secret in base64url, for a file or an environment variable.
    ///
    /// # Errors
    /// [`RefreshKeyError::Crypto`] when the operating system gave no random bytes.
    pub fn generate_secret() -> Result<Zeroizing<String>, RefreshKeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        fill_random(secret.as_mut_slice()).map_err(|_cause| RefreshKeyError::Crypto)?;
        Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice())))
    }

    /// Reads the secret from the file at `path`, and ignores white space around it.
    ///
    /// # Errors
    /// [`RefreshKeyError::File`] when the file cannot be read, or other users can read it.
    /// [`RefreshKeyError::Weak`] when the secret is too weak.
    pub fn from_file(id: u8, path: impl AsRef<Path>) -> Result<Self, RefreshKeyError> {
        let secret = private_file::read(path.as_ref())?;
        Self::new(id, secret.trim_ascii())
    }

    /// Reads the secret from the environment variable `name`, or from the file that the variable `name`
    /// followed by `_FILE` names. Ignores white space around the secret.
    ///
    /// # Errors
    /// [`RefreshKeyError::Source`] when neither or both of the variables are set, or when other users can read
    /// the file. [`RefreshKeyError::Weak`] when the secret is too weak. No error shows the secret.
    pub fn from_env(id: u8, name: &str) -> Result<Self, RefreshKeyError> {
        Self::new(id, &*environment::secret(name)?)
    }

    /// Reads the secret from the file at `path`. If there is no file, this creates one with a new secret that
    /// only the current user can read.
    ///
    /// # Errors
    /// The errors of [`from_file`](Self::from_file).
    pub fn from_file_or_new(id: u8, path: impl AsRef<Path>) -> Result<Self, RefreshKeyError> {
        private_file::create_if_missing(path.as_ref(), || {
            Self::generate_secret().map(|secret| Zeroizing::new(secret.as_bytes().to_vec()))
        })?;
        Self::from_file(id, path)
    }

    fn fingerprint(&self, client: &str) -> Fingerprint {
        Fingerprint::from_bytes(first_bytes(hmac::sign(&self.fingerprints, client.as_bytes())))
    }

    /// Returns the first half of the HMAC-SHA-256 of `tollgate/rt/1`, a zero byte and the token's body.
    fn tag(&self, token: &RefreshToken) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.tokens);
        context.update(b"tollgate/rt/1\0");
        context.update(token.body());
        first_bytes(context.sign())
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a key for refresh tokens could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshKeyError {
    /// An attacker could guess the secret.
    #[error("secret for refresh tokens is too weak")]
    Weak(#[source] KeyError),
    /// The file cannot be read or written, or other users can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The environment has no secret, or more than one.
    #[error(transparent)]
    Source(#[from] SecretSourceError),
    /// Two keys have the same ID.
    #[error("two keys for refresh tokens have the ID {id}")]
    DuplicateId {
        /// The ID of both keys.
        id: u8,
    },
    /// The directory contains a file that is not a key for refresh tokens.
    #[error("the directory contains a file that is not a key for refresh tokens; use another directory")]
    NotKeys,
    /// All 255 IDs are in use.
    #[error("all IDs of keys for refresh tokens are in use")]
    TooMany,
    /// The operating system gave no random bytes, or the cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests {
    use super::*;
    use crate::session::UnixMillis;

    const SECRET: &[u8] = b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
    const OTHER: &[u8] = b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw";

    fn session() -> SessionId {
        SessionId::generate(UnixMillis::from_millis(1_700_000_000_000)).unwrap()
    }

    fn keys(id: u8, secret: &[u8]) -> RefreshKeys {
        RefreshKeys::new(RefreshKey::new(id, secret).unwrap())
    }

    #[test]
    fn successor_is_deterministic() {
        let keys = keys(1, SECRET);
        let first = keys.begin(session(), RefreshTokenFlags::default()).unwrap();
        assert!(keys.verify(&first));
        let (one, two) = (keys.successor(&first, 1), keys.successor(&first, 1));
        assert!(one == two && keys.verify(&one));
        assert!(keys.successor(&one, 2) == keys.successor(&first, 2));
    }

    #[test]
    fn refresh_token_is_rejected_when_any_bit_changes() {
        let keys = keys(1, SECRET);
        let text = keys.begin(session(), RefreshTokenFlags::default().cookie_bound()).unwrap().expose();
        let bytes = URL_SAFE_NO_PAD.decode(&text[4..]).unwrap();
        for position in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[position / 8] ^= 1 << (position % 8);
            let text = format!("rt1_{}", URL_SAFE_NO_PAD.encode(changed));
            let accepted = text.parse::<RefreshToken>().is_ok_and(|token| keys.verify(&token));
            assert!(!accepted, "bit {position}");
        }
    }

    #[test]
    fn refresh_token_of_a_replaced_key_is_valid_until_the_key_is_removed() {
        let old = keys(1, SECRET);
        let token = old.begin(session(), RefreshTokenFlags::default()).unwrap();
        let new = keys(2, OTHER);
        assert!(!new.verify(&token));
        let both = new.clone().with_older(RefreshKey::new(1, SECRET).unwrap()).unwrap();
        assert!(both.verify(&token));
        let next = both.successor(&token, 1);
        assert_eq!(next.key_id(), 2);
        assert!(new.verify(&next));
        let error = both.with_older(RefreshKey::new(2, SECRET).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "two keys for refresh tokens have the ID 2");
    }

    #[test]
    fn refresh_key_rejects_a_weak_secret_with_advice() {
        let error = RefreshKey::new(1, "changeme").unwrap_err();
        let RefreshKeyError::Weak(reason) = error else { panic!("{error}") };
        assert!(reason.to_string().contains("openssl rand -base64 32"), "{reason}");
    }

    #[test]
    fn refresh_keys_hide_secrets_in_debug_output() {
        let shown = format!("{:?}", keys(1, SECRET));
        assert_eq!(shown, "RefreshKeys { newest: RefreshKey { id: 1, .. }, older: [] }");
    }

    #[test]
    fn fingerprint_depends_on_the_key() {
        let (one, two) = (keys(1, SECRET), keys(1, OTHER));
        assert_eq!(one.fingerprint("Firefox/Linux"), one.fingerprint("Firefox/Linux"));
        assert_ne!(one.fingerprint("Firefox/Linux"), one.fingerprint("Chrome/Linux"));
        assert_ne!(one.fingerprint("Firefox/Linux"), two.fingerprint("Firefox/Linux"));
        // A fingerprint of an older key still matches.
        let old = one.fingerprint("Firefox/Linux");
        let both = keys(2, OTHER).with_older(RefreshKey::new(1, SECRET).unwrap()).unwrap();
        assert_ne!(both.fingerprint("Firefox/Linux"), old);
        assert!(both.is_fingerprint(old, "Firefox/Linux") && !both.is_fingerprint(old, "Chrome/Linux"));
        assert!(!two.is_fingerprint(old, "Firefox/Linux"));
    }
}
