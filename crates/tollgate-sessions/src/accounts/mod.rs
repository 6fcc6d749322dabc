//! [`Accounts`]: who somebody is, by a name and a password.

mod counts;
mod error;
pub mod passwords;
mod settings;
pub mod throttle;
pub mod users;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;
use tracing::{debug, error, info, warn};

pub use counts::LoginCounts;
pub use error::{ChangePasswordError, DenialReason, LoginError, NewPasswordError, RegisterError};
pub use settings::AccountSettings;

use crate::accounts::passwords::{HashPoolBusy, Password, PasswordHash, PasswordVerdict, Passwords};
use crate::accounts::throttle::{LoginThrottle, Throttled};
use crate::accounts::users::{AddOutcome, LoginName, NewUser, StoredCredential, User, UserStore};
use crate::store::{StoreError, StoreFuture, ask};
use counts::Counters;

/// Users, their passwords, and how often one may be tried. Cheap to clone.
///
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
    /// For whoever replaces an old hash, one at a time.
    rehashing: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl Accounts {
    /// The users of `users`, whose passwords `passwords` checks as often as `throttle` allows.
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

    /// The same, by other settings.
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

    /// The store, for a health check.
    #[must_use]
    pub fn users(&self) -> Arc<dyn UserStore> {
        Arc::clone(&self.0.users)
    }

    /// What hashes passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Who logs in with `name` and `password`, from `peer`: the address of the client, as far as it can be trusted.
    ///
    /// A user whose password was hashed in an older way gets a new hash meanwhile.
    ///
    /// # Errors
    /// [`LoginError`].
    ///
    /// # Security
    /// One question to the store and one hash, whether there is such a user or not, has a password or not, and is
    /// disabled or not. Only `peer` is logged, and the subject where there is one; the name is not.
    pub async fn check(
        &self,
        name: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<User, LoginError> {
        Ok(self.check_credential(name, password, peer).await?.user)
    }

    /// As [`check`](Self::check), with the hash that the password fits.
    pub(crate) async fn check_credential(
        &self,
        name: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<StoredCredential, LoginError> {
        let login: LoginName = name.parse().map_err(|error| {
            info!(?peer, %error, "login denied: malformed name");
            self.0.counters.refused(LoginError::Denied(DenialReason::MalformedName(error)))
        })?;
        let attempt = self.0.throttle.admit(&login, peer).map_err(|throttled| {
            warn!(?peer, retry_after = ?throttled.retry_after, "login throttled");
            self.0.counters.refused(throttled.into())
        })?;
        let found = match self.ask(|| self.0.users.find(&login)).await {
            Ok(found) => found,
            Err(error) => {
                attempt.refund();
                return Err(LoginError::Store(error));
            }
        };
        match self.judge(found.as_ref(), password).await {
            Ok(Judgement::Right { credential, outdated }) => {
                attempt.succeeded();
                self.0.counters.succeeded.count();
                if outdated {
                    self.rehash(credential.clone(), password.clone());
                }
                debug!(subject = ?credential.user.subject, "password is right");
                Ok(credential.clone())
            }
            Ok(Judgement::Denied(denial)) => {
                let subject = found.as_ref().map(|credential| &credential.user.subject);
                info!(?peer, ?subject, cause = %denial, "login denied");
                Err(self.0.counters.refused(LoginError::Denied(denial)))
            }
            Err(busy) => {
                attempt.refund();
                warn!(?peer, "login refused: too many passwords are being checked");
                Err(self.0.counters.refused(busy.into()))
            }
        }
    }

    /// Whether what [`check_credential`](Self::check_credential) found still holds, now that a session has begun: a change of
    /// password ends the sessions that there are, and would miss the one of a login that it has overtaken.
    pub(crate) async fn confirm(
        &self,
        checked: &StoredCredential,
        password: &Password,
    ) -> Result<(), LoginError> {
        let User { login, subject, .. } = &checked.user;
        let found = self.ask(|| self.0.users.find(login)).await.map_err(LoginError::Store)?;
        let found = found.filter(|credential| credential.user.subject == *subject);
        if found.as_ref().is_some_and(|now| now.user.enabled && now.hash == checked.hash) {
            return Ok(());
        }
        // Another login may have hashed the same password anew.
        match self.judge(found.as_ref(), password).await? {
            Judgement::Right { .. } => Ok(()),
            Judgement::Denied(denial) => {
                info!(?subject, cause = %denial, "login denied: user has changed meanwhile");
                self.0.counters.overtaken.count();
                Err(LoginError::Denied(denial))
            }
        }
    }

    /// Makes an account. Whether the name was taken costs the same; what a client is told of it is for the caller to decide.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn register(
        &self,
        name: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<RegisterOutcome, RegisterError> {
        let login: LoginName = name.parse().map_err(RegisterError::Name)?;
        self.0.settings.accepts(password).map_err(RegisterError::Password)?;
        let attempt = self.0.throttle.admit_peer(peer)?;
        let hash = match self.0.passwords.hash(password).await {
            Ok(hash) => hash,
            Err(error) => {
                attempt.refund();
                return Err(error.into());
            }
        };
        let settings = &self.0.settings;
        let subject = new_subject().ok_or(RegisterError::Crypto)?;
        let new = NewUser::new(subject, login)
            .with_hash(hash)
            .with_scopes(settings.scopes.iter().map(String::as_str))
            .with_roles(settings.roles.iter().map(String::as_str));
        let added = self.ask(|| self.0.users.add(&new)).await.map_err(RegisterError::Store)?;
        info!(?peer, subject = ?new.user.subject, ?added, "account asked for");
        Ok(match added {
            AddOutcome::Added => RegisterOutcome::Added(new.user),
            AddOutcome::Taken => RegisterOutcome::Taken,
        })
    }

    /// The user of a session that is renewed: what its access tokens grant, and whether it may go on at all.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not answer.
    ///
    /// # Security
    /// A user who is not there, or not [`enabled`](User::enabled), is given no new access token.
    pub async fn user(&self, subject: &str) -> Result<Option<User>, StoreError> {
        self.ask(|| self.0.users.find_subject(subject)).await
    }

    /// Counts a refresh token that was not made here; see [`LoginThrottle::admit_forged_token`].
    pub(crate) fn admit_forged_token(&self, peer: Option<IpAddr>) -> Result<(), Throttled> {
        self.0.throttle.admit_forged_token(peer)
    }

    /// Changes the password of a user who knows the old one, and calls from `peer`, as for [`check`](Self::check). Doing it again changes nothing and is no error: what had to be
    /// done afterwards may have failed. The other sessions of the user should then be ended, with
    /// [`Sessions::revoke_others`](crate::Sessions::revoke_others).
    ///
    /// # Errors
    /// [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        subject: &str,
        old: &Password,
        new: &Password,
        peer: Option<IpAddr>,
    ) -> Result<(), ChangePasswordError> {
        self.0.settings.accepts(new).map_err(ChangePasswordError::Password)?;
        // The hash may be replaced by a newer one of the same password in between, by a login; not twice.
        for _ in 0..2 {
            let stored = match self.stored_hash(subject, old, peer).await {
                Err(LoginError::Denied(DenialReason::WrongPassword))
                    if self.is_password(subject, new).await? =>
                {
                    return Ok(());
                }
                stored => stored?,
            };
            let hash = self.0.passwords.hash(new).await?;
            let replaced = self.ask(|| self.0.users.replace_hash(subject, &stored, &hash)).await;
            if replaced.map_err(ChangePasswordError::Store)? {
                info!(?subject, "password changed");
                return Ok(());
            }
        }
        Err(ChangePasswordError::Denied(DenialReason::WrongPassword))
    }

    /// Whether it is the password already. The attempt has been charged for.
    async fn is_password(&self, subject: &str, password: &Password) -> Result<bool, LoginError> {
        let user = self.user(subject).await.map_err(LoginError::Store)?;
        let Some(User { login, .. }) = user else { return Ok(false) };
        match self.find_and_judge(&login, subject, password).await {
            Ok(_) => Ok(true),
            Err(LoginError::Denied(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The hash that is stored, if `password` is the right one.
    async fn stored_hash(
        &self,
        subject: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<PasswordHash, LoginError> {
        let user = self.user(subject).await.map_err(LoginError::Store)?;
        let Some(User { login, .. }) = user else {
            return Err(LoginError::Denied(DenialReason::UnknownUser));
        };
        let attempt = self.0.throttle.admit(&login, peer)?;
        let judged = self.find_and_judge(&login, subject, password).await;
        match &judged {
            Ok(_) => attempt.succeeded(),
            Err(LoginError::Denied(denial)) => info!(?subject, cause = %denial, "password not changed"),
            Err(_) => attempt.refund(),
        }
        judged
    }

    async fn find_and_judge(
        &self,
        login: &LoginName,
        subject: &str,
        password: &Password,
    ) -> Result<PasswordHash, LoginError> {
        let found = self.ask(|| self.0.users.find(login)).await.map_err(LoginError::Store)?;
        let found = found.filter(|credential| *credential.user.subject == *subject);
        match self.judge(found.as_ref(), password).await? {
            Judgement::Right { credential, .. } => {
                credential.hash.clone().ok_or(LoginError::Denied(DenialReason::NoPassword))
            }
            Judgement::Denied(denial) => Err(LoginError::Denied(denial)),
        }
    }

    /// Computes one hash, whoever it is.
    async fn judge<'a>(
        &self,
        found: Option<&'a StoredCredential>,
        password: &Password,
    ) -> Result<Judgement<'a>, HashPoolBusy> {
        let enabled = found.filter(|credential| credential.user.enabled);
        let hash = enabled.and_then(|credential| credential.hash.as_ref());
        let verdict = self.0.passwords.verify(hash, password).await?;
        Ok(match (found, enabled) {
            (None, _) => Judgement::Denied(DenialReason::UnknownUser),
            (Some(_), None) => Judgement::Denied(DenialReason::Disabled),
            (Some(_), Some(credential)) => match verdict {
                PasswordVerdict::Right { outdated } => Judgement::Right { credential, outdated },
                PasswordVerdict::Wrong => Judgement::Denied(DenialReason::WrongPassword),
                PasswordVerdict::NoPassword => Judgement::Denied(DenialReason::NoPassword),
                PasswordVerdict::Unusable(reason) => Judgement::Denied(DenialReason::HashUnusable(reason)),
            },
        })
    }

    /// Hashes the password as it is done today, while the user goes on. Nothing is lost if it fails, or is left to others
    /// who log in: the next login does it.
    fn rehash(&self, credential: StoredCredential, password: Password) {
        let Ok(alone) = Arc::clone(&self.0.rehashing).try_acquire_owned() else { return };
        let accounts = self.clone();
        drop(tokio::spawn(async move {
            let _alone = alone;
            let subject = &credential.user.subject;
            let Some(old) = &credential.hash else { return };
            let Ok(new) = accounts.0.passwords.hash(&password).await else { return };
            match accounts.ask(|| accounts.0.users.replace_hash(subject, old, &new)).await {
                Ok(replaced) => debug!(?subject, replaced, "password hashed anew"),
                Err(_) => debug!(?subject, "password not hashed anew"),
            }
        }));
    }

    async fn ask<'a, T>(&self, question: impl Fn() -> StoreFuture<'a, T>) -> Result<T, StoreError> {
        ask(self.0.settings.store_timeout, question).await.inspect_err(|error| {
            error!(%error, "users cannot be asked for at present");
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

/// What came of making an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum RegisterOutcome {
    /// It was made.
    Added(User),
    /// Somebody has the name already.
    Taken,
}

enum Judgement<'a> {
    Right { credential: &'a StoredCredential, outdated: bool },
    Denied(DenialReason),
}

/// 128 random bits.
pub(crate) fn new_subject() -> Option<String> {
    let mut id = [0; 16];
    rand::fill(&mut id).ok()?;
    Some(URL_SAFE_NO_PAD.encode(id))
}

#[cfg(test)]
mod tests;
