//! Over TCP: requests per second and latencies of protected and unprotected routes, with Node for comparison.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin tcp`

mod load;
mod process;
mod servers;

use std::time::Duration;

use tollgate::Algorithm;
use tollgate_benches::fixtures::{self, Size};
use tollgate_benches::svg::{self, Bar, Side};
use tollgate_benches::{Options, Report, Spread, grouped, machine};

use crate::load::Load;
use crate::process::{Running, Server};

const CONNECTIONS: usize = 32;
const TURN: Duration = Duration::from_millis(250);
/// Long enough for Node to compile its hot code.
const WARM_UP: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", framework, protection, algorithm] => servers::serve(framework, protection, algorithm),
        _ => report(&Options::from_args()),
    }
}

/// The results of one server, round by round.
struct Measured {
    server: Server,
    loads: Vec<Load>,
    /// Microseconds of processor time per request.
    processor: Vec<f64>,
}

impl Measured {
    fn per_second(&self) -> Spread {
        Spread::of(self.loads.iter().map(Load::per_second))
    }

    fn latency(&self, percent: usize) -> Spread {
        Spread::of(self.loads.iter().map(|load| load.percentile(percent)))
    }

    /// Returns requests per second divided by those of `other`, round by round.
    fn against(&self, other: &Self) -> Spread {
        Spread::of(
            self.loads.iter().zip(&other.loads).map(|(own, other)| own.per_second() / other.per_second()),
        )
    }

    /// Returns the processor time per request beyond that of `other`, in microseconds.
    fn processor_beyond(&self, other: &Self) -> Spread {
        Spread::of(self.processor.iter().zip(&other.processor).map(|(own, other)| own - other))
    }
}

fn report(options: &Options) {
    let versions = machine::versions(&["axum", "actix-web", "warp", "hyper", "jsonwebtoken"]);
    let node = machine::ask("node", &["--version"]);
    let versions = format!("{versions}{}", process::node_versions(node.as_deref()));
    let mut report = Report::new(options, "tcp", "Over TCP", &versions);
    report.add(&format!(
        "A route that responds with `hello`. Each server is a process of its own, with as many threads as its framework \
         starts by default (axum, actix-web, warp: one for each core; Node: one). A load generator with one thread sends \
         requests over {CONNECTIONS} keep-alive connections. Each connection has its own token with nine claims, and the \
         handlers of the Rust servers get the claims as a type of their own. After the first request of a connection, \
         Tollgate and @fastify/jwt have its token in their caches. *Processor* is the processor time of the server's \
         process per request; it does not depend on the speed of the load generator. Servers take turns of a quarter of a \
         second. After sixteen turns, all servers are restarted and warmed up for two seconds.",
    ));
    let mut servers = Server::rust();
    match node {
        Some(_) if process::install_node_packages() => servers.extend(Server::node()),
        Some(_) => report.add("`npm ci` failed, so Node is not measured."),
        None => report.add("Node is not installed on this machine, so it is not measured."),
    }
    let measured = measure(options, servers);
    present(&mut report, &measured);
    report.finish();
}

fn requests(algorithm: Algorithm) -> Vec<Vec<u8>> {
    let token = |nth| fixtures::token(algorithm, Size::Small).claim("jti", format!("token-{nth:04}")).sign();
    (0..CONNECTIONS).map(|nth| load::request(Some(&token(nth)))).collect()
}

/// Measures all servers in turn. Turns are short, so that a disturbance also affects the server to compare
/// with. Servers are restarted several times, because the speed of a process depends on chance: on its memory
/// layout, and on which thread takes which connection.
fn measure(options: &Options, servers: Vec<Server>) -> Vec<Measured> {
    let (starts, rounds) = if options.quick { (1, 2) } else { (4, 16) };
    let mut measured: Vec<Measured> = servers
        .into_iter()
        .map(|server| Measured { server, loads: Vec::new(), processor: Vec::new() })
        .collect();
    for _ in 0..starts {
        let running: Vec<_> = measured.iter().map(|measured| start(&measured.server)).collect();
        for _ in 0..rounds {
            for (measured, (running, requests)) in measured.iter_mut().zip(&running) {
                let before = running.processor_seconds();
                let load = load(&measured.server, running, requests, TURN);
                let spent = running.processor_seconds() - before;
                measured.processor.push(spent * 1e6 / load.requests as f64);
                measured.loads.push(load);
            }
        }
    }
    measured
}

