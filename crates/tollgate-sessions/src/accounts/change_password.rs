//! Changing passwords: [`Accounts::change_password`].

use std::net::IpAddr;

use tracing::info;

use super::check::Judgement;
use super::{Accounts, ChangePasswordError, DenialReason, LoginError};
use crate::accounts::passwords::{Password, PasswordHash};
use crate::accounts::users::{LoginName, User};

impl Accounts {
    /// Changes the password of a user from `old` to `new`. `peer` is the address of the client, as for
    /// [`check`](Self::check).
    ///
    /// Afterwards, revoke the other sessions of the user with
    /// [`Sessions::revoke_others`](crate::Sessions::revoke_others). If that fails, repeat both calls: changing
    /// the password a second time succeeds and writes nothing.
    ///
    /// # Errors
    /// [`ChangePasswordError::Denied`] if `old` is wrong, or the user may not log in;
    /// [`ChangePasswordError::Password`] if `new` is not allowed; [`ChangePasswordError::Throttled`] and
    /// [`ChangePasswordError::HashPoolBusy`] if the caller has to try again later;
    /// [`ChangePasswordError::Store`] if the store did not confirm the change.
    ///
    /// # Examples
    /// ```
    /// # use tollgate_sessions::{Accounts, LoginThrottle, PasswordSettings, Passwords, RefreshKey, RefreshKeys};
    /// # use tollgate_sessions::accounts::{RegisterOutcome, passwords::HashCost, users::MemoryUsers};
    /// use tollgate_sessions::accounts::passwords::Password;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?);
    /// # let passwords = Passwords::new(PasswordSettings::default().with_cost(HashCost::insecure_for_tests()))?;
    /// # let accounts = Accounts::new(MemoryUsers::new(), passwords, LoginThrottle::new(&keys));
    /// let (old, new) = (Password::new("correct horse")?, Password::new("battery staple")?);
    /// # let RegisterOutcome::Added(user) = accounts.register("alice", &old, None).await? else { panic!() };
    /// accounts.change_password(&user.subject, &old, &new, None).await?;
    /// // Now revoke the other sessions: sessions.revoke_others(..).
    ///
    /// assert!(accounts.check("alice", &old, None).await.is_err());
    /// assert!(accounts.check("alice", &new, None).await.is_ok());
    /// # Ok(()) }
    /// ```
    pub async fn change_password(
        &self,
        subject: &str,
        old: &Password,
        new: &Password,
        peer: Option<IpAddr>,
    ) -> Result<(), ChangePasswordError> {
        self.0.settings.accepts(new).map_err(ChangePasswordError::Password)?;
        // A login may replace the hash with a new one of the same password in between, but not twice.
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
            let replaced = self.query(|| self.0.users.replace_hash(subject, &stored, &hash)).await;
            if replaced.map_err(ChangePasswordError::Store)? {
                info!(?subject, "password changed");
                return Ok(());
            }
        }
        Err(ChangePasswordError::Denied(DenialReason::WrongPassword))
    }

    /// Returns whether `password` is the current password of the user. The caller has charged the throttle
    /// already.
    async fn is_password(&self, subject: &str, password: &Password) -> Result<bool, LoginError> {
        let user = self.user(subject).await.map_err(LoginError::Store)?;
        let Some(User { login, .. }) = user else { return Ok(false) };
        match self.find_and_judge(&login, subject, password).await {
            Ok(_) => Ok(true),
            Err(LoginError::Denied(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the stored hash of the user if `password` is correct.
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
        let permit = self.0.throttle.admit(&login, peer)?;
        let judged = self.find_and_judge(&login, subject, password).await;
        match &judged {
            Ok(_) => permit.succeeded(),
            Err(LoginError::Denied(denial)) => info!(?subject, cause = %denial, "password not changed"),
            Err(_) => permit.refund(),
        }
        judged
    }

    async fn find_and_judge(
        &self,
        login: &LoginName,
        subject: &str,
        password: &Password,
    ) -> Result<PasswordHash, LoginError> {
        let found = self.query(|| self.0.users.find(login)).await.map_err(LoginError::Store)?;
        let found = found.filter(|credential| *credential.user.subject == *subject);
        match self.judge(found.as_ref(), password).await? {
            Judgement::Right { credential, .. } => {
                credential.hash.clone().ok_or(LoginError::Denied(DenialReason::NoPassword))
            }
            Judgement::Denied(denial) => Err(LoginError::Denied(denial)),
        }
    }
}
