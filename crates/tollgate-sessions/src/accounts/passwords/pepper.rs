//! [`Peppers`]: secrets that are hashed with each password, and kept elsewhere than the hashes.

use std::fmt;
use std::path::Path;

use tollgate::{Algorithm, KeyError, VerifyingKey};
use zeroize::Zeroizing;

use crate::files::private_file::{self, PrivateFileError};

/// The secrets that are hashed with each password: one is used for new hashes, some older ones are still known.
///
/// Whoever gets hold of the hashes alone can then not even begin to try passwords.
///
/// # Security
/// A pepper that is lost, or left out while hashes are made with it, makes their passwords wrong for good.
#[derive(Clone, Debug)]
pub struct Peppers {
    newest: Pepper,
    older: Vec<Pepper>,
}

impl Peppers {
    /// New hashes are made with this one.
    #[must_use]
    pub const fn new(newest: Pepper) -> Self {
        Self { newest, older: Vec::new() }
    }

    /// Still knows what was hashed with `pepper`. The next login of each user moves their hash to the newest.
    ///
    /// # Errors
    /// [`PepperError::DuplicateId`] when another one has the same id.
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

/// One of [`Peppers`]. `Debug` shows its id.
#[derive(Clone)]
pub struct Pepper {
    id: u8,
    secret: Zeroizing<Vec<u8>>,
}

impl Pepper {
    /// The operator's secret. `id` is kept beside each hash: another secret needs another id.
    ///
    /// # Errors
    /// [`PepperError::Weak`] says what is wrong with the secret, and how to make a good one.
    pub fn new(id: u8, secret: impl AsRef<[u8]>) -> Result<Self, PepperError> {
        let secret = Zeroizing::new(secret.as_ref().to_vec());
        VerifyingKey::hmac(Algorithm::Hs256, &*secret).map_err(PepperError::Weak)?;
        Ok(Self { id, secret })
    }

    /// The one whose secret is in the file at `path`, white space around it ignored.
    ///
    /// # Errors
    /// [`PepperError::File`] when it cannot be read or others can read it, [`PepperError::Weak`] when what is in it is no
    /// good secret.
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
    /// The secret could be guessed.
    #[error("pepper refused")]
    Weak(#[source] KeyError),
    /// The file cannot be read, or others can read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// Two have the same id.
    #[error("two peppers have the id {id}")]
    DuplicateId {
        /// The id.
        id: u8,
    },
}
