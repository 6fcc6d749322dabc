//! Sessions: refreshes per second on each store compared with bare writes, the size of a session after many
//! refreshes, and the effect of a flood of logins on other requests.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin sessions`

mod flood;
mod growth;
mod place;
mod raw;
mod rotations;
mod server;
mod service;

use tollgate_benches::{Options, Report, machine};

use crate::place::Place;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if std::env::args().nth(1).as_deref() == Some(service::SERVE) {
        runtime.block_on(service::serve());
    } else {
        runtime.block_on(report(&Options::from_args()));
    }
}

async fn report(options: &Options) {
    let packages = machine::versions(&["rusqlite", "redis", "tokio-postgres"]);
    let servers = [server::redis_version(), server::postgres_version()].into_iter().flatten();
    let versions = servers.fold(packages, |versions, server| format!("{versions}, {server}"));
    let mut report = Report::new(options, "sessions", "Sessions", &versions);
    let places = Place::all(&mut report).await;
    rotations::report(&mut report, options, &places).await;
    growth::report(&mut report, options, &places).await;
    drop(places);
    flood::report(&mut report, options).await;
    report.finish();
}
