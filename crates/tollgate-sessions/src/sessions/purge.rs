//! Purging the store in the background.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::Sessions;

impl Sessions {
    /// [Purges](Self::purge) the store once a minute. Spawn this as a background task. One process is enough;
    /// running it in more than one is harmless.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use tollgate_sessions::{RefreshKey, RefreshKeys, Sessions, store::MemoryStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
    /// # let sessions = Sessions::new(MemoryStore::new(), RefreshKeys::new(key), Duration::from_secs(600));
    /// tokio::spawn(sessions.clone().purge_periodically());
    /// # Ok(()) }
    /// ```
    pub async fn purge_periodically(self) {
        let mut interval = interval(PURGE_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.purge_all().await;
        }
    }

    /// Purges in batches, so that other calls to the store do not wait for a large one. Logs a failure and
    /// leaves the rest to the next run.
    async fn purge_all(&self) {
        loop {
            match self.purge(BATCH).await {
                Ok(purged) if purged.sessions.saturating_add(purged.others) > 0 => {}
                Ok(_nothing) => return,
                Err(error) => return warn!(%error, "expired sessions were not purged: the store failed"),
            }
        }
    }
}

const PURGE_INTERVAL: Duration = Duration::from_secs(60);
const BATCH: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{StoreClock, UnixMillis};
    use crate::sessions::Login;
    use crate::sessions::tokens::{RefreshKey, RefreshKeys};
    use crate::store::{MemoryStore, PurgeOutcome};

    #[tokio::test(start_paused = true)]
    async fn purge_periodically_removes_expired_sessions_within_a_minute() {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
        let key = RefreshKey::new(1, RefreshKey::generate_secret().unwrap().as_bytes()).unwrap();
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, RefreshKeys::new(key), PURGE_INTERVAL).with_clock(clock.clone());
        for number in 0..2 * BATCH + 1 {
            sessions.create(&Login::new(format!("user-{number}"))).await.unwrap();
        }
        let purging = tokio::spawn(sessions.clone().purge_periodically());
        tokio::time::sleep(PURGE_INTERVAL / 2).await;
        clock.advance(Duration::from_secs(30 * 24 * 3600));
        let kept = sessions.create(&Login::new("alice")).await.unwrap();
        tokio::time::sleep(PURGE_INTERVAL).await;
        purging.abort();
        assert_eq!(sessions.purge(1).await.unwrap(), PurgeOutcome::default());
        assert_eq!(sessions.list("alice").await.unwrap()[0].session, kept.session.session);
    }
}
