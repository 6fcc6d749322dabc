//! One table of cases, run through every adapter over real TCP. Each adapter has one driver, and all of them must
//! return the same bytes. gRPC servers must return what these bytes are in gRPC.

mod cases;
mod connections;
mod driver;
mod gates;
mod grpc;
mod real_world;
mod report;
mod streams;

use std::net::SocketAddr;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use tollgate_tests::client::{self, Response};

use cases::Case;
use driver::{Driver, Protocol};
use gates::Gates;
use grpc::Call;
use report::{Outcome, Report, Row};

fn main() {
    let arguments = Arguments::from_args();
    silence_expected_panics();
    let gates = Gates::new();
    let cases = cases::all(&gates);
    let report = Report::default();
    let mut trials = Vec::new();

    for driver in driver::all() {
        let servers = Arc::new(Servers::start(&*driver, &gates));
        for case in &cases {
            trials.push(trial(case, &*driver, &servers, report.row(&case.name, driver.name())));
        }
        trials.extend(connections::trials(&*driver, &gates, &servers, &report));
    }

    let conclusion = libtest_mimic::run(&arguments, trials);
    report.write();
    conclusion.exit();
}

fn trial(case: &Case, driver: &dyn Driver, servers: &Arc<Servers>, row: Row) -> Trial {
    let (case, server) = (case.clone(), servers.of(case.gate));
    let run: Box<dyn FnOnce() -> Result<(), String> + Send> = match driver.protocol() {
        Protocol::Http => Box::new({
            let case = case.clone();
            move || check(&case, server)
        }),
        Protocol::Grpc => match Call::of(&case) {
            Ok(call) => Box::new(move || call.check(server)),
            Err(reason) => return not_applicable(&case.name, driver, row, reason),
        },
    };
    Trial::test(format!("{}::{}", driver.name(), case.name), move || {
        let outcome = run();
        row.record(if outcome.is_ok() { Outcome::Passed } else { Outcome::Failed });
        outcome.map_err(Into::into)
    })
}

/// Reports a case that the adapter's protocol cannot express, as an ignored test with the reason in front.
fn not_applicable(case: &str, driver: &dyn Driver, row: Row, reason: &'static str) -> Trial {
    row.record(Outcome::NotApplicable(reason));
    Trial::test(format!("{}::{case}", driver.name()), || Ok(())).with_kind(reason).with_ignored_flag(true)
}

/// Suppresses the backtraces of the handlers of `/panic`, which panic on purpose.
fn silence_expected_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref() != Some(&driver::EXPECTED_PANIC) {
            report(panic);
        }
    }));
}

/// The addresses of the servers of one adapter, one for each gate.
struct Servers(Vec<(gates::Kind, SocketAddr)>);

impl Servers {
    fn start(driver: &dyn Driver, gates: &Gates) -> Self {
        Self(gates::Kind::ALL.into_iter().map(|kind| (kind, driver.serve(gates.gate(kind)))).collect())
    }

    fn of(&self, wanted: gates::Kind) -> SocketAddr {
        self.0.iter().find(|(kind, _)| *kind == wanted).expect("a server for every gate").1
    }
}

fn check(case: &Case, server: SocketAddr) -> Result<(), String> {
    let response = client::send(server, &case.request);
    let expected = &case.expected;
    let found = Response { headers: response.compared_headers(), ..response };
    if found == *expected { Ok(()) } else { Err(format!("expected {expected:#?}\nfound {found:#?}")) }
}
