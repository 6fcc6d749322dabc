//! The endpoints of sessions: one table of cases, through every adapter, over real HTTP. Whatever is sent, nothing secret is
//! logged.

mod cases;
mod drivers;
mod server;
mod switch;

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};

use server::Server;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let log = Log::capture();
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
        trials.push(Trial::test(format!("{}::a store that is down", driver.0), move || {
            cases::store_down(&Server::start(driver));
            Ok(())
        }));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let leaks = log.leaks();
    for leak in &leaks {
        eprintln!("{leak:?} was logged");
    }
    if conclusion.has_failed() || !leaks.is_empty() { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// What Tollgate has logged, at its most talkative.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn capture() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_env_filter("tollgate=trace")
            .with_writer(move || writer.clone())
            .init();
        log
    }

    /// Passwords, tokens of either kind, and lines that a client has made.
    fn leaks(&self) -> Vec<&'static str> {
        let log = self.0.lock().expect("the log");
        let text = String::from_utf8_lossy(&log);
        ["SENTINEL", "SSSSSSSS", "rt1_", "rt0_", "eyJ"]
            .into_iter()
            .filter(|secret| text.contains(secret))
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
