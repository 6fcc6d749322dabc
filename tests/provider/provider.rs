//! [`Provider`]: the OpenID provider as a process with a line protocol.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tollgate_tests::script::Script;

/// A running provider.
pub(crate) struct Provider {
    script: Script,
    pub(crate) issuer: String,
    pub(crate) audience: String,
}

impl Provider {
    /// Starts the provider on a free port. Returns `None` if Node.js or the package is missing.
    pub(crate) fn start() -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("provider/provider.mjs");
        let script = Script::start(Command::new("node").arg(program))?;
        let hello = script.listen()?;
        let text = |name: &str| hello[name].as_str().map(str::to_owned);
        Some(Self { issuer: text("issuer")?, audience: text("audience")?, script })
    }

    /// Gets an access token with this grant.
    pub(crate) fn token(&self, grant: &str) -> String {
        self.ask(grant)["token"].as_str().expect("a token").to_owned()
    }

    /// Sends an operation and returns the answer. Panics on an error.
    pub(crate) fn ask(&self, operation: &str) -> Value {
        self.script.ask(&json!({"op": operation}))
    }
}
