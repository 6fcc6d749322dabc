//! [`RefreshKeys`]: who can make a refresh token.

use std::fmt;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::{Algorithm, KeyError, VerifyingKey};
use zeroize::Zeroizing;

use super::refresh_token::{RefreshToken, RefreshTokenFlags, TAG_BYTES};
use crate::files::environment::{self, SecretSourceError};
use crate::files::private_file::{self, PrivateFileError};
use crate::session::{Fingerprint, SessionId};
use crate::support::EntropyError;
use crate::support::first_bytes;

/// The keys that authenticate refresh tokens: one makes them, some older ones are still believed.
///
/// # Security
/// Whoever has such a key and one old refresh token can make the current one. Guard it like the key that signs access
/// tokens. Leaving out a key that was in use ends every session whose tokens it made.
#[derive(Clone, Debug)]
pub struct RefreshKeys {
    pub(super) newest: RefreshKey,
    older: Vec<RefreshKey>,
}

impl RefreshKeys {
    /// Tokens are made, and believed, with this key.
    #[must_use]
    pub const fn new(newest: RefreshKey) -> Self {
        Self { newest, older: Vec::new() }
    }

    /// Still believes what `key` has made. Keep a key that was replaced for as long as a session may be idle; each
    /// renewal moves its session to the newest key.
    ///
    /// # Errors
    /// [`RefreshKeyError::DuplicateId`] when another key has the same id.
    pub fn with_older(mut self, key: RefreshKey) -> Result<Self, RefreshKeyError> {
        if self.all().any(|known| known.id == key.id) {
            return Err(RefreshKeyError::DuplicateId { id: key.id });
        }
        self.older.push(key);
        Ok(self)
    }

    /// The first token of `session`.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no random bytes.
    pub fn begin(&self, session: SessionId, flags: RefreshTokenFlags) -> Result<RefreshToken, EntropyError> {
        let mut token = RefreshToken::begin(self.newest.id, flags, session)?;
        token.set_tag(self.newest.tag(&token));
        Ok(token)
    }

    /// The token of `generation` in the session of `presented`. It is always the same one, so that all who lost a race,
    /// or an answer, are given the same successor, and no store needs to keep it.
    #[must_use]
    pub fn successor(&self, presented: &RefreshToken, generation: u32) -> RefreshToken {
        let mut token = presented.successor(self.newest.id, generation);
        token.set_tag(self.newest.tag(&token));
        token
    }

    /// Whether one of these keys has made `token`. In constant time, apart from which key it names.
    #[must_use]
    pub fn verify(&self, token: &RefreshToken) -> bool {
        let key = self.all().find(|key| key.id == token.key_id());
        key.is_some_and(|key| verify_slices_are_equal(&key.tag(token), token.tag()).is_ok())
    }

    /// What a client looks like, from what it says of itself: its family and its platform, not its version or address,
    /// which change while a session lasts. Keyed, so that a store does not tell what its users use.
    #[must_use]
    pub fn fingerprint(&self, client: &str) -> Fingerprint {
        self.newest.fingerprint(client)
    }

    /// Whether it is that of `client`, made with any of these keys.
    pub(crate) fn is_fingerprint(&self, known: Fingerprint, client: &str) -> bool {
        self.all().any(|key| key.fingerprint(client) == known)
    }

    /// What hashes login names where attempts are counted.
    pub(crate) fn login_throttle(&self) -> &hmac::Key {
        &self.newest.login_throttle
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &RefreshKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

/// One key of [`RefreshKeys`]. `Debug` shows its id.
#[derive(Clone)]
pub struct RefreshKey {
    id: u8,
    tokens: hmac::Key,
    fingerprints: hmac::Key,
    login_throttle: hmac::Key,
    pub(super) csrf: hmac::Key,
}

impl RefreshKey {
    /// The key that follows from the operator's secret. `id` is carried by its tokens: another secret needs another id.
    ///
    /// # Errors
    /// [`RefreshKeyError::Weak`] says what is wrong with the secret, and how to make a good one.
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

    /// The number that its tokens carry.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    #[cfg(test)]
    pub(super) fn with_id(self, id: u8) -> Self {
        Self { id, ..self }
    }

    /// A secret from the system's randomness, in base64url: what to put into a file or an environment variable.
    ///
    /// # Errors
    /// [`RefreshKeyError::Crypto`] when the system has no randomness.
    pub fn generate_secret() -> Result<Zeroizing<String>, RefreshKeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        rand::fill(secret.as_mut_slice()).map_err(|_cause| RefreshKeyError::Crypto)?;
        Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice())))
    }

    /// The key whose secret is in the file at `path`, white space around it ignored.
    ///
    /// # Errors
    /// [`RefreshKeyError::File`] when it cannot be read or others can read it, [`RefreshKeyError::Weak`] when what is
    /// in it is no good secret.
    pub fn from_file(id: u8, path: impl AsRef<Path>) -> Result<Self, RefreshKeyError> {
        let secret = private_file::read(path.as_ref())?;
        Self::new(id, secret.trim_ascii())
    }

    /// The key whose secret is in the variable `name` of the environment, or in the file that the variable `name` followed by
    /// `_FILE` names; white space around it ignored.
    ///
    /// # Errors
    /// [`RefreshKeyError::Source`] when neither or both are set, or others can read the file; [`RefreshKeyError::Weak`] when
    /// the value is no good secret. No error shows the value.
    pub fn from_env(id: u8, name: &str) -> Result<Self, RefreshKeyError> {
        Self::new(id, &*environment::secret(name)?)
    }

    /// As [`from_file`](Self::from_file); where there is no file, one is made that only this user can read.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_file_or_new(id: u8, path: impl AsRef<Path>) -> Result<Self, RefreshKeyError> {
        private_file::create_if_missing(path.as_ref(), || {
            Self::generate_secret().map(|secret| Zeroizing::new(secret.as_bytes().to_vec()))
        })?;
        Self::from_file(id, path)
    }

    fn fingerprint(&self, client: &str) -> Fingerprint {
        Fingerprint::from_bytes(first_bytes(hmac::sign(&self.fingerprints, client.as_bytes())))
    }

    /// The first half of the HMAC-SHA-256 of `tollgate/rt/1`, a zero byte and the token's body.
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

