//! [`Passwords`]: hashes passwords, and checks them.

mod calibration;
mod cost;
mod error;
mod hash;
mod password;
mod pepper;
mod phc;
mod pool;
mod settings;
mod task;

use std::fmt;
use std::sync::Arc;

use argon2::{Algorithm, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

pub use cost::{HashCost, HashCostError};
pub use error::{HashError, HashPoolBusy, HashUnusable, PasswordsError};
pub use hash::PasswordHash;
pub use password::{ParsePasswordError, Password};
pub use pepper::{Pepper, PepperError, Peppers};
pub use pool::PoolCounts;
pub use settings::PasswordSettings;

use phc::Stored;
use pool::Pool;
use task::{Tag, Task};

/// Hashes passwords with Argon2id (RFC 9106), and checks them. Cheap to clone.
///
/// Hashes are computed by a few threads of its own, whose memory is there from the beginning, and a short queue is before
/// them: a flood of logins neither blocks the threads of the runtime, nor takes memory, nor makes anyone wait for long.
///
/// ```
/// use tollgate_sessions::{PasswordSettings, Passwords};
/// use tollgate_sessions::accounts::passwords::{Password, PasswordVerdict};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let passwords = Passwords::new(PasswordSettings::default())?;
/// let hash = passwords.hash(&Password::new("correct horse battery staple")?).await?;
///
/// let verdict = passwords.verify(Some(&hash), &Password::new("correct horse")?).await?;
/// assert_eq!(verdict, PasswordVerdict::Wrong);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    settings: PasswordSettings,
    pool: Pool,
    /// What is computed where there is nothing to compare with. No password gives its tag.
    dummy: Stored,
}

impl Passwords {
    /// Starts the threads, with their memory.
    ///
    /// # Errors
    /// [`PasswordsError`] when the system lacks something.
    pub fn new(settings: PasswordSettings) -> Result<Self, PasswordsError> {
        let mut dummy = fresh(&settings).ok_or(PasswordsError::Crypto)?;
        dummy.cost = settings.cost_of_dummy();
        rand::fill(&mut dummy.tag).map_err(|_cause| PasswordsError::Crypto)?;
        let pool = Pool::spawn(&settings)?;
        Ok(Self(Arc::new(Inner { settings, pool, dummy })))
    }

    /// What to keep of `password`.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let mut made = fresh(&self.0.settings).ok_or(HashError::Crypto)?;
        let tag = self.compute(made.clone(), password).await?;
        made.tag.copy_from_slice(&tag);
        Ok(made.to_hash())
    }

    /// Whether `password` is the one of `stored`.
    ///
    /// # Errors
    /// [`HashPoolBusy`].
    ///
    /// # Security
    /// Where there is nothing to compare with, pass `None`: a hash is computed all the same. Whoever returns early instead
    /// tells which users there are.
    pub async fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &Password,
    ) -> Result<PasswordVerdict, HashPoolBusy> {
        let read = stored.map(|hash| self.read(hash));
        let target = match &read {
            Some(Ok(stored)) => stored,
            Some(Err(_)) | None => &self.0.dummy,
        };
        let tag = self.compute(target.clone(), password).await?;
        let equal = verify_slices_are_equal(&tag, &target.tag).is_ok();
        Ok(match read {
            None => PasswordVerdict::NoPassword,
            Some(Err(reason)) => PasswordVerdict::Unusable(reason),
            Some(Ok(_)) if !equal => PasswordVerdict::Wrong,
            Some(Ok(stored)) => PasswordVerdict::Right { outdated: self.is_outdated(&stored) },
        })
    }

    /// What it has come to.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        self.0.pool.counts()
    }

    fn read(&self, hash: &PasswordHash) -> Result<Stored, HashUnusable> {
        let stored = Stored::parse(hash)?;
        match stored.pepper {
            Some(id) if self.secret(id).is_none() => Err(HashUnusable::UnknownPepper),
            _ => Ok(stored),
        }
    }

    /// Whether it would be made differently today.
    fn is_outdated(&self, stored: &Stored) -> bool {
        let settings = &self.0.settings;
        stored.algorithm != ALGORITHM
            || stored.version != VERSION
            || stored.cost != settings.cost
            || stored.pepper != settings.pepper()
            || stored.salt.len() < SALT_BYTES
            || stored.tag.len() < TAG_BYTES
    }

    async fn compute(&self, like: Stored, password: &Password) -> Result<Tag, HashPoolBusy> {
        let secret = like.pepper.and_then(|id| self.secret(id)).unwrap_or_default();
        let secret = Zeroizing::new(secret.to_vec());
        let task = Task { password: password.clone(), secret, like };
        self.0.pool.compute(move |buffer| task.compute(buffer)).await
    }

    fn secret(&self, id: u8) -> Option<&[u8]> {
        Some(self.0.settings.peppers.as_ref()?.find(id)?.secret())
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[non_exhaustive]
pub enum PasswordVerdict {
    /// It is the one.
    Right {
        /// Whether its hash would be made differently today: at another cost, or with another pepper. It should then be
        /// replaced by one that [`Passwords::hash`] makes.
        outdated: bool,
    },
    /// It is not.
    Wrong,
    /// There is nothing to compare with.
    NoPassword,
    /// What is stored cannot be compared with.
    Unusable(HashUnusable),
}

/// A hash as it is made today, with a new salt and nothing but zeros for what comes out.
fn fresh(settings: &PasswordSettings) -> Option<Stored> {
    let mut salt = vec![0; SALT_BYTES];
    rand::fill(&mut salt).ok()?;
    Some(Stored {
        algorithm: ALGORITHM,
        version: VERSION,
        cost: settings.cost,
        pepper: settings.pepper(),
        salt,
        tag: vec![0; TAG_BYTES],
    })
}

const ALGORITHM: Algorithm = Algorithm::Argon2id;
const VERSION: Version = Version::V0x13;
/// RFC 9106 §3.1: 16 bytes are recommended for passwords.
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

#[cfg(test)]
mod tests;
