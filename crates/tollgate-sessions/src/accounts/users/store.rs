//! [`UserStore`]: the trait that a store of users implements.

use std::fmt;
use std::sync::Arc;

use super::login_name::LoginName;
use super::user::{NewUser, StoredCredential, User};
use crate::accounts::passwords::PasswordHash;
use crate::store::StoreFuture;

/// A store of users, such as the application's own table of users.
///
/// An implementation must follow these rules:
///
/// 1. Compare login names and subjects byte by byte. Both are unique.
/// 2. Compare and write in one atomic step in [`replace_hash`](Self::replace_hash).
/// 3. Read from the primary, not from a replica that may be behind.
/// 4. Return from each call within about two seconds, and bound all retries.
/// 5. Make every call idempotent: a repeated call changes nothing and returns the same answer. [`Accounts`]
///    repeats a call that was not answered.
///
/// [`Accounts`]: crate::Accounts
///
/// # Security
/// [`find`](Self::find) must cost the same whether the user exists or not: one query that an index answers. It
/// must return disabled users too. It must return a hash as it is stored, even if it is malformed:
/// [`Passwords`](crate::Passwords) handles hashes that it cannot use, and takes the same time for them.
///
/// # Examples
/// A minimal store in front of a map. It relies on [`Accounts`] for unique subjects.
///
/// ```
/// use std::collections::HashMap;
/// use std::future::ready;
/// use std::sync::Mutex;
///
/// use tollgate_sessions::accounts::passwords::PasswordHash;
/// use tollgate_sessions::accounts::users::{AddOutcome, LoginName, NewUser, StoredCredential, User, UserStore};
/// use tollgate_sessions::store::StoreFuture;
///
/// #[derive(Debug, Default)]
/// struct Users(Mutex<HashMap<LoginName, StoredCredential>>);
///
/// impl UserStore for Users {
///     fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
///         Box::pin(ready(Ok(self.0.lock().unwrap().get(login).cloned())))
///     }
///
///     fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
///         let users = self.0.lock().unwrap();
///         let found = users.values().find(|stored| *stored.user.subject == *subject);
///         Box::pin(ready(Ok(found.map(|stored| stored.user.clone()))))
///     }
///
///     fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
///         let mut users = self.0.lock().unwrap();
///         let stored = users
///             .entry(new.user.login.clone())
///             .or_insert_with(|| StoredCredential::new(new.user.clone(), new.hash.clone()));
///         let added = stored.user.subject == new.user.subject;
///         Box::pin(ready(Ok(if added { AddOutcome::Added } else { AddOutcome::Taken })))
///     }
///
///     fn replace_hash<'a>(
///         &'a self,
///         subject: &'a str,
///         old: &'a PasswordHash,
///         new: &'a PasswordHash,
///     ) -> StoreFuture<'a, bool> {
///         let mut users = self.0.lock().unwrap();
///         let found = users.values_mut().find(|stored| *stored.user.subject == *subject);
///         let hash = found.and_then(|stored| stored.hash.as_mut()).filter(|hash| *hash == old || *hash == new);
///         Box::pin(ready(Ok(hash.map(|hash| *hash = new.clone()).is_some())))
///     }
///
///     fn ping(&self) -> StoreFuture<'_, ()> {
///         Box::pin(ready(Ok(())))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = Users::default();
/// let alice = NewUser::new("u-1", "alice@example.com".parse()?).with_scopes(["read:items"]);
/// assert_eq!(users.add(&alice).await?, AddOutcome::Added);
/// assert_eq!(users.find_subject("u-1").await?, Some(alice.user));
/// # Ok(()) }
/// ```
pub trait UserStore: fmt::Debug + Send + Sync + 'static {
    /// Finds the user with this login name.
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>>;

    /// Finds the user with this subject. A refresh calls it for the scopes and roles of the new access token.
    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>>;

    /// Adds a user, unless another user has the login name. Both outcomes must take the same time.
    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome>;

    /// Replaces the hash `old` of a user by `new`. Returns `false` and changes nothing if the user does not
    /// exist, or has a hash that is neither `old` nor `new`.
    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool>;

    /// Checks that the store can answer, for a health check.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

/// The result of [`UserStore::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddOutcome {
    /// The store has the user.
    Added,
    /// Another user has the login name.
    Taken,
}

/// Forwards to the store inside, for example in an `Arc<dyn UserStore>`.
impl<S: UserStore + ?Sized> UserStore for Arc<S> {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        (**self).find(login)
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        (**self).find_subject(subject)
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        (**self).add(new)
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        (**self).replace_hash(subject, old, new)
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        (**self).ping()
    }
}
