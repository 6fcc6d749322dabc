//! The example application on Actix Web: `cargo run -p example-actix`.

use std::io::{self, Write as _};

use actix_web::{App, HttpServer, web};
use example_actix::{Application, not_found};
use example_shared::{Report, Settings, SettingsError};

#[actix_web::main]
async fn main() -> Result<(), Report> {
    example_shared::init_log();
    let settings = Settings::from_env()?;
    let (addr, banner) = (settings.addr, settings.banner()?);
    let application = Application::new(settings);
    let server = HttpServer::new(move || {
        let application = application.clone();
        App::new().configure(|config| application.routes(config)).default_service(web::to(not_found))
    })
    .shutdown_timeout(5)
    .bind(addr)
    .map_err(|source| SettingsError::Listen { addr, source })?;
    io::stdout().write_all(banner.as_bytes())?;
    // Actix handles interrupts itself, and waits no longer than that for requests under way.
    server.run().await?;
    Ok(())
}
