//! A peer: another implementation, running as a process behind a line protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// A running peer, shared by the tests that talk to it. Ended by its own process id when dropped.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Mutex<Process>>);

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a script of `peers`. `None` when its interpreter or a package is missing.
    pub(crate) fn start(script: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
        let mut child = Command::new(interpreter(&folder, script))
            .arg(folder.join("peers").join(script))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (stdin, stdout) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let peer = Self(Arc::new(Mutex::new(Process { child, stdin, stdout })));
        // A script whose packages are missing ends at once; one that runs answers anything.
        peer.try_ask(&serde_json::json!({"op": "challenge", "header": "Bearer realm=\"x\""}))?;
        Some(peer)
    }

    /// Asks, and panics on an error: what the peer cannot do is a failure of the test.
    pub(crate) fn ask(&self, request: Value) -> Value {
        let answer = self.try_ask(&request).expect("an answer");
        assert!(answer.get("error").is_none(), "{request}: {answer}");
        answer
    }

    /// Asks, and answers whatever comes back, errors included.
    pub(crate) fn try_ask(&self, request: &Value) -> Option<Value> {
        let mut process = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(process.stdin, "{request}").ok()?;
        process.stdin.flush().ok()?;
        let mut line = String::new();
        process.stdout.read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// What the peer signs and verifies.
    pub(crate) fn algorithms(&self) -> Vec<String> {
        let answer = self.ask(serde_json::json!({"op": "algorithms"}));
        serde_json::from_value(answer["algorithms"].clone()).expect("a list of names")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn interpreter(folder: &Path, script: &str) -> PathBuf {
    if script.ends_with(".mjs") { "node".into() } else { folder.join(".venv/bin/python") }
}
