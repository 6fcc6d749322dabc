//! [`Provider`]: the OpenID provider, running as a process behind a line protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// A running provider. Ended by its own process id when dropped.
pub(crate) struct Provider {
    process: Mutex<Process>,
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Provider {
    /// Starts it on a free port. `None` when Node.js or the package is missing.
    pub(crate) fn start() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider/provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (stdin, stdout) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut process = Process { child, stdin, stdout };
        // A script whose packages are missing ends without a line.
        let hello = process.read()?;
        let text = |name: &str| hello[name].as_str().map(str::to_owned);
        Some(Self { issuer: text("issuer")?, audience: text("audience")?, process: Mutex::new(process) })
    }

    /// An access token, by this grant.
    pub(crate) fn token(&self, grant: &str) -> String {
        self.ask(grant)["token"].as_str().expect("a token").to_owned()
    }

    /// Panics on an error: what the provider cannot do is a failure of the test.
    pub(crate) fn ask(&self, operation: &str) -> Value {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(process.stdin, "{}", json!({"op": operation})).expect("a running provider");
        process.stdin.flush().expect("a running provider");
        let answer = process.read().expect("an answer");
        assert!(answer.get("error").is_none(), "{operation}: {answer}");
        answer
    }
}

impl Process {
    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
