//! Behavior of connections: keep-alive, pipelining, clients that disconnect, handlers that panic.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::sync::Notify;
use tollgate::{
    Algorithm, Audience, Gate, Issuer, KeyRefresh, KeyRequest, KeySet, KeySource, KeysUnavailable, UnixTime,
    Verifier,
};
use tollgate_testing::keys;

use crate::driver::{Driver, Protocol};
use crate::gates::{AUDIENCE, Gates, ISSUER, Kind};
use crate::report::{Outcome, Report};
use crate::{Servers, not_applicable, streams};

pub(crate) fn trials(driver: &dyn Driver, gates: &Gates, servers: &Servers, report: &Report) -> Vec<Trial> {
    let plain = servers.of(Kind::Plain);
    let (good, bad) = (gates.forge.token().sign(), gates.forge.token().with_broken_signature());
    let stalled = Stalled::default();
    let waiting = driver.serve(
        Gate::new(Verifier::new(
            stalled.clone(),
            Issuer::new(ISSUER).unwrap(),
            Audience::new(AUDIENCE).unwrap(),
        ))
        .with_clock(gates.clock()),
    );
    let tokens = Tokens { good, bad };
    let test = |test: fn(SocketAddr, &Tokens)| -> Result<Test, &'static str> {
        let tokens = tokens.clone();
        Ok(Box::new(move || test(plain, &tokens)))
    };
    let grpc = driver.protocol() == Protocol::Grpc;
    let good = tokens.good.clone();
    let disconnect = if grpc { streams::clients_disconnect } else { clients_disconnect };
    let tests: [(&str, Result<Test, &'static str>); 5] = [
        (
            "connections/keep_alive_keeps_verdicts_apart",
            test(if grpc { streams::keep_alive } else { keep_alive }),
        ),
        (
            "connections/control_characters_are_rejected",
            if grpc { Err("a client of HTTP/2 cannot send them") } else { test(control_characters) },
        ),
        (
            "connections/pipelined_requests_are_answered_in_order",
            if grpc { Err("the streams of HTTP/2 have no order") } else { test(pipelined) },
        ),
        (
            "connections/handler_panic_affects_one_request",
            test(if grpc { streams::handler_panics } else { handler_panics }),
        ),
        (
            "connections/key_fetch_continues_when_clients_disconnect",
            Ok(Box::new(move || disconnect(waiting, &good, &stalled))),
        ),
    ];
    let trial = |(case, test): (&str, Result<Test, &'static str>)| {
        let row = report.row(case, driver.name());
        let test = match test {
            Ok(test) => test,
            Err(reason) => return not_applicable(case, driver, row, reason),
        };
        Trial::test(format!("{}::{case}", driver.name()), move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(test));
            row.record(if outcome.is_ok() { Outcome::Passed } else { Outcome::Failed });
            outcome.map_err(|_panic| "see above".into())
        })
    };
    tests.into_iter().map(trial).collect()
}

type Test = Box<dyn FnOnce() + Send>;

/// A good token, and one with a broken signature.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) good: String,
    pub(crate) bad: String,
}

impl Tokens {
    /// Returns tokens for 60 requests, good, bad and none in turn, with the expected status of each.
    pub(crate) fn mixture(&self) -> Vec<(Option<&str>, u16)> {
        let (good, bad) = (Some(self.good.as_str()), Some(self.bad.as_str()));
        let turn = [(good, 200), (bad, 401), (None, 401), (good, 200), (None, 401), (bad, 401)];
        turn.into_iter().cycle().take(60).collect()
    }
}

fn request(path: &str, token: Option<&str>) -> String {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: api.example\r\n{authorization}\r\n")
}

fn connect(server: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    BufReader::new(stream)
}

/// Reads the next response and returns its status and body. Returns `None` if the server has closed the connection.
fn next(connection: &mut BufReader<TcpStream>) -> Option<(u16, String)> {
    let mut line = String::new();
    if connection.read_line(&mut line).unwrap_or(0) == 0 {
        return None;
    }

    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }

    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("a body");
    Some((status, String::from_utf8(body).expect("UTF-8")))
}

