//! The example application on axum: `cargo run -p example-axum`.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use example_axum::app;
use example_shared::{Report, Settings, interrupted, out_of_patience};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let listener = example_shared::listen()?;
    let settings = Settings::from_env(&listener).await?;
    // Before the banner: a process that reads the banner may send the signal at once.
    let (interrupted, out_of_patience) = (interrupted(), out_of_patience());
    io::stdout().write_all(settings.banner().as_bytes())?;
    // The login throttle counts attempts by client address.
    let app = app(settings).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(TcpListener::from_std(listener)?, app).with_graceful_shutdown(interrupted);
    tokio::select! {
        ended = server => ended?,
        () = out_of_patience => {}
    }
    Ok(())
}