/// Why a key for refresh tokens cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshKeyError {
    /// The secret could be guessed.
    #[error("secret for refresh tokens refused")]
    Weak(#[source] KeyError),
    /// The file cannot be read or written, or others can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The environment has no secret, or too many.
    #[error(transparent)]
    Source(#[from] SecretSourceError),
    /// Two keys have the same id.
    #[error("two keys for refresh tokens have the id {id}")]
    DuplicateId {
        /// The id.
        id: u8,
    },
    /// The directory, or a file in it, holds something else.
    #[error("the directory holds something else than keys for refresh tokens; name another")]
    NotKeys,
    /// All ids are taken.
    #[error("as many keys for refresh tokens are in use as there can be")]
    TooMany,
    /// The system has no randomness, or the cryptographic library failed.
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
    fn successors_are_always_the_same() {
        let keys = keys(1, SECRET);
        let first = keys.begin(session(), RefreshTokenFlags::default()).unwrap();
        assert!(keys.verify(&first));
        let (one, two) = (keys.successor(&first, 1), keys.successor(&first, 1));
        assert!(one == two && keys.verify(&one));
        assert!(keys.successor(&one, 2) == keys.successor(&first, 2));
    }

    #[test]
    fn every_bit_counts() {
        let keys = keys(1, SECRET);
        let text = keys.begin(session(), RefreshTokenFlags::default().cookie_bound()).unwrap().expose();
        let bytes = URL_SAFE_NO_PAD.decode(&text[4..]).unwrap();
        for position in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[position / 8] ^= 1 << (position % 8);
            let text = format!("rt1_{}", URL_SAFE_NO_PAD.encode(changed));
            let believed = text.parse::<RefreshToken>().is_ok_and(|token| keys.verify(&token));
            assert!(!believed, "bit {position}");
        }
    }

    #[test]
    fn a_replaced_key_is_believed_until_it_is_left_out() {
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
        assert_eq!(error.to_string(), "two keys for refresh tokens have the id 2");
    }

    #[test]
    fn weak_secrets_are_refused_with_advice() {
        let error = RefreshKey::new(1, "changeme").unwrap_err();
        let RefreshKeyError::Weak(reason) = error else { panic!("{error}") };
        assert!(reason.to_string().contains("openssl rand -base64 32"), "{reason}");
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", keys(1, SECRET));
        assert_eq!(shown, "RefreshKeys { newest: RefreshKey { id: 1, .. }, older: [] }");
    }

    #[test]
    fn fingerprints_are_keyed() {
        let (one, two) = (keys(1, SECRET), keys(1, OTHER));
        assert_eq!(one.fingerprint("Firefox/Linux"), one.fingerprint("Firefox/Linux"));
        assert_ne!(one.fingerprint("Firefox/Linux"), one.fingerprint("Chrome/Linux"));
        assert_ne!(one.fingerprint("Firefox/Linux"), two.fingerprint("Firefox/Linux"));
        // A browser stays the same one when the key is replaced.
        let old = one.fingerprint("Firefox/Linux");
        let both = keys(2, OTHER).with_older(RefreshKey::new(1, SECRET).unwrap()).unwrap();
        assert_ne!(both.fingerprint("Firefox/Linux"), old);
        assert!(both.is_fingerprint(old, "Firefox/Linux") && !both.is_fingerprint(old, "Chrome/Linux"));
        assert!(!two.is_fingerprint(old, "Firefox/Linux"));
    }
}
