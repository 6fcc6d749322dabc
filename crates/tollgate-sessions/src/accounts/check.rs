//! Logins: [`Accounts::check`].

use std::net::IpAddr;
use std::sync::Arc;

use tracing::{debug, info, warn};

use super::{Accounts, DenialReason, LoginError};
use crate::accounts::passwords::{HashPoolBusy, Password, PasswordVerdict};
use crate::accounts::users::{LoginName, StoredCredential, User};

impl Accounts {
    /// Returns the user that `name` and `password` belong to.
    ///
    /// `peer` is the address of the client, if the server can trust it. If the stored hash is outdated, a
    /// background task replaces it.
    ///
    /// # Errors
    /// [`LoginError::Denied`] if the name or the password is wrong, or the user may not log in;
    /// [`LoginError::Throttled`] and [`LoginError::HashPoolBusy`] if the password was not checked;
    /// [`LoginError::Store`] if the store did not answer.
    ///
    /// # Security
    /// Every check costs one store query and one hash, whether or not the user exists, has a password, or is
    /// disabled. The log contains `peer`, and the subject of an existing user, but never the name.
    ///
    /// # Examples
    /// ```
    /// # use tollgate_sessions::{Accounts, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys};
    /// # use tollgate_sessions::accounts::{passwords::HashCost, users::MemoryUsers};
    /// use std::net::IpAddr;
    /// use tollgate_sessions::accounts::{DenialReason, LoginError, passwords::Password};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?);
    /// # let passwords = Passwords::new(PasswordSettings::default().with_cost(HashCost::insecure_for_tests()))?;
    /// # let accounts = Accounts::new(MemoryUsers::new(), passwords, LoginThrottle::new(&keys));
    /// # let _registered = accounts.register("alice", &Password::new("correct horse")?, None).await?;
    /// let peer: IpAddr = "192.0.2.1".parse()?;
    /// let user = accounts.check("alice", &Password::new("correct horse")?, Some(peer)).await?;
    /// assert!(user.enabled);
    ///
    /// // Send the same answer to the client whatever the reason is. The reason is for the log.
    /// let denied = accounts.check("alice", &Password::new("wrong horse")?, Some(peer)).await;
    /// assert!(matches!(denied, Err(LoginError::Denied(DenialReason::WrongPassword))));
    /// # Ok(()) }
    /// ```
    pub async fn check(
        &self,
        name: &str,
        password: &Password,
        peer: Option<IpAddr>,
    ) -> Result<User, LoginError> {
        Ok(self.check_credential(name, password, peer).await?.user)
    }

    /// Does the same as [`check`](Self::check), and returns the hash that the password was verified against.
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
        let permit = self.0.throttle.admit(&login, peer).map_err(|throttled| {
            warn!(?peer, retry_after = ?throttled.retry_after, "login throttled");
            self.0.counters.refused(throttled.into())
        })?;
        let found = match self.query(|| self.0.users.find(&login)).await {
            Ok(found) => found,
            Err(error) => {
                permit.refund();
                return Err(LoginError::Store(error));
            }
        };
        match self.judge(found.as_ref(), password).await {
            Ok(Judgement::Right { credential, outdated }) => {
                permit.succeeded();
                self.0.counters.succeeded.count();
                if outdated {
                    self.rehash(credential.clone(), password.clone());
                }
                debug!(subject = ?credential.user.subject, "password verified");
                Ok(credential.clone())
            }
            Ok(Judgement::Denied(denial)) => {
                let subject = found.as_ref().map(|credential| &credential.user.subject);
                info!(?peer, ?subject, cause = %denial, "login denied");
                Err(self.0.counters.refused(LoginError::Denied(denial)))
            }
            Err(busy) => {
                permit.refund();
                warn!(?peer, "login refused: password hashing is overloaded");
                Err(self.0.counters.refused(busy.into()))
            }
        }
    }

    /// Checks again, after a session was created, that the result of
    /// [`check_credential`](Self::check_credential) still holds. A change of password revokes the sessions that
    /// exist at that moment, and would miss the session of a login that was running at the same time.
    pub(crate) async fn confirm(
        &self,
        checked: &StoredCredential,
        password: &Password,
    ) -> Result<(), LoginError> {
        let User { login, subject, .. } = &checked.user;
        let found = self.query(|| self.0.users.find(login)).await.map_err(LoginError::Store)?;
        let found = found.filter(|credential| credential.user.subject == *subject);
        if found.as_ref().is_some_and(|now| now.user.enabled && now.hash == checked.hash) {
            return Ok(());
        }
        // Another login may have replaced the hash with a new one of the same password.
        match self.judge(found.as_ref(), password).await? {
            Judgement::Right { .. } => Ok(()),
            Judgement::Denied(denial) => {
                info!(?subject, cause = %denial, "login denied: user changed during the login");
                self.0.counters.overtaken.count();
                Err(LoginError::Denied(denial))
            }
        }
    }

    /// Compares the password with the one that was found. Computes exactly one hash, also if there is none to
    /// compare with.
    pub(super) async fn judge<'a>(
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

    /// Replaces an outdated hash in the background. If that fails, or another replacement is running, the next
    /// login of the user tries again.
    pub(super) fn rehash(&self, credential: StoredCredential, password: Password) {
        let Ok(permit) = Arc::clone(&self.0.rehashing).try_acquire_owned() else { return };
        let accounts = self.clone();
        drop(tokio::spawn(async move {
            let _permit = permit;
            let subject = &credential.user.subject;
            let Some(old) = &credential.hash else { return };
            let Ok(new) = accounts.0.passwords.hash(&password).await else { return };
            match accounts.query(|| accounts.0.users.replace_hash(subject, old, &new)).await {
                Ok(replaced) => debug!(?subject, replaced, "outdated password hash replaced"),
                Err(_) => debug!(?subject, "outdated password hash not replaced"),
            }
        }));
    }
}

/// The result of comparing a password with a credential.
pub(super) enum Judgement<'a> {
    Right { credential: &'a StoredCredential, outdated: bool },
    Denied(DenialReason),
}
