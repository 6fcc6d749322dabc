//! When a server that does not handle signals itself has to end: [`interrupted`], then [`out_of_patience`].

use std::future::Future;
use std::time::Duration;

/// How long requests may go on after an interrupt.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the wait for clients that never finish their request.
pub fn out_of_patience() -> impl Future<Output = ()> + Send + 'static {
    let interrupted = interrupted();
    async {
        interrupted.await;
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Ctrl-C, or the signal that service managers send. Counts from the call on: a signal that comes before the future is
/// polled is not lost.
pub fn interrupted() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{Signal, SignalKind, signal};
        let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
        async {
            // Without a handler there is nothing to wait for; the default action ends the process.
            let next = async |signal: Option<Signal>| match signal {
                Some(mut signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            };
            let [interrupt, terminate] = signals;
            tokio::select! {
                () = next(interrupt) => {}
                () = next(terminate) => {}
            }
        }
    }
    #[cfg(not(unix))]
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
