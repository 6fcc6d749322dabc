//! [`UserStore`]: the joint between accounts and what keeps them.

use std::fmt;
use std::sync::Arc;

use super::login_name::LoginName;
use super::user::{NewUser, StoredCredential, User};
use crate::accounts::passwords::PasswordHash;
use crate::store::StoreFuture;

/// What keeps users. It may be the application's own table of users.
///
/// What a store has to keep to:
///
/// 1. Login names and subjects are compared byte by byte, and both are unique.
/// 2. [`replace_hash`](Self::replace_hash) compares and writes in one atomic step.
/// 3. Whatever decides is read from the primary.
/// 4. No call takes longer than some two seconds or retries without bound.
/// 5. Doing the same again changes nothing and has the same answer: a call that was not answered is made again.
///
/// # Security
/// [`find`](Self::find) costs the same whether there is such a user or not: one question, answered from an index. A user who
/// is disabled is found all the same. A hash that cannot be read is handed out as it is: what cannot be used is told
/// apart where the password is checked, at the price of any other.
pub trait UserStore: fmt::Debug + Send + Sync + 'static {
    /// Who logs in with this name.
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>>;

    /// Who that is: asked when a session is renewed, for what its access tokens grant.
    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>>;

    /// Adds a user, unless somebody else has the login name. That takes as long as adding one.
    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome>;

    /// Puts `new` in the place of `old`. False, and nothing is changed, when the subject is not there or has a hash that
    /// is neither of them.
    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool>;

    /// Whether the store answers.
    fn ping(&self) -> StoreFuture<'_, ()>;
}

/// What came of adding a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddOutcome {
    /// The user is there now.
    Added,
    /// Somebody else has the login name.
    Taken,
}

/// `Arc<dyn UserStore>` and the like.
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
