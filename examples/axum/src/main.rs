//! The example application on axum: `cargo run -p example-axum`.

use std::io::{self, Write as _};
use std::time::Duration;

use example_axum::app;
use example_shared::{Report, Settings, SettingsError};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let settings = Settings::from_env()?;
    let addr = settings.addr;
    let listener = TcpListener::bind(addr).await.map_err(|source| SettingsError::Listen { addr, source })?;
    io::stdout().write_all(settings.banner()?.as_bytes())?;
    let server = axum::serve(listener, app(settings)).with_graceful_shutdown(interrupted());
    tokio::select! {
        ended = server => ended?,
        () = out_of_patience() => {}
    }
    Ok(())
}

/// How long requests may go on after an interrupt.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the wait for clients that never finish their request.
async fn out_of_patience() {
    interrupted().await;
    tokio::time::sleep(PATIENCE).await;
}

/// Ctrl-C, or the signal that service managers send.
async fn interrupted() {
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
