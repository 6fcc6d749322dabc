//! The endpoints of sessions: one table of cases, through every adapter, over real HTTP. Whatever is sent, nothing secret is
//! logged.

mod cases;
mod drivers;
mod server;
mod switch;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tollgate_conformance::log::Log;

use server::Server;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (log, subscriber) = Log::capture();
    tracing::subscriber::set_global_default(subscriber).expect("the only one");
    let mut trials = Vec::new();
    for driver in drivers::ALL {
        let server = Arc::new(Server::start(driver));
        for (name, case) in cases::ALL {
            let server = Arc::clone(&server);
            trials.push(Trial::test(format!("{}::{name}", driver.0), move || {
                case(&server);
                Ok(())
            }));
        }
        trials.push(Trial::test(format!("{}::anti-CSRF tokens", driver.0), move || {
            cases::csrf_tokens(&Server::start_with_csrf_tokens(driver));
            Ok(())
        }));
        trials.push(Trial::test(format!("{}::a flood of forged tokens", driver.0), move || {
            cases::flood(&Server::start_with_little_patience(driver));
            Ok(())
        }));
        // A case of its own server, as it turns the store off.
        trials.push(Trial::test(format!("{}::a store that is down", driver.0), move || {
            cases::store_down(&Server::start(driver));
            Ok(())
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if conclusion.num_passed == 0 {
        conclusion.exit();
    }
    let leaks = leaks(&log);
    for leak in &leaks {
        eprintln!("{leak:?} was logged");
    }
    if conclusion.has_failed() || !leaks.is_empty() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// Passwords and tokens of either kind that were logged.
fn leaks(log: &Log) -> Vec<&'static str> {
    let text = log.text();
    assert!(text.contains("session began"), "the log was captured");
    ["SENTINEL", "SSSSSSSS", "rt1_", "rt0_", "eyJ"]
        .into_iter()
        .filter(|secret| text.contains(secret))
        .collect()
}
