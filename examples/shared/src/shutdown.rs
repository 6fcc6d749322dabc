//! Graceful shutdown, for servers that do not handle signals themselves: [`interrupted`], then [`out_of_patience`].

use std::future::Future;
use std::time::Duration;

/// How long requests in flight may take after a signal.
const PATIENCE: Duration = Duration::from_secs(5);

/// Completes five seconds after a signal, to stop waiting for clients that never finish their request.
pub fn out_of_patience() -> impl Future<Output = ()> + Send + 'static {
    let interrupted = interrupted();
    async {
        interrupted.await;
        tokio::time::sleep(PATIENCE).await;
    }
}

/// Completes on Ctrl-C or SIGTERM. The handlers are installed by the call itself, so a signal that arrives before the
/// first poll is not lost.
pub fn interrupted() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{Signal, SignalKind, signal};
        let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
        async {
            // Without a handler there is nothing to wait for: the default action ends the process.
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
