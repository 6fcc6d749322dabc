//! The session endpoints: one table of cases, through every adapter, over real HTTP. Afterwards the log of the
//! whole run is searched for secrets.

mod cases;
mod drivers;
mod server;
mod switch;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tollgate::ForwardedHeader;
use tollgate_tests::log::Log;

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

        trials.push(Trial::test(
            format!("{}::calls_with_cookies_need_an_anti_csrf_token", driver.0),
            move || {
                cases::calls_with_cookies_need_an_anti_csrf_token(&Server::start_with_csrf_tokens(driver));
                Ok(())
            },
        ));
        trials.push(Trial::test(format!("{}::flood_of_forged_tokens_is_throttled", driver.0), move || {
            cases::flood_of_forged_tokens_is_throttled(&Server::start_with_strict_throttle(driver));
            Ok(())
        }));

        trials.push(Trial::test(
            format!("{}::clients_behind_proxies_are_throttled_one_by_one", driver.0),
            move || {
                for header in [ForwardedHeader::Forwarded, ForwardedHeader::XForwardedFor] {
                    let server = Server::start_behind_proxies(driver, header);
                    cases::clients_behind_proxies_are_throttled_one_by_one(&server, header);
                }
                Ok(())
            },
        ));

        // Needs its own server, because it turns the store off.
        trials.push(Trial::test(format!("{}::store_outage_keeps_sessions", driver.0), move || {
            cases::store_outage_keeps_sessions(&Server::start(driver));
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

/// Returns the secrets found in the log: parts of passwords and of both kinds of tokens.
fn leaks(log: &Log) -> Vec<&'static str> {
    let text = log.text();
    assert!(text.contains("session began"), "the log was captured");
    ["SENTINEL", "SSSSSSSS", "rt1_", "rt0_", "eyJ"]
        .into_iter()
        .filter(|secret| text.contains(secret))
        .collect()
}
