//! The example application on Actix Web: `cargo run -p example-actix`.

use std::io::{self, Write as _};

use actix_web::{App, HttpServer, rt, web};
use example_actix::{Application, not_found};
use example_shared::{Report, Settings};

#[actix_web::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let listener = example_shared::listen()?;
    let settings = Settings::from_env(&listener).await?;
    let banner = settings.banner();
    let application = Application::new(settings);
    let server = HttpServer::new(move || {
        let application = application.clone();
        App::new().configure(|config| application.routes(config)).default_service(web::to(not_found))
    })
    .shutdown_timeout(5)
    .listen(listener)?;
    // From the first poll on, the server handles interrupts itself. It then waits at most `shutdown_timeout` for
    // requests in flight.
    let server = rt::spawn(server.run());
    rt::task::yield_now().await;
    // After the first poll: a process that reads the banner may send the signal at once.
    io::stdout().write_all(banner.as_bytes())?;
    server.await.map_err(io::Error::other)??;
    Ok(())
}
