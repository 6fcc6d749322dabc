//! [`Passwords`]: hashes and verifies passwords.

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
use zeroize::Zeroizing;

use crate::support::fill_random;

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

/// Hashes passwords with Argon2id (RFC 9106), and verifies them. Cheap to clone.
///
/// A pool of a few threads computes the hashes. The pool allocates its memory at the start and has a short
/// queue. So a flood of logins does not block the threads of the runtime, does not use more memory, and does
/// not make callers wait long.
///
/// # Examples
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
    /// The hash that is computed when there is none to compare with. No password matches its tag.
    decoy: Stored,
}

impl Passwords {
    /// Starts the threads that hash passwords, and allocates their memory.
    ///
    /// # Errors
    /// [`PasswordsError`] when the operating system gives no thread, not enough memory, or no random bytes.
    pub fn new(settings: PasswordSettings) -> Result<Self, PasswordsError> {
        let mut decoy = fresh(&settings).ok_or(PasswordsError::Crypto)?;
        decoy.cost = settings.decoy_cost();
        fill_random(&mut decoy.tag).map_err(|_cause| PasswordsError::Crypto)?;
        let pool = Pool::spawn(&settings)?;
        Ok(Self(Arc::new(Inner { settings, pool, decoy })))
    }

    /// Hashes a password with a new salt, at the current cost and with the newest pepper.
    ///
    /// # Errors
    /// [`HashError::HashPoolBusy`] when the pool is overloaded; [`HashError::Crypto`] when the operating system
    /// gives no random bytes.
    ///
    /// # Examples
    /// ```
    /// # use tollgate_sessions::{PasswordSettings, Passwords};
    /// use tollgate_sessions::accounts::passwords::Password;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let passwords = Passwords::new(PasswordSettings::default())?;
    /// let hash = passwords.hash(&Password::new("correct horse battery staple")?).await?;
    ///
    /// // Store this text.
    /// assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// # Ok(()) }
    /// ```
    pub async fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let mut made = fresh(&self.0.settings).ok_or(HashError::Crypto)?;
        let tag = self.compute(made.clone(), password).await?;
        made.tag.copy_from_slice(&tag);
        Ok(made.to_hash())
    }

    /// Verifies `password` against the stored hash.
    ///
    /// # Errors
    /// [`HashPoolBusy`] when the pool is overloaded.
    ///
    /// # Security
    /// Pass `None` if there is no user or no hash: the pool then computes a decoy hash. A caller that returns
    /// early instead reveals which users exist.
    ///
    /// # Examples
    /// ```
    /// # use tollgate_sessions::{PasswordSettings, Passwords};
    /// # use tollgate_sessions::accounts::passwords::HashCost;
    /// use tollgate_sessions::accounts::passwords::{Password, PasswordVerdict};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let passwords = Passwords::new(PasswordSettings::default().with_cost(HashCost::insecure_for_tests()))?;
    /// let password = Password::new("correct horse battery staple")?;
    /// let hash = passwords.hash(&password).await?;
    ///
    /// let verdict = passwords.verify(Some(&hash), &password).await?;
    /// assert_eq!(verdict, PasswordVerdict::Right { outdated: false });
    ///
    /// // No such user: this takes as long as a wrong password.
    /// assert_eq!(passwords.verify(None, &password).await?, PasswordVerdict::NoPassword);
    /// # Ok(()) }
    /// ```
    pub async fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &Password,
    ) -> Result<PasswordVerdict, HashPoolBusy> {
        let read = stored.map(|hash| self.read(hash));
        let target = match &read {
            Some(Ok(stored)) => stored,
            Some(Err(_)) | None => &self.0.decoy,
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

    /// Returns the counters of the pool.
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

    /// Returns whether a new hash would be made with other parameters.
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

/// The result of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[non_exhaustive]
pub enum PasswordVerdict {
    /// The password is right.
    Right {
        /// Whether a new hash would be made with other parameters, such as another cost or pepper. Replace an
        /// outdated hash with one from [`Passwords::hash`].
        outdated: bool,
    },
    /// The password is wrong.
    Wrong,
    /// There was no hash to compare with.
    NoPassword,
    /// The stored hash cannot be used.
    Unusable(HashUnusable),
}

/// Returns the parameters of a new hash, with a new salt and a tag of zeros.
fn fresh(settings: &PasswordSettings) -> Option<Stored> {
    let mut salt = vec![0; SALT_BYTES];
    fill_random(&mut salt).ok()?;
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
/// RFC 9106 §3.1 recommends 16 bytes for passwords.
const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

#[cfg(test)]
mod tests;
