//! What has to be done while an application runs, and by nobody's request.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{interval, sleep, timeout};
use tollgate::{Clock as _, SystemClock};
use tollgate_sessions::{KeyRing, RevokedSessions, Sessions};

/// Starts it. Waits for the first news of ended sessions: until then the gate admits nobody. Not for long, as a store that
/// does not answer yet is no reason not to listen.
pub(crate) async fn start(sessions: &Sessions, revoked: &RevokedSessions, ring: Option<Arc<KeyRing>>) {
    drop(tokio::spawn(revoked.clone().follow(sessions.store())));
    drop(tokio::spawn(sessions.clone().forget_what_is_over()));
    if let Some(ring) = ring {
        drop(tokio::spawn(turn(ring)));
    }
    let heard = async {
        while revoked.staleness(SystemClock::new().now()).is_none() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let _in_time = timeout(FIRST_NEWS_WITHIN, heard).await;
}

/// Turns the signing keys as soon as it is time.
async fn turn(ring: Arc<KeyRing>) {
    let mut minute = interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        let ring = Arc::clone(&ring);
        // It writes files.
        match spawn_blocking(move || ring.turn(SystemClock::new().now())).await {
            Ok(Ok(true)) => tracing::info!("signing keys have changed"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::error!(%error, "signing keys cannot be turned"),
            Err(error) => tracing::error!(%error, "turning the signing keys has failed"),
        }
    }
}

const FIRST_NEWS_WITHIN: Duration = Duration::from_secs(2);
