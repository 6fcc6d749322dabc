//! [`SqliteUsers`]: users in a file.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::accounts::passwords::PasswordHash;
use crate::accounts::users::{AddOutcome, LoginName, NewUser, StoredCredential, User, UserStore};
use crate::store::sqlite::failure::failure;
use crate::store::sqlite::identity::FileIdentity;
use crate::store::sqlite::worker::{Mode, Worker};
use crate::store::sqlite::{connect, make_private, schema};
use crate::store::{StoreError, StoreErrorKind, StoreFuture};

/// Users in an SQLite file, which may be the one of a [`SqliteStore`](crate::store::SqliteStore), or another. All that is said there
/// about the file holds here too.
pub struct SqliteUsers {
    path: PathBuf,
    file: FileIdentity,
    writer: Worker,
    reader: Worker,
}

impl SqliteUsers {
    /// Opens the file, or makes it. It blocks: call it while starting up.
    ///
    /// # Errors
    /// As [`SqliteStore::open`](crate::store::SqliteStore::open).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        make_private(path)?;
        let mut connection = connect(path)?;
        schema::prepare(&mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            file: FileIdentity::of(path),
            writer: Worker::spawn(connection, Mode::Write)?,
            reader: Worker::spawn(connect(path)?, Mode::Read)?,
        })
    }

    /// The user can no longer log in or renew a session. False when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`] when it is not known whether it was done.
    pub async fn disable(&self, subject: &str) -> Result<bool, StoreError> {
        self.set_enabled(subject, false).await
    }

    /// The user can log in again. False when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`] when it is not known whether it was done.
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
        Ok(self.writer.ask(set).await? > 0)
    }
}

impl UserStore for SqliteUsers {
    fn find<'a>(&'a self, login: &'a LoginName) -> StoreFuture<'a, Option<StoredCredential>> {
        let login = login.clone();
        self.reader.ask(move |connection| find(connection, "login = ?1", login.as_str()))
    }

    fn find_subject<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Option<User>> {
        let subject = subject.to_owned();
        self.reader.ask(move |connection| {
            Ok(find(connection, "sub = ?1", &subject)?.map(|credential| credential.user))
        })
    }

    fn add<'a>(&'a self, new: &'a NewUser) -> StoreFuture<'a, AddOutcome> {
        let new = new.clone();
        self.writer.ask(move |connection| add(connection, &new))
    }

    fn replace_hash<'a>(
        &'a self,
        subject: &'a str,
        old: &'a PasswordHash,
        new: &'a PasswordHash,
    ) -> StoreFuture<'a, bool> {
        let (subject, old, new) = (subject.to_owned(), old.clone(), new.clone());
        self.writer.ask(move |connection| {
            let failed = failure("writing a user");
            let mut update = connection
                .prepare_cached("UPDATE auth_user SET phc = ?3 WHERE sub = ?1 AND phc IN (?2, ?3)")
                .map_err(&failed)?;
            Ok(update.execute(params![subject, old.expose(), new.expose()]).map_err(&failed)? > 0)
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let file = self.file.clone();
        self.writer.ask(move |connection| schema::try_to_write(connection, &file))
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
    let failed = failure("looking for a user");
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
            .map_err(|error| corrupt("scopes or roles of a user are no list").with_source(error))
    };
    let login = text("login")?.parse().map_err(|error| corrupt("a login name is none").with_source(error))?;
    let user = User {
        subject: text("sub")?.into(),
        login,
        scopes: list("scopes")?,
        roles: list("roles")?,
        enabled: row.get("enabled").map_err(&failed)?,
    };
    let phc: Option<String> = row.get("phc").map_err(&failed)?;
    Ok(StoredCredential { user, hash: phc.map(PasswordHash::from_phc) })
}

/// The row that is in the way is written as well: whether a name is taken must not show in whether the disk was.
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
