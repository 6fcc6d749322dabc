//! Background tasks: following revocations, purging expired sessions, rotating signing keys.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep, timeout};
use tollgate::{Clock as _, SystemClock};
use tollgate_sessions::{KeyRing, RevokedSessions, Sessions};

/// Starts the background tasks, and waits for the first update of revoked sessions, before which the gate admits no
/// token. The wait is short, because a store that is still unavailable must not keep the server from listening.
pub(crate) async fn start(sessions: &Sessions, revoked: &RevokedSessions, ring: Option<Arc<KeyRing>>) {
    drop(tokio::spawn(revoked.clone().follow(sessions.store())));
    drop(tokio::spawn(sessions.clone().purge_periodically()));
    if let Some(ring) = ring {
        drop(tokio::spawn(rotate_keys(ring)));
    }
    let heard = async {
        while revoked.age(SystemClock::new().now()).is_none() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let _in_time = timeout(FIRST_NEWS_WITHIN, heard).await;
}

/// Rotates the signing keys when they are due. Checks once a minute.
async fn rotate_keys(ring: Arc<KeyRing>) {
    let mut minute = interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        let ring = Arc::clone(&ring);
        // Rotation writes files.
        match spawn_blocking(move || ring.rotate_if_due(SystemClock::new().now())).await {
            Ok(Ok(true)) => tracing::info!("rotated the signing keys"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!(%error, "cannot rotate the signing keys"),
            Err(error) => tracing::error!(%error, "the task that rotates the signing keys failed"),
        }
    }
}

const FIRST_NEWS_WITHIN: Duration = Duration::from_secs(2);
