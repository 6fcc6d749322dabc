//! The load generator: keep-alive connections in one thread, each with one request in flight at any time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// The results of one turn.
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Microseconds from the request to the end of the response, sorted.
    pub(crate) latencies: Vec<u32>,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// Returns this percentile of the latencies, in microseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len() - 1);
        f64::from(self.latencies[at])
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    filled: usize,
    sent: Instant,
}

/// Returns the bytes of a request for the route, with or without a token.
pub(crate) fn request(token: Option<&str>) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let fields = "host: 127.0.0.1\r\nuser-agent: benchmark/1.0\r\naccept: */*\r\n";
    format!("GET /hello HTTP/1.1\r\n{fields}{authorization}\r\n").into_bytes()
}

/// Sends one request and returns the status of the response.
pub(crate) fn status(address: SocketAddr, request: &[u8]) -> io::Result<u16> {
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request)?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    status_of(&answer[..length]).ok_or_else(|| io::Error::other("no status line"))
}

/// Opens one connection for each of the requests and keeps it busy for `duration`. Every response must be a 200.
pub(crate) fn run(address: SocketAddr, requests: &[Vec<u8>], duration: Duration) -> io::Result<Load> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(requests.len());
    let mut connections = Vec::with_capacity(requests.len());
    for (nth, request) in requests.iter().enumerate() {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(nth), Interest::READABLE)?;
        let answer = vec![0; 16 * 1024];
        connections.push(Connection {
            stream,
            request: request.clone(),
            answer,
            filled: 0,
            sent: Instant::now(),
        });
    }
    let start = Instant::now();
    for connection in &mut connections {
        connection.send()?;
    }
    let mut latencies = Vec::with_capacity(1 << 20);
    while start.elapsed() < duration {
        poll.poll(&mut events, Some(Duration::from_secs(10)))?;
        if events.is_empty() {
            return Err(io::Error::new(ErrorKind::TimedOut, "no response within ten seconds"));
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            if connection.receive()? {
                latencies.push(u32::try_from(connection.sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                connection.send()?;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Load { requests: latencies.len() as u64, seconds, latencies })
}

impl Connection {
    /// Writes the whole request at once. It is much smaller than the socket's buffer.
    fn send(&mut self) -> io::Result<()> {
        self.filled = 0;
        self.sent = Instant::now();
        let written = self.stream.write(&self.request)?;
        if written == self.request.len() { Ok(()) } else { Err(io::Error::other("half a request written")) }
    }

    /// Reads, and returns whether the response is complete. Only one is in flight, so reading stops at its end.
    fn receive(&mut self) -> io::Result<bool> {
        loop {
            match self.stream.read(&mut self.answer[self.filled..]) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "connection closed")),
                Ok(length) => self.filled += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if is_whole(&self.answer[..self.filled])? {
                return Ok(true);
            }
        }
    }
}

fn status_of(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

fn is_whole(answer: &[u8]) -> io::Result<bool> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    match status_of(answer) {
        Some(200) => {}
        other => return Err(io::Error::other(format!("unexpected status {other:?}"))),
    }
    let length = content_length(&answer[..head]).ok_or_else(|| io::Error::other("no content-length"))?;
    Ok(answer.len() >= head + 4 + length)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let lines = head.split(|byte| *byte == b'\n');
    let value = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked("content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    std::str::from_utf8(value.into_iter().next()?).ok()?.trim().parse().ok()
}
