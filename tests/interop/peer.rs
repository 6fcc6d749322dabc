//! A peer: another implementation, running as a process behind a line protocol.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_conformance::script::Script;

/// A running peer, shared by the tests that talk to it.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Script>);

impl Peer {
    /// Starts a script of `peers`. `None` when its interpreter or a package is missing.
    pub(crate) fn start(script: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
        let program = folder.join("peers").join(script);
        let running = Script::start(Command::new(interpreter(&folder, script)).arg(program))?;
        // A script whose packages are missing ends at once; one that runs answers anything.
        running.try_ask(&json!({"op": "challenge", "header": "Bearer realm=\"x\""}))?;
        Some(Self(Arc::new(running)))
    }

    /// Asks, and panics on an error: what the peer cannot do is a failure of the test.
    pub(crate) fn ask(&self, request: Value) -> Value {
        self.0.ask(&request)
    }

    /// Asks, and answers whatever comes back, errors included.
    pub(crate) fn try_ask(&self, request: &Value) -> Option<Value> {
        self.0.try_ask(request)
    }

    /// What the peer signs and verifies.
    pub(crate) fn algorithms(&self) -> Vec<String> {
        let answer = self.ask(json!({"op": "algorithms"}));
        serde_json::from_value(answer["algorithms"].clone()).expect("a list of names")
    }
}

fn interpreter(folder: &Path, script: &str) -> PathBuf {
    if script.ends_with(".mjs") { "node".into() } else { folder.join(".venv/bin/python") }
}
