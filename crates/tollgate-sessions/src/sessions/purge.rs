//! What has to be done while sessions are kept, and by nobody's request.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::Sessions;

impl Sessions {
    /// Lets the store [forget](Self::purge) what is over, every minute, for as long as it is polled. To be spawned; in one
    /// process of several is enough, and in all of them does no harm.
    pub async fn purge_periodically(self) {
        let mut minute = interval(EVERY);
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            minute.tick().await;
            self.forget_all_that_is_over().await;
        }
    }

    /// In steps, so that nobody waits for a large one. After a failure, which is in the log, the next minute is soon.
    async fn forget_all_that_is_over(&self) {
        loop {
            match self.purge(AT_ONCE).await {
                Ok(purged) if purged.sessions.saturating_add(purged.others) > 0 => {}
                Ok(_nothing) => return,
                Err(error) => return warn!(%error, "sessions that are over are not forgotten yet"),
            }
        }
    }
}

const EVERY: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{StoreClock, UnixMillis};
    use crate::sessions::Login;
    use crate::sessions::tokens::{RefreshKey, RefreshKeys};
    use crate::store::{MemoryStore, PurgeOutcome};

    #[tokio::test(start_paused = true)]
    async fn all_that_is_over_goes_within_a_minute() {
        let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
        let key = RefreshKey::new(1, RefreshKey::generate_secret().unwrap().as_bytes()).unwrap();
        let store = MemoryStore::new().with_clock(clock.clone());
        let sessions = Sessions::new(store, RefreshKeys::new(key), EVERY).with_clock(clock.clone());
        for number in 0..2 * AT_ONCE + 1 {
            sessions.create(&Login::new(format!("user-{number}"))).await.unwrap();
        }
        let upkeep = tokio::spawn(sessions.clone().purge_periodically());
        tokio::time::sleep(EVERY / 2).await;
        clock.advance(Duration::from_secs(30 * 24 * 3600));
        let kept = sessions.create(&Login::new("alice")).await.unwrap();
        tokio::time::sleep(EVERY).await;
        upkeep.abort();
        assert_eq!(sessions.purge(1).await.unwrap(), PurgeOutcome::default());
        assert_eq!(sessions.list("alice").await.unwrap()[0].session, kept.session.session);
    }
}
