//! The example application on warp: `cargo run -p example-warp`.

use std::io::{self, Write as _};

use example_shared::{Report, Settings};
use example_warp::app;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let settings = Settings::from_env()?;
    let listener = TcpListener::bind(&settings.addr).await?;
    io::stdout().write_all(settings.banner()?.as_bytes())?;
    warp::serve(app(settings)).incoming(listener).graceful(interrupted()).run().await;
    Ok(())
}

async fn interrupted() {
    // Without a handler there is nothing to wait for; the default action ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