/// Sends requests one after the other on one connection. No request gets the verdict of another.
fn keep_alive(server: SocketAddr, tokens: &Tokens) {
    let mut connection = connect(server);
    for (token, expected) in tokens.mixture() {
        connection.get_mut().write_all(request("/", token).as_bytes()).expect("written");
        assert_eq!(next(&mut connection).expect("a response").0, expected);
    }
}

/// Sends all requests before reading the first answer. The answers come in order.
fn pipelined(server: SocketAddr, tokens: &Tokens) {
    let mut connection = connect(server);
    let mixture = tokens.mixture();
    let all: String = mixture.iter().map(|(token, _)| request("/", *token)).collect();
    connection.get_mut().write_all(all.as_bytes()).expect("written");
    for (_, expected) in mixture {
        let (status, body) = next(&mut connection).expect("a response");
        assert_eq!(status, expected);
        assert_eq!(body == "alice", expected == 200, "{body}");
    }
}

/// Sends bytes that are illegal in header fields. Most servers reject them before our code runs. If a server lets them
/// pass, the gate rejects the token.
fn control_characters(server: SocketAddr, tokens: &Tokens) {
    let good = &tokens.good;
    for byte in [0x00, 0x01, 0x0b, 0x0c, 0x1b, 0x7f] {
        for value in [[&[byte][..], good.as_bytes()].concat(), [good.as_bytes(), &[byte]].concat()] {
            let mut connection = connect(server);
            let mut bytes = b"GET / HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer ".to_vec();
            bytes.extend(value);
            bytes.extend(b"\r\n\r\n");
            connection.get_mut().write_all(&bytes).expect("written");
            assert!(next(&mut connection).is_none_or(|(status, _)| status == 400), "{byte:#x}");
        }
    }
}

/// A panic in a handler affects no other request.
fn handler_panics(server: SocketAddr, tokens: &Tokens) {
    for _ in 0..3 {
        let mut connection = connect(server);
        connection.get_mut().write_all(request("/panic", Some(&tokens.good)).as_bytes()).expect("written");
        // Some servers answer 500 and some close the connection.
        assert!(next(&mut connection).is_none_or(|(status, _)| status == 500));
        keep_alive(server, tokens);
    }
}

/// Clients disconnect while the key of their token is being fetched. The fetch continues and serves later clients.
fn clients_disconnect(server: SocketAddr, good: &str, stalled: &Stalled) {
    for expected in 1..=5 {
        let mut connection = connect(server);
        connection.get_mut().write_all(request("/", Some(good)).as_bytes()).expect("written");
        while stalled.refreshes() < expected {
            std::thread::yield_now();
        }
    }

    let mut patient = connect(server);
    patient.get_mut().write_all(request("/", Some(good)).as_bytes()).expect("written");
    // A request that needs no key is answered during the fetch.
    let mut other = connect(server);
    other.get_mut().write_all(request("/", None).as_bytes()).expect("written");
    assert_eq!(next(&mut other).expect("a response").0, 401);

    while stalled.refreshes() < 6 {
        std::thread::yield_now();
    }

    stalled.let_keys_arrive();
    assert_eq!(next(&mut patient).expect("a response"), (200, "alice".to_owned()));
}

/// A key source whose keys arrive on command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stalled {
    arrived: Arc<AtomicBool>,
    arrival: Arc<Notify>,
    refreshes: Arc<AtomicUsize>,
}

impl Stalled {
    /// Returns how many refreshes have begun.
    pub(crate) fn refreshes(&self) -> usize {
        self.refreshes.load(Ordering::SeqCst)
    }

    pub(crate) fn let_keys_arrive(&self) {
        self.arrived.store(true, Ordering::SeqCst);
        self.arrival.notify_waiters();
    }
}

impl KeySource for Stalled {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        if self.arrived.load(Ordering::SeqCst) {
            return Ok(keys::verifying(Algorithm::Hs256).into());
        }
        Err(KeysUnavailable::new("not yet", Duration::from_secs(1)))
    }

    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        let stalled = self.clone();
        Some(KeyRefresh::new(async move {
            let arrival = stalled.arrival.notified();
            tokio::pin!(arrival);
            arrival.as_mut().enable();
            stalled.refreshes.fetch_add(1, Ordering::SeqCst);
            if !stalled.arrived.load(Ordering::SeqCst) {
                arrival.await;
            }
        }))
    }
}
