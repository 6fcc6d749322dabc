//! The effect of a flood of logins on logins and on authenticated requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tollgate_benches::{Options, Report, grouped};

use crate::service::{PASSWORD, Running, name};

/// Numbers of connections that log in again and again, each with its own address and user.
const FLOODS: [usize; 3] = [0, 8, 256];

/// The results of one turn. Latencies are in milliseconds.
struct Measured {
    logins: Vec<f64>,
    refused: usize,
    me: Vec<f64>,
    seconds: f64,
}

pub(crate) async fn report(report: &mut Report<'_>, options: &Options) {
    report.add(
        "### A flood of logins\n\nAn axum application with the session endpoints, sessions in SQLite and Argon2id with its \
         default cost, in a process of its own. *Logging in* is the number of connections that log in with the right \
         password, one attempt after the other. Each has its own user and address, so that the throttle does not slow it \
         down. One more connection requests `/me` all the while. The load generator runs on the same machine and uses a \
         part of its processor time.",
    );
    let running = Running::start();
    let token = log_in_once(running.address).await;
    let turn = Duration::from_secs(if options.quick { 1 } else { 20 });
    let mut rows = Vec::new();
    for connections in FLOODS {
        let measured = stretch(running.address, &token, connections, turn).await;
        let at = |times: &[f64], part: f64| {
            percentile(times, part).map_or_else(String::new, |ms| format!("{ms:.2} ms"))
        };
        rows.push(vec![
            connections.to_string(),
            grouped(measured.logins.len() as f64 / measured.seconds),
            at(&measured.logins, 0.5),
            at(&measured.logins, 0.99),
            grouped(measured.refused as f64 / measured.seconds),
            at(&measured.me, 0.5),
            at(&measured.me, 0.99),
        ]);
    }
    let head = ["logging in", "logins per second", "p50", "p99", "503 per second", "`/me` p50", "`/me` p99"];
    report.table(&head, &rows);
}

fn percentile(times: &[f64], part: f64) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(((times.len() as f64 * part) as usize).min(times.len().checked_sub(1)?)).copied()
}

async fn stretch(address: SocketAddr, token: &str, connections: usize, turn: Duration) -> Measured {
    let (over, start) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let mut floods = JoinSet::new();
    for nth in 0..connections {
        floods.spawn(log_in_until(address, nth, Arc::clone(&over)));
    }
    let mut client = Client::connect(address, Ipv4Addr::LOCALHOST).await;
    let request = format!("GET /me HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut me = Vec::new();
    while start.elapsed() < turn {
        let before = Instant::now();
        assert_eq!(client.ask(&request).await.0, 200);
        me.push(milliseconds(before));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    over.store(true, Ordering::Relaxed);
    let mut measured = Measured { logins: Vec::new(), refused: 0, me, seconds: 0.0 };
    while let Some(ended) = floods.join_next().await {
        let (logins, refused) = ended.expect("no panic");
        measured.logins.extend(logins);
        measured.refused += refused;
    }
    measured.seconds = start.elapsed().as_secs_f64();
    measured
}

/// Logs in until `over` is set. Returns the latencies of logins, and the number of responses with 503.
async fn log_in_until(address: SocketAddr, nth: usize, over: Arc<AtomicBool>) -> (Vec<f64>, usize) {
    // All of 127.0.0.0/8 is this machine.
    let from = Ipv4Addr::new(
        127,
        1,
        u8::try_from(nth / 250).expect("few"),
        u8::try_from(nth % 250).expect("few") + 1,
    );
    let mut client = Client::connect(address, from).await;
    let request = login(address, nth);
    let (mut logins, mut refused) = (Vec::new(), 0);
    while !over.load(Ordering::Relaxed) {
        let before = Instant::now();
        match client.ask(&request).await.0 {
            200 => logins.push(milliseconds(before)),
            503 => refused += 1,
            other => panic!("unexpected status of a login: {other}"),
        }
    }
    (logins, refused)
}

async fn log_in_once(address: SocketAddr) -> String {
    let mut client = Client::connect(address, Ipv4Addr::LOCALHOST).await;
    let (status, body) = client.ask(&login(address, 0)).await;
    let answer: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 200, "{body}");
    answer["access_token"].as_str().expect("a token").to_owned()
}

fn login(address: SocketAddr, nth: usize) -> String {
    let body = format!(r#"{{"email":"{}","password":"{PASSWORD}"}}"#, name(nth));
    let length = body.len();
    format!(
        "POST /auth/login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// One keep-alive connection.
struct Client(TcpStream);

impl Client {
    async fn connect(address: SocketAddr, from: Ipv4Addr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
        let stream = socket.connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Self(stream)
    }

    /// Sends a request. Returns the status and the body of the response.
    async fn ask(&mut self, request: &str) -> (u16, String) {
        self.0.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        loop {
            assert!(self.0.read_buf(&mut answer).await.expect("an answer") > 0, "connection closed");
            let text = std::str::from_utf8(&answer).expect("text");
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length.parse() == Ok(body.len())) {
                return (head[9..12].parse().expect("a status"), body.to_owned());
            }
        }
    }
}
