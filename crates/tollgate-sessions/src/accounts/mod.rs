//! [`Accounts`]: users who log in with a name and a password.

mod change_password;
mod check;
mod counts;
mod error;
pub mod passwords;
mod settings;
pub mod throttle;
pub mod users;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;
use tracing::{error, info};

pub use counts::LoginCounts;
pub use error::{ChangePasswordError, DenialReason, LoginError, NewPasswordError, RegisterError};
pub use settings::AccountSettings;

use crate::accounts::passwords::{Password, Passwords};
use crate::accounts::throttle::{LoginThrottle, Throttled};
use crate::accounts::users::{AddOutcome, LoginName, NewUser, User, UserStore};
use crate::store::{StoreError, StoreFuture, call_with_retry};
use crate::support::fill_random;
use counts::Counters;

/// Registers users, checks and changes their passwords, and throttles login attempts. Cheap to clone.
///
/// # Examples
/// ```
/// use tollgate_sessions::{Accounts, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys};
/// use tollgate_sessions::accounts::{LoginError, RegisterOutcome};
/// use tollgate_sessions::accounts::passwords::Password;
/// use tollgate_sessions::accounts::users::MemoryUsers;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?);
/// let passwords = Passwords::new(PasswordSettings::default())?;
/// let accounts = Accounts::new(MemoryUsers::new(), passwords, LoginThrottle::new(&keys));
///
/// let password = Password::new("correct horse battery staple")?;
/// let RegisterOutcome::Added(user) = accounts.register("alice@example.com", &password, None).await? else { panic!() };
/// assert_eq!(accounts.check("alice@EXAMPLE.com", &password, None).await?, user);
///
/// let wrong = accounts.check("alice@example.com", &Password::new("12345678")?, None).await;
/// assert!(matches!(wrong, Err(LoginError::Denied(_))));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    users: Arc<dyn UserStore>,
    passwords: Passwords,
    throttle: Arc<LoginThrottle>,
    settings: AccountSettings,
    /// Limits the replacement of outdated hashes to one at a time.
    rehashing: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl Accounts {
    /// Makes accounts that are stored in `users`. `passwords` hashes and verifies their passwords, as often as
    /// `throttle` allows.
    pub fn new(users: impl UserStore, passwords: Passwords, throttle: LoginThrottle) -> Self {
        Self(Arc::new(Inner {
            users: Arc::new(users),
            passwords,
            throttle: Arc::new(throttle),
            settings: AccountSettings::default(),
            rehashing: Arc::new(Semaphore::new(1)),
            counters: Arc::default(),
        }))
    }

    /// Sets the settings. Clones made before keep theirs.
    #[must_use]
    pub fn with_settings(self, settings: AccountSettings) -> Self {
        let old = &self.0;
        Self(Arc::new(Inner {
            users: Arc::clone(&old.users),
            passwords: old.passwords.clone(),
            throttle: Arc::clone(&old.throttle),
            settings,
            rehashing: Arc::clone(&old.rehashing),
            counters: Arc::clone(&old.counters),
        }))
    }

    /// Returns the user store, for a health check.
    #[must_use]
    pub fn users(&self) -> Arc<dyn UserStore> {
        Arc::clone(&self.0.users)
    }

    /// Returns the pool that hashes passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Creates an account, unless the login name is taken.
    ///
    /// # Errors
    /// [`RegisterError::Name`] and [`RegisterError::Password`] if the name or the password is not allowed;
    /// [`RegisterError::Throttled`] and [`RegisterError::HashPoolBusy`] if the caller has to try again later;
    /// [`RegisterError::Store`] if the store did not confirm the account.
    ///
    /// # Security
    /// The call takes the same time whether the name was taken or not. The caller decides whether a client
    /// learns which: [`RegistrationMode`](crate::RegistrationMode).
    ///
    /// # Examples
    /// ```
    /// # use tollgate_sessions::{Accounts, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys};
    /// # use tollgate_sessions::accounts::{passwords::HashCost, users::MemoryUsers};
    /// use tollgate_sessions::accounts::{AccountSettings, RegisterError, RegisterOutcome, passwords::Password};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?);
    /// # let passwords = Passwords::new(PasswordSettings::default().with_cost(HashCost::insecure_for_tests()))?;
    /// # let accounts = Accounts::new(MemoryUsers::new(), passwords, LoginThrottle::new(&keys));
    /// let accounts = accounts.with_settings(AccountSettings::default().with_scopes(["read:items"]));
    /// let password = Password::new("correct horse battery staple")?;
    ///
    /// let first = accounts.register("alice@example.com", &password, None).await?;
    /// assert!(matches!(first, RegisterOutcome::Added(user) if user.scopes == ["read:items"]));
    ///
    /// let second = accounts.register("alice@example.com", &password, None).await?;
    /// assert_eq!(second, RegisterOutcome::Taken);
    ///
    /// let short = accounts.register("bob@example.com", &Password::new("horse")?, None).await;
    /// assert!(matches!(short, Err(RegisterError::Password(_))));
    /// # Ok(()) }
    /// ```
    pub async fn register(
        &self,
        name: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<RegisterOutcome, RegisterError> {
        let login: LoginName = name.parse().map_err(RegisterError::Name)?;
        self.0.settings.accepts(password).map_err(RegisterError::Password)?;
        let permit = self.0.throttle.admit_peer(peer)?;
        let hash = match self.0.passwords.hash(password).await {
            Ok(hash) => hash,
            Err(error) => {
                permit.refund();
                return Err(error.into());
            }
        };
        let settings = &self.0.settings;
        let subject = new_subject().ok_or(RegisterError::Crypto)?;
        let new = NewUser::new(subject, login)
            .with_hash(hash)
            .with_scopes(settings.scopes.iter().map(String::as_str))
            .with_roles(settings.roles.iter().map(String::as_str));
        let outcome = self.query(|| self.0.users.add(&new)).await.map_err(RegisterError::Store)?;
        info!(?peer, subject = ?new.user.subject, ?outcome, "account registration");
        Ok(match outcome {
            AddOutcome::Added => RegisterOutcome::Added(new.user),
            AddOutcome::Taken => RegisterOutcome::Taken,
        })
    }

    /// Returns the user with this subject. A refresh uses it for the scopes and roles of the new access token.
    ///
    /// # Errors
    /// [`StoreError`] if the store did not answer.
    ///
    /// # Security
    /// Do not issue an access token for a subject without a user, or for a user who is not
    /// [`enabled`](User::enabled).
    pub async fn user(&self, subject: &str) -> Result<Option<User>, StoreError> {
        self.query(|| self.0.users.find_subject(subject)).await
    }

    /// Counts a refresh token whose tag is wrong; see [`LoginThrottle::admit_forged_token`].
    pub(crate) fn admit_forged_token(&self, peer: Option<IpAddr>) -> Result<(), Throttled> {
        self.0.throttle.admit_forged_token(peer)
    }

    async fn query<'a, T>(&self, call: impl Fn() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
        call_with_retry(self.0.settings.store_timeout, call).await.inspect_err(|error| {
            error!(%error, "user store failed");
            self.0.counters.store_failures.count();
        })
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("users", &self.0.users)
            .field("passwords", &self.0.passwords)
            .field("throttle", &self.0.throttle)
            .field("settings", &self.0.settings)
            .finish()
    }
}

/// The result of [`Accounts::register`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum RegisterOutcome {
    /// The account was created.
    Added(User),
    /// Another account has the login name. The store was not changed.
    Taken,
}

/// Returns a subject of 128 random bits, in base64url.
pub(crate) fn new_subject() -> Option<String> {
    let mut id = [0; 16];
    fill_random(&mut id).ok()?;
    Some(URL_SAFE_NO_PAD.encode(id))
}

#[cfg(test)]
mod tests;
