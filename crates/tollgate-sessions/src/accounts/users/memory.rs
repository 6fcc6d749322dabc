//! [`MemoryUsers`]: a store of users in memory.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::login_name::LoginName;
use super::store::{AddOutcome, UserStore};
use super::user::{NewUser, StoredCredential, User};
use crate::accounts::passwords::PasswordHash;
use crate::store::{StoreError, StoreErrorKind, StoreFuture};

/// A store of users in memory, for tests and demonstrations. The users are lost when the process ends.
#[derive(Debug, Default)]
pub struct MemoryUsers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    by_subject: HashMap<Box<str>, StoredCredential>,
    subjects: HashMap<LoginName, Box<str>>,
}

impl MemoryUsers {
    /// Makes a store without users.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Disables a user, who can then neither log in nor refresh a session. Returns `false` if no user has this
    /// subject.
    pub fn disable(&self, subject: &str) -> bool {
        self.set_enabled(subject, false)
    }

    /// Enables a user again. Returns `false` if no user has this subject.
    pub fn enable(&self, subject: &str) -> bool {
        self.set_enabled(subject, true)
    }

    fn set_enabled(&self, subject: &str, enabled: bool) -> bool {
        let mut state = self.state();
        let found = state.by_subject.get_mut(subject);
        found.map(|credential| credential.user.enabled = enabled).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UserStore for MemoryUsers {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        let state = self.state();
        let subject = state.subjects.get(login);
        Box::pin(ready(Ok(subject.and_then(|subject| state.by_subject.get(subject)).cloned())))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        let found = self.state().by_subject.get(subject).map(|credential| credential.user.clone());
        Box::pin(ready(Ok(found)))
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        Box::pin(ready(self.state().add(new)))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let stored = state.by_subject.get_mut(subject).and_then(|credential| credential.hash.as_mut());
        let replaced = stored.filter(|stored| *stored == old || *stored == new);
        Box::pin(ready(Ok(replaced.map(|stored| *stored = new.clone()).is_some())))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }
}

impl State {
    fn add(&mut self, new: &NewUser) -> Result<AddOutcome, StoreError> {
        let user = &new.user;
        if let Some(subject) = self.subjects.get(&user.login) {
            return Ok(if *subject == user.subject { AddOutcome::Added } else { AddOutcome::Taken });
        }
        if self.by_subject.contains_key(&user.subject) {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "another user has the same subject"));
        }
        self.subjects.insert(user.login.clone(), user.subject.clone());
        let credential = StoredCredential::new(user.clone(), new.hash.clone());
        self.by_subject.insert(user.subject.clone(), credential);
        Ok(AddOutcome::Added)
    }
}
