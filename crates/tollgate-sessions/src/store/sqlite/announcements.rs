//! Reading announcements.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::failure::failure;
use super::{StoreError, StoreErrorKind};
use crate::session::UnixMillis;
use crate::store::command::RevocationEntry;
use crate::store::feed::{FeedCursor, FeedPage};

type Result<T> = std::result::Result<T, StoreError>;

/// The position of a reader: after the announcement with this number.
///
/// The mark is a hash of the announcement. After the file was restored from a backup, another announcement may get the
/// same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    number: i64,
    mark: u64,
}

/// Returns the announcements after a position. A position that the file does not contain is from before a restore
/// of the file; the reader then gets all announcements again.
pub(super) fn page(connection: &Connection, after: Position, now: UnixMillis) -> Result<FeedPage> {
    let failed = failure("reading announcements");
    // Both queries must see the same state of the file.
    let transaction = connection.unchecked_transaction().map_err(&failed)?;
    let mut position = if contains(&transaction, after)? { after } else { Position::default() };
    let sql = "SELECT seq, kind, key, min_epoch, until FROM auth_revocation
               WHERE seq > ?1 AND until > ?2 ORDER BY seq LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql).map_err(&failed)?;
    let mut rows = statement.query(params![position.number, now.as_millis(), PAGE]).map_err(&failed)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let announced = Announced::read(row).map_err(&failed)?;
        position = announced.position();
        entries.push(announced.entry()?);
    }
    let more = i64::try_from(entries.len()).is_ok_and(|read| read >= PAGE);
    Ok(FeedPage { entries, cursor: FeedCursor::new(position.to_text()), more })
}

/// Returns whether the file has assigned the number of the position, to the same announcement. The announcement
/// itself may have been purged.
fn contains(connection: &Connection, position: Position) -> Result<bool> {
    let failed = failure("looking for an announcement");
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'auth_revocation'";
    let mut highest = connection.prepare_cached(sql).map_err(&failed)?;
    let highest: i64 = highest.query_row([], |row| row.get(0)).map_err(&failed)?;
    let sql = "SELECT seq, kind, key, min_epoch, until FROM auth_revocation WHERE seq = ?1";
    let mut same = connection.prepare_cached(sql).map_err(&failed)?;
    let same = same.query_row([position.number], Announced::read).optional().map_err(&failed)?;
    Ok(position.number <= highest && same.is_none_or(|announced| announced.position() == position))
}

impl Position {
    pub(super) fn parse(cursor: &FeedCursor) -> Option<Self> {
        let (number, mark) = cursor.as_str().split_once('/')?;
        Some(Self { number: number.parse().ok()?, mark: mark.parse().ok()? })
    }

    fn to_text(self) -> String {
        format!("{}/{}", self.number, self.mark)
    }
}

/// A row of the table `auth_revocation`.
#[derive(Hash)]
struct Announced {
    number: i64,
    kind: i64,
    key: Vec<u8>,
    min_epoch: i64,
    until: i64,
}

impl Announced {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            kind: row.get(1)?,
            key: row.get(2)?,
            min_epoch: row.get(3)?,
            until: row.get(4)?,
        })
    }

    fn position(&self) -> Position {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Position { number: self.number, mark: hasher.finish() }
    }

    fn entry(&self) -> Result<RevocationEntry> {
        RevocationEntry::from_columns(self.kind, &self.key, self.min_epoch, self.until).ok_or_else(|| {
            StoreError::new(StoreErrorKind::Corrupt, "an announcement that this release cannot read")
        })
    }
}

/// How many announcements a page has at most.
const PAGE: i64 = 1000;
