//! [`Peer`]: another implementation as a process with a line protocol.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_tests::script::Script;

/// A running peer. Clones share the process.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Script>);

impl Peer {
    /// Starts a script from `peers`. Returns `None` if its interpreter or a package is missing.
    pub(crate) fn start(script: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
        let program = folder.join("peers").join(script);
        let running = Script::start(Command::new(interpreter(&folder, script)).arg(program))?;
        // A script with missing packages exits at once. A running one answers every request, if only with an error.
        running.try_ask(&json!({"op": "challenge", "header": "Bearer realm=\"x\""}))?;
        Some(Self(Arc::new(running)))
    }

    /// Sends a request and returns the answer. Panics on an error.
    pub(crate) fn ask(&self, request: Value) -> Value {
        self.0.ask(&request)
    }

    /// Sends a request and returns the answer, which may be an error.
    pub(crate) fn try_ask(&self, request: &Value) -> Option<Value> {
        self.0.try_ask(request)
    }

    /// Returns the algorithms that the peer supports.
    pub(crate) fn algorithms(&self) -> Vec<String> {
        let answer = self.ask(json!({"op": "algorithms"}));
        serde_json::from_value(answer["algorithms"].clone()).expect("a list of names")
    }
}

fn interpreter(folder: &Path, script: &str) -> PathBuf {
    if script.ends_with(".mjs") { "node".into() } else { folder.join(".venv/bin/python") }
}
