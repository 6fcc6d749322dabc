//! The stream in which ends are announced.

use std::time::Duration;

use redis::{Value, cmd};
use tokio::time::timeout;

use super::call::{Call, Over};
use super::failure::failure;
use super::keys::{self, millis};
use super::{StoreError, StoreErrorKind, scripts, setup};
use crate::session::UnixMillis;
use crate::store::command::{Revocation, RevocationEntry};
use crate::store::feed::{FeedCursor, FeedPage};

type Result<T> = std::result::Result<T, StoreError>;

pub(super) async fn announce(call: &Call<'_>, revocation: &Revocation, announce_for: Duration) -> Result<()> {
    // The server knows until when.
    let entry = RevocationEntry { revocation: revocation.clone(), until: UnixMillis::from_millis(0) };
    let (kind, about, min_epoch) = entry.to_columns();
    let (kind, min_epoch, announced) = (kind.to_string(), min_epoch.to_string(), millis(announce_for));
    let arguments: [&[u8]; 4] = [&announced, kind.as_bytes(), &about, min_epoch.as_bytes()];
    let _added: Value = call.run(Over::Ends, &scripts::ANNOUNCE, &keys::stream(call), &arguments).await?;
    Ok(())
}

/// Forgets announcements that no token needs any longer.
pub(super) async fn trim(call: &Call<'_>, budget: usize) -> Result<u64> {
    let budget = budget.min(TRIMMED_AT_ONCE).to_string();
    call.run(Over::Main, &scripts::TRIM, &keys::stream(call), &[budget.as_bytes()]).await
}

/// Where a reader is: in which history of the server, and after which entry of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    history: String,
    entry: EntryId,
}

/// The id of an entry: milliseconds, and a number within them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct EntryId(u64, u64);

/// An entry of the stream: its id, kind, key, least epoch, and until when it matters.
type RawEntry = (String, i64, Vec<u8>, i64, i64);

/// After a failover the stream may lack what was read already, and go on with ids from before: then it is read from its
/// beginning.
pub(super) async fn page(call: Call<'_>, after: Option<&FeedCursor>) -> Result<FeedPage> {
    let known = after.and_then(Position::parse).unwrap_or_default();
    let connection = call.connection(Over::Main).await?;
    let history = setup::history(&mut connection.handle()).await;
    let history = history.inspect_err(|_failed| call.link(Over::Main).forget())?;
    let mut from = if known.history == history { known.entry } else { EntryId::default() };
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
        call.run(Over::Main, &scripts::PAGE, &keys::stream(call), &arguments).await?;
    Ok((now, EntryId::parse(&last).ok_or_else(unreadable)?, entries))
}

/// Ends when there is an entry after that of the cursor, or none for a while. It blocks the connection that it uses.
pub(super) async fn listen(call: Call<'_>, after: &FeedCursor) -> Result<()> {
    let position = Position::parse(after).unwrap_or_default();
    let connection = call.connection(Over::Feed).await?;
    let mut command = cmd("XREAD");
    command.arg("COUNT").arg(1).arg("BLOCK").arg(millis(LISTENING));
    command.arg("STREAMS").arg(keys::stream(&call)).arg(position.entry.to_text());
    let mut handle = connection.handle();
    let heard = timeout(LISTENING.saturating_mul(2), command.query_async::<Value>(&mut handle)).await;
    match heard {
        Ok(Ok(_news)) => Ok(()),
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

/// How many announcements are read at once.
const PAGE: usize = 1000;
/// How many are removed at once.
const TRIMMED_AT_ONCE: usize = 1000;
/// How long one question for news blocks its connection.
const LISTENING: Duration = Duration::from_millis(1_500);
