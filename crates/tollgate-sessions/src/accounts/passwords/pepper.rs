//! [`Peppers`]: secrets that are hashed with each password, and stored apart from the hashes.

use std::fmt;
use std::path::Path;

use tollgate::{Algorithm, KeyError, VerifyingKey};
use zeroize::Zeroizing;

use crate::files::private_file::{self, PrivateFileError};

/// The secrets that are hashed with each password: one for new hashes, and older ones for existing hashes.
///
/// An attacker who has the hashes, but not the pepper, cannot try passwords.
///
/// # Security
/// A hash cannot be verified without its pepper. If a pepper is lost, the users of its hashes need new passwords.
#[derive(Clone, Debug)]
pub struct Peppers {
    newest: Pepper,
    older: Vec<Pepper>,
}

impl Peppers {
    /// Makes a set with one pepper, which is used for new hashes.
    #[must_use]
    pub const fn new(newest: Pepper) -> Self {
        Self { newest, older: Vec::new() }
    }

    /// Adds a pepper for existing hashes. The next login of each user replaces the hash with one of the newest
    /// pepper.
    ///
    /// # Errors
    /// [`PepperError::DuplicateId`] when another pepper has the same ID.
    pub fn with_older(mut self, pepper: Pepper) -> Result<Self, PepperError> {
        if self.find(pepper.id).is_some() {
            return Err(PepperError::DuplicateId { id: pepper.id });
        }
        self.older.push(pepper);
        Ok(self)
    }

    pub(super) fn newest(&self) -> &Pepper {
        &self.newest
    }

    pub(super) fn find(&self, id: u8) -> Option<&Pepper> {
        std::iter::once(&self.newest).chain(&self.older).find(|pepper| pepper.id == id)
    }
}

/// One of the [`Peppers`]. `Debug` shows only its ID.
#[derive(Clone)]
pub struct Pepper {
    id: u8,
    secret: Zeroizing<Vec<u8>>,
}

impl Pepper {
    /// Makes a pepper from a secret. Each hash stores the `id` of its pepper, so another secret needs another ID.
    ///
    /// # Errors
    /// [`PepperError::Weak`], whose source says what is wrong with the secret and how to make a good one.
    pub fn new(id: u8, secret: impl AsRef<[u8]>) -> Result<Self, PepperError> {
        let secret = Zeroizing::new(secret.as_ref().to_vec());
        VerifyingKey::hmac(Algorithm::Hs256, &*secret).map_err(PepperError::Weak)?;
        Ok(Self { id, secret })
    }

    /// Reads the secret from the file at `path`, without surrounding white space.
    ///
    /// # Errors
    /// [`PepperError::File`] when the file cannot be read, or other users can read it; [`PepperError::Weak`]
    /// when the secret is weak.
    pub fn from_file(id: u8, path: impl AsRef<Path>) -> Result<Self, PepperError> {
        let secret = private_file::read(path.as_ref())?;
        Self::new(id, secret.trim_ascii())
    }

    pub(super) fn id(&self) -> u8 {
        self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pepper").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a pepper cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PepperError {
    /// An attacker could guess the secret.
    #[error("pepper rejected")]
    Weak(#[source] KeyError),
    /// The file cannot be read, or other users can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Two peppers have the same ID.
    #[error("two peppers have the ID {id}")]
    DuplicateId {
        /// The ID of both.
        id: u8,
    },
}
