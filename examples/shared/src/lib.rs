//! Code of the example applications that does not depend on the framework: settings from the environment, the
//! responses of the routes, the demo page.

use std::io::IsTerminal as _;

mod answer;
mod config;
mod counts;
mod demo_account;
mod environment;
mod health;
mod issuing;
mod items;
mod keys;
mod listen;
mod page;
mod proxies;
mod report;
mod routes;
mod settings;
mod shutdown;
mod upkeep;

pub use answer::Answer;
pub use environment::SettingsError;
pub use health::{health, metrics, ready};
pub use items::Items;
pub use listen::listen;
pub use page::page;
pub use report::Report;
pub use routes::{
    MAX_BODY_BYTES, admin, body_too_large, me, method_not_allowed, not_found, public, who_am_i,
};
pub use settings::Settings;
pub use shutdown::{interrupted, out_of_patience};

/// Writes the log to standard error. `RUST_LOG` sets the filter; the default is `info`.
pub fn init_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
}
