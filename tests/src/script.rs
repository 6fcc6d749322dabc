//! [`Script`]: runs a program in another language that answers each JSON line with one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// A running script. Dropping it kills the process.
#[derive(Debug)]
pub struct Script {
    child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Script {
    /// Starts the script. Returns `None` if the interpreter is missing.
    #[must_use]
    pub fn start(command: &mut Command) -> Option<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let lines = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self { child, lines: Mutex::new(lines) })
    }

    /// Reads a line that the script sends by itself. Returns `None` if the script has exited, for example because its
    /// packages are missing.
    pub fn listen(&self) -> Option<Value> {
        read(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Sends a request and returns the answer, which may be an error.
    pub fn try_ask(&self, request: &Value) -> Option<Value> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(lines.0, "{request}").ok()?;
        lines.0.flush().ok()?;
        read(&mut lines.1)
    }

    /// Sends a request and returns the answer.
    ///
    /// # Panics
    /// Panics if the script has exited or answers with an `error`.
    pub fn ask(&self, request: &Value) -> Value {
        let answer = self.try_ask(request).expect("an answer");
        assert!(answer.get("error").is_none(), "{request}: {answer}");
        answer
    }
}

fn read(stdout: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut line = String::new();
    stdout.read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
