//! [`Driver`]: a chromedriver process, controlled over WebDriver. That protocol is JSON over HTTP/1.1, and the
//! tests need too little of it to justify a library.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A running chromedriver. Dropping it kills the process.
pub(crate) struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// Starts chromedriver on a free port. Returns `None` if it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(process.stdout.take()?).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| port(&line));

        // A thread drains the rest, so that the driver never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let mut driver = Self { process, port: 0 };
        driver.port = port?;
        Some(driver)
    }

    /// Sends a command and returns the `value` of the answer.
    ///
    /// # Panics
    /// Panics if the driver answers with an error or not at all.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer =
            self.exchange(method, path, body).unwrap_or_else(|| panic!("{method} {path}: no answer"));
        assert!(answer["value"].get("error").is_none(), "{method} {path} {body}: {}", answer["value"]);
        answer["value"].clone()
    }

    /// Sends a command that may fail, for example during shutdown.
    pub(crate) fn exchange(&self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let length = body.len();

        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;

        let mut stream = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }

        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        serde_json::from_slice(&body).ok()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Returns the port from the line that announces the start.
fn port(line: &str) -> Option<u16> {
    line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

/// The read timeout, longer than the timeout of any script.
const ANSWER_WITHIN: Duration = Duration::from_secs(150);
