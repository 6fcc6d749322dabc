//! [`SqliteUsers`]: a store of users in an SQLite file.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::accounts::passwords::PasswordHash;
use crate::accounts::users::{AddOutcome, LoginName, NewUser, StoredCredential, User, UserStore};
use crate::store::sqlite::failure::failure;
use crate::store::sqlite::identity::FileIdentity;
use crate::store::sqlite::worker::{Mode, Worker};
use crate::store::sqlite::{connect, create_private, schema};
use crate::store::{StoreError, StoreErrorKind, StoreFuture};

/// A store of users in an SQLite file.
///
/// The file may be the same as that of a [`SqliteStore`](crate::store::SqliteStore). The requirements for the
/// file are the same too.
pub struct SqliteUsers {
    path: PathBuf,
    file: FileIdentity,
    writer: Worker,
    reader: Worker,
}

impl SqliteUsers {
    /// Opens the file, or creates it. This blocks the thread: call it at startup.
    ///
    /// # Errors
    /// The same as for [`SqliteStore::open`](crate::store::SqliteStore::open).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        create_private(path)?;
        let mut connection = connect(path)?;
        schema::prepare(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            file: FileIdentity::of(path),
            writer: Worker::spawn(connection, Mode::Write)?,
            reader: Worker::spawn(connect(path)?, Mode::Read)?,
        })
    }

    /// Disables a user, who can then neither log in nor refresh a session. Returns `false` if no user has this
    /// subject.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not confirm the change.
    pub async fn disable(&self, subject: &str) -> Result<bool, StoreError> {
        self.set_enabled(subject, false).await
    }

    /// Enables a user again. Returns `false` if no user has this subject.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not confirm the change.
    pub async fn enable(&self, subject: &str) -> Result<bool, StoreError> {
        self.set_enabled(subject, true).await
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &Worker {
        &self.writer
    }

    async fn set_enabled(&self, subject: &str, enabled: bool) -> Result<bool, StoreError> {
        let subject = subject.to_owned();
        let set = move |connection: &Connection| {
            let mut update = connection
                .prepare_cached("UPDATE auth_user SET enabled = ?2 WHERE sub = ?1")
                .map_err(failure("writing a user"))?;
            update.execute(params![subject, enabled]).map_err(failure("writing a user"))
        };
        Ok(self.writer.call(set).await? > 0)
    }
}

impl UserStore for SqliteUsers {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        let login = login.clone();
        self.reader.call(move |connection| find(connection, "login = ?1", login.as_str()))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        let subject = subject.to_owned();
        self.reader.call(move |connection| {
            Ok(find(connection, "sub = ?1", &subject)?.map(|credential| credential.user))
        })
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        let new = new.clone();
        self.writer.call(move |connection| add(connection, &new))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        let (subject, old, new) = (subject.to_owned(), old.clone(), new.clone());
        self.writer.call(move |connection| {
            let failed = failure("writing a user");
            let mut update = connection
                .prepare_cached("UPDATE auth_user SET phc = ?3 WHERE sub = ?1 AND phc IN (?2, ?3)")
                .map_err(&failed)?;
            Ok(update.execute(params![subject, old.expose(), new.expose()]).map_err(&failed)? > 0)
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        self.writer.call(move |connection| schema::ping(connection, &file))
    }
}

impl fmt::Debug for SqliteUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteUsers").field("path", &self.path).finish_non_exhaustive()
    }
}

fn find(
    connection: &Connection,
    by: &'static str,
    value: &str,
) -> Result<Option<StoredCredential>, StoreError> {
    let failed = failure("finding a user");
    let sql = format!("SELECT sub, login, phc, scopes, roles, enabled FROM auth_user WHERE {by}");
    let mut select = connection.prepare_cached(&sql).map_err(&failed)?;
    let found = select.query_row([value], |row| Ok(read(row))).optional().map_err(&failed)?;
    found.transpose()
}

fn read(row: &Row<'_>) -> Result<StoredCredential, StoreError> {
    let failed = failure("reading a user");
    let text = |column: &str| row.get::<_, String>(column).map_err(&failed);
    let corrupt = |what: &'static str| StoreError::new(StoreErrorKind::Corrupt, what);
    let list = |column: &str| {
        serde_json::from_str::<Vec<String>>(&text(column)?)
            .map_err(|error| corrupt("scopes or roles of a user are not a list").with_source(error))
    };
    let login = text("login")?
        .parse()
        .map_err(|error| corrupt("login name of a user is malformed").with_source(error))?;
    let mut user = User::new(text("sub")?, login).with_scopes(list("scopes")?).with_roles(list("roles")?);
    user.enabled = row.get("enabled").map_err(&failed)?;
    let phc: Option<String> = row.get("phc").map_err(&failed)?;
    Ok(StoredCredential::new(user, phc.map(PasswordHash::from_phc)))
}

/// Adds a user. If the login name is taken, this writes the existing row again, so that a client cannot tell by
/// the time whether the name is taken.
fn add(connection: &Connection, NewUser { user, hash }: &NewUser) -> Result<AddOutcome, StoreError> {
    let failed = failure("writing a user");
    let list = |names: &[String]| serde_json::Value::from(names.to_vec()).to_string();
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO auth_user (sub, login, phc, scopes, roles, enabled) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (login) DO UPDATE SET login = excluded.login RETURNING sub",
        )
        .map_err(&failed)?;
    let phc = hash.as_ref().map(PasswordHash::expose);
    let values =
        params![user.subject, user.login.as_str(), phc, list(&user.scopes), list(&user.roles), user.enabled];
    let holder: String = insert.query_row(values, |row| row.get(0)).map_err(&failed)?;
    Ok(if *holder == *user.subject { AddOutcome::Added } else { AddOutcome::Taken })
}

#[cfg(test)]
mod tests;
