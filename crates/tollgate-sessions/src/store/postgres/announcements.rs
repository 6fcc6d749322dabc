//! Reading announcements, and listening for new ones.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;
use tracing::debug;

use super::address::Address;
use super::call::Call;
use super::connection::Connection;
use super::row::column_of;
use super::{CALL_TIMEOUT, Result, StoreError, StoreErrorKind};
use crate::store::command::RevocationEntry;
use crate::store::feed::{FeedCursor, FeedPage};

/// Returns the announcements after a cursor.
///
/// The server assigns a number before the transaction commits, so a smaller number may appear after a reader has read a
/// larger one. A reader that has reached the end therefore continues from announcements that are two minutes old: no
/// statement takes that long.
pub(super) async fn read(call: &Call<'_>, after: Option<&FeedCursor>) -> Result<FeedPage> {
    let after = after.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0_i64);
    let values = [call.now(), (&after, Type::INT8), (&PAGE, Type::INT8)];
    let rows = call.read("reading announcements", READ, &values).await?;
    let (mut entries, mut last, mut settled) = (Vec::new(), after, 0);
    for row in &rows {
        settled = column_of::<Option<i64>>(row, 0)?.unwrap_or(0);
        // Without announcements there is one row, which only has the settled position.
        let Some(seq) = column_of::<Option<i64>>(row, 1)? else { continue };
        last = seq;
        let entry = RevocationEntry::from_columns(
            column_of(row, 2)?,
            column_of(row, 3)?,
            column_of(row, 4)?,
            column_of(row, 5)?,
        );
        entries.push(entry.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Corrupt, "an announcement that this release cannot read")
        })?);
    }
    let more = i64::try_from(entries.len()).is_ok_and(|read| read >= PAGE);
    let position = if more { last } else { settled };
    Ok(FeedPage { entries, cursor: FeedCursor::new(position.to_string()), more })
}

/// A position above every number is from before the database was restored to an earlier state. The reader then gets all
/// announcements again.
const READ: &str = concat!(
    with_now!(),
    "SELECT p.settled, r.seq, r.kind, r.key, r.min_epoch, r.until
     FROM (SELECT (SELECT seq FROM tollgate.auth_revocation
                   WHERE at <= statement_timestamp() - interval '2 minutes' ORDER BY at DESC LIMIT 1) AS settled) p
     LEFT JOIN (SELECT n.seq, n.kind, n.key, n.min_epoch, n.until FROM tollgate.auth_revocation n, t
                WHERE n.until > t.now AND n.seq > (
                    SELECT CASE WHEN $2 > max(seq) THEN 0 ELSE $2 END FROM tollgate.auth_revocation)
                ORDER BY n.seq LIMIT $3) r ON true
     ORDER BY r.seq"
);

/// How many announcements a page has at most.
const PAGE: i64 = 1000;

/// The task that listens for announcements. It starts with the first reader that waits.
#[derive(Debug, Default)]
pub(super) struct Listener(Mutex<Option<JoinHandle<()>>>);

impl Listener {
    /// Starts the task, unless it is running.
    pub(super) fn ensure(&self, address: &Address, announced: &Arc<Notify>) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(listen(address.clone(), Arc::clone(announced))));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

/// Listens on a connection of its own, and replaces it when it is lost. Until then, readers rely on their polls.
async fn listen(address: Address, announced: Arc<Notify>) {
    loop {
        let deadline = Instant::now().checked_add(CALL_TIMEOUT).unwrap_or_else(Instant::now);
        let ended = match Connection::open(&address, &announced, deadline).await {
            Ok(connection) => connection.listen(&announced).await,
            Err(error) => Err(error),
        };
        debug!(error = ended.err().map(tracing::field::display), "stopped listening for revocations");
        sleep(RECONNECT_PAUSE).await;
    }
}

const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
