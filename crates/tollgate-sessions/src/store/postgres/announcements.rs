//! Reading what was announced, and being woken for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;
use tracing::debug;

use super::address::Address;
use super::call::Call;
use super::connection::Link;
use super::row::column_of;
use super::{CALL_WITHIN, Result, StoreError, StoreErrorKind};
use crate::store::command::RevocationEntry;
use crate::store::feed::{FeedCursor, FeedPage};

/// Numbers are given out before what they number is committed, so a lower one may appear after a higher one was read. A
/// reader that has reached the end therefore goes on from what is two minutes old: no statement takes that long.
pub(super) async fn read(call: &Call<'_>, after: Option<&FeedCursor>) -> Result<FeedPage> {
    let after = after.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0_i64);
    let values = [call.now(), (&after, Type::INT8), (&PAGE, Type::INT8)];
    let rows = call.read("reading announcements", READ, &values).await?;
    let (mut entries, mut last, mut settled) = (Vec::new(), after, 0);
    for row in &rows {
        settled = column_of::<Option<i64>>(row, 0)?.unwrap_or(0);
        // A row without an announcement says how far all is settled, where there is none.
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

/// A position above all that is there is of a database that was since put back to an earlier state: all is read again.
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

/// How many announcements are read at once.
const PAGE: i64 = 1000;

/// The task that listens, once somebody wants to be woken.
#[derive(Debug, Default)]
pub(super) struct Listener(Mutex<Option<JoinHandle<()>>>);

impl Listener {
    /// Begins to listen, if that is not going on.
    pub(super) fn ensure(&self, address: &Address, heard: &Arc<Notify>) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(listen(address.clone(), Arc::clone(heard))));
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

/// On a connection of its own, made again when it is lost. Without it, who waits looks every now and then.
async fn listen(address: Address, heard: Arc<Notify>) {
    loop {
        let until = Instant::now().checked_add(CALL_WITHIN).unwrap_or_else(Instant::now);
        let ended = match Link::open(&address, &heard, until).await {
            Ok(link) => link.listen(&heard).await,
            Err(error) => Err(error),
        };
        debug!(error = ended.err().map(tracing::field::display), "not listening for ended sessions");
        sleep(PAUSE).await;
    }
}

const PAUSE: Duration = Duration::from_secs(1);
