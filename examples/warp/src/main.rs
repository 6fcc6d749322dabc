//! The example application on warp: `cargo run -p example-warp`.

use std::io::{self, Write as _};

use example_shared::{Report, Settings, interrupted, out_of_patience};
use example_warp::app;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let listener = example_shared::listen()?;
    let settings = Settings::from_env(&listener).await?;
    // Before the banner: a process that reads the banner may send the signal at once.
    let (interrupted, out_of_patience) = (interrupted(), out_of_patience());
    io::stdout().write_all(settings.banner().as_bytes())?;
    let listener = TcpListener::from_std(listener)?;
    let server = warp::serve(app(settings)).incoming(listener).graceful(interrupted);
    tokio::select! {
        () = server.run() => {}
        () = out_of_patience => {}
    }
    Ok(())
}
