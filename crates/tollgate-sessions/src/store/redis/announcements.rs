//! The stream of announcements.

use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::call::{Call, ConnectionKind};
use super::failure::failure;
use super::keys::{self, millis};
use super::{StoreError, StoreErrorKind, scripts, server_info};
use crate::session::UnixMillis;
use crate::store::command::{Revocation, RevocationEntry};
use crate::store::feed::{FeedCursor, FeedPage};

type Result<T> = std::result::Result<T, StoreError>;

/// Adds an announcement to the stream.
pub(super) async fn announce(call: &Call<'_>, revocation: &Revocation, announce_for: Duration) -> Result<()> {
    // The script computes the expiry, by the clock of the server.
    let entry = RevocationEntry { revocation: revocation.clone(), until: UnixMillis::from_millis(0) };
    let (kind, about, min_epoch) = entry.to_columns();
    let (kind, min_epoch, announced) = (kind.to_string(), min_epoch.to_string(), millis(announce_for));
    let arguments: [&[u8]; 4] = [&announced, kind.as_bytes(), &about, min_epoch.as_bytes()];
    let _added: Value =
        call.run(ConnectionKind::Revocations, &scripts::ANNOUNCE, &keys::stream(call), &arguments).await?;
    Ok(())
}

/// Purges announcements that no token needs, and returns their number.
pub(super) async fn trim(call: &Call<'_>, budget: usize) -> Result<u64> {
    let budget = budget.min(MAX_TRIMMED).to_string();
    call.run(ConnectionKind::Main, &scripts::TRIM, &keys::stream(call), &[budget.as_bytes()]).await
}

/// The position of a reader: the server's history, and the last entry that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    history: String,
    entry: EntryId,
}

/// The ID of a stream entry: a time in milliseconds, and a number within the millisecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct EntryId(u64, u64);

/// An entry of the stream: its ID, kind, key, smallest epoch and expiry.
type RawEntry = (String, i64, Vec<u8>, i64, i64);

/// Returns the announcements after a cursor.
///
/// After a failover the stream may lack entries that the reader has read, and assign their IDs again. The reader
/// then starts from the beginning of the stream.
pub(super) async fn page(call: Call<'_>, after: Option<&FeedCursor>) -> Result<FeedPage> {
    let after = after.and_then(Position::parse).unwrap_or_default();
    let connection = call.connection(ConnectionKind::Main).await?;
    let history = server_info::history(&mut connection.handle()).await;
    let history = history.inspect_err(|_failed| call.shared(ConnectionKind::Main).reset())?;
    let mut from = if after.history == history { after.entry } else { EntryId::default() };
    let (mut now, mut last, mut entries) = read(&call, from).await?;
    if from > last {
        from = EntryId::default();
        (now, last, entries) = read(&call, from).await?;
    }
    let more = entries.len() == PAGE;
    let mut position = Position { history, entry: if more { from } else { last.max(from) } };
    let mut found = Vec::new();
    for (id, kind, about, min_epoch, until) in entries {
        position.entry = position.entry.max(EntryId::parse(&id).ok_or_else(unreadable)?);
        if until > now {
            found.push(RevocationEntry::from_columns(kind, &about, min_epoch, until).ok_or_else(unreadable)?);
        }
    }
    Ok(FeedPage { entries: found, cursor: FeedCursor::new(position.to_text()), more })
}

async fn read(call: &Call<'_>, after: EntryId) -> Result<(i64, EntryId, Vec<RawEntry>)> {
    let (after, count) = (after.to_text(), PAGE.to_string());
    let arguments: [&[u8]; 2] = [after.as_bytes(), count.as_bytes()];
    let (now, last, entries): (i64, String, Vec<RawEntry>) =
        call.run(ConnectionKind::Main, &scripts::PAGE, &keys::stream(call), &arguments).await?;
    Ok((now, EntryId::parse(&last).ok_or_else(unreadable)?, entries))
}

/// Completes when the stream has an entry after the cursor, or after a while without one. It blocks the feed's
/// connection.
pub(super) async fn listen(call: Call<'_>, after: &FeedCursor) -> Result<()> {
    let position = Position::parse(after).unwrap_or_default();
    let connection = call.connection(ConnectionKind::Feed).await?;
    let mut command = cmd("XREAD");
    command.arg("COUNT").arg(1).arg("BLOCK").arg(millis(BLOCK_TIME));
    command.arg("STREAMS").arg(keys::stream(&call)).arg(position.entry.to_text());
    let mut handle = connection.handle();
    let answer = timeout(BLOCK_TIME.saturating_mul(2), command.query_async::<Value>(&mut handle)).await;
    match answer {
        Ok(Ok(_entry_or_none)) => Ok(()),
        Ok(Err(error)) => Err(failure("listening for announcements")(error)),
        Err(_elapsed) => Err(StoreError::new(StoreErrorKind::Unavailable, "listening for announcements")),
    }
}

impl Position {
    fn parse(cursor: &FeedCursor) -> Option<Self> {
        let (history, entry) = cursor.as_str().split_once('/')?;
        Some(Self { history: history.to_owned(), entry: EntryId::parse(entry)? })
    }

    fn to_text(&self) -> String {
        format!("{}/{}", self.history, self.entry.to_text())
    }
}

impl EntryId {
    fn parse(text: &str) -> Option<Self> {
        let (millis, number) = text.split_once('-')?;
        Some(Self(millis.parse().ok()?, number.parse().ok()?))
    }

    fn to_text(self) -> String {
        format!("{}-{}", self.0, self.1)
    }
}

fn unreadable() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, "an announcement that this release cannot read")
}

/// How many announcements a page has at most.
const PAGE: usize = 1000;
/// How many announcements one script removes at most.
const MAX_TRIMMED: usize = 1000;
/// How long one `XREAD` blocks its connection.
const BLOCK_TIME: Duration = Duration::from_millis(1_500);