/// Starts a server, checks which tokens it accepts, and warms it up. Returns it with the requests for it.
fn start(server: &Server) -> (Running, Vec<Vec<u8>>) {
    let running = Running::start(server);
    let requests = requests(server.algorithm);
    check(server, &running, &requests[0]);
    load(server, &running, &requests, WARM_UP);
    (running, requests)
}

fn load(server: &Server, running: &Running, requests: &[Vec<u8>], duration: Duration) -> Load {
    let load = load::run(running.address, requests, duration);
    load.unwrap_or_else(|error| panic!("{}: {error}", server.name))
}

/// Checks that the server accepts a valid token and, if it is protected, rejects a bad token and no token.
fn check(server: &Server, running: &Running, good: &[u8]) {
    let bad = fixtures::token(server.algorithm, Size::Small).with_broken_signature();
    let bad = load::request(Some(&bad));
    let status = |request: &[u8]| load::status(running.address, request).expect("an answer");
    let answers = [status(good), status(&load::request(None)), status(&bad)];
    let expected = if server.protected { [200, 401, 401] } else { [200, 200, 200] };
    assert_eq!(answers, expected, "{}", server.name);
}

fn present(report: &mut Report<'_>, measured: &[Measured]) {
    let named = |name: &str| measured.iter().find(|measured| measured.server.name == name);
    let microseconds = |spread: Spread| format!("{:.0} µs", spread.median);
    let rows: Vec<Vec<String>> = measured
        .iter()
        .map(|own| {
            let (rate, base) = (own.per_second(), named(own.server.base));
            let protected = base.filter(|_| own.server.protected);
            vec![
                own.server.name.into(),
                format!("{} ({} to {})", grouped(rate.median), grouped(rate.low), grouped(rate.high)),
                protected.map(|base| own.against(base).ratio()).unwrap_or_default(),
                microseconds(own.latency(50)),
                microseconds(own.latency(99)),
                format!("{:.2} µs", Spread::of(own.processor.iter().copied()).median),
                protected
                    .map(|base| format!("{:.2} µs", own.processor_beyond(base).median))
                    .unwrap_or_default(),
            ]
        })
        .collect();
    let head = [
        "server",
        "requests per second",
        "protected : unprotected",
        "p50",
        "p99",
        "processor",
        "added processor",
    ];
    report.table(&head, &rows);

    let bars: Vec<Bar> = measured
        .iter()
        .map(|own| {
            let rate = own.per_second();
            let side = match own.server {
                Server { protected: false, .. } => Side::Base,
                Server { ours: true, .. } => Side::Ours,
                _ => Side::Peer,
            };
            let text = grouped(rate.median);
            Bar {
                label: own.server.name.into(),
                side,
                value: rate.median,
                spread: [rate.low, rate.high],
                text,
            }
        })
        .collect();
    let title = "Requests per second over 32 connections";
    report.chart("tcp.svg", title, &svg::bars(title, "requests per second, more is better", &bars));

    let pairs = [
        ("axum", "fastify"),
        (process::AXUM_HS256, process::FASTIFY_JWT),
        ("axum", "express"),
        (process::AXUM_HS256, process::EXPRESS_JWT),
        (process::AXUM_HS256, process::AXUM_BY_HAND),
        (process::AXUM_ES256, process::AXUM_BY_HAND_ES256),
    ];
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .filter_map(|(own, other)| {
            let ratio = named(own)?.against(named(other)?).ratio();
            Some(vec![format!("{own} : {other}"), ratio])
        })
        .collect();
    report.add("### Compared with each other");
    report.table(&["requests per second", "ratio"], &rows);
}
