//! A minimal HTTP/1.1 client that sends raw bytes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A parsed response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// The header fields that must be identical across adapters.
const COMPARED: [&str; 5] =
    ["cache-control", "content-type", "retry-after", "sec-websocket-protocol", "www-authenticate"];

impl Response {
    /// Returns the header fields to compare, sorted. On success the content type is left out: the framework sets it.
    pub fn compared_headers(&self) -> Vec<(String, String)> {
        let success = self.status < 300;
        let compared = |name: &str| COMPARED.contains(&name) && !(success && name == "content-type");
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| compared(name)).cloned().collect();
        headers.sort();
        headers
    }
}

/// Sends one request and reads the response, up to its `Content-Length` or until the server closes the connection.
pub fn send(server: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(server).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
    // A server may answer and close before it has read the whole request. The response counts, not the failed write.
    let _written = stream.write_all(request);
    let (mut response, mut piece) = (Vec::new(), [0; 16 * 1024]);
    // Without this check the loop would hang on a server that waits for the rest of a malformed request.
    while !is_whole(&response) {
        match stream.read(&mut piece) {
            Ok(length) if length > 0 => response.extend_from_slice(&piece[..length]),
            _ => break,
        }
    }
    parse(&response)
}

fn is_whole(response: &[u8]) -> bool {
    let Some(head) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let lines = String::from_utf8_lossy(&response[..head]).to_ascii_lowercase();
    let length =
        lines.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| length > 0 && response.len() >= head + 4 + length)
}

fn parse(response: &[u8]) -> Response {
    let text = String::from_utf8_lossy(response);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no response: {text:?}"));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Response { status: status.expect("a status"), headers, body: body.to_owned() }
}
