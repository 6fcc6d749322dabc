//! When a server that does not handle signals itself has to end: [`interrupted`], then [`out_of_patience`].

use std::time::Duration;

/// How long requests may go on after an interrupt.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the wait for clients that never finish their request.
pub async fn out_of_patience() {
    interrupted().await;
    tokio::time::sleep(PATIENCE).await;
}

/// Ctrl-C, or the signal that service managers send.
pub async fn interrupted() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_unavailable) => std::future::pending().await,
        };
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    let interrupted = async {
        // Without a handler there is nothing to wait for; the default action ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = terminated => {}
        () = interrupted => {}
    }
}
