//! This program as a process of its own, which can be killed: it rotates sessions and says which tokens it was given.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use tollgate_sessions::{
    Login, RefreshKey, RefreshKeys, RotationPolicy, SessionSettings, SessionStore, Sessions, SqliteStore,
    Transport,
};

/// Names what a child is to do; without it this is the test program.
const TASK: &str = "TOLLGATE_STORE_CHILD";

pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Sessions whose tokens rotate at every use, so that each answer has to have been written.
pub fn sessions(store: Arc<dyn SessionStore>) -> Sessions {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").expect("a strong secret");
    let rotation = RotationPolicy::default().with_window(std::time::Duration::ZERO);
    let settings = SessionSettings::default()
        .with_rotation(rotation)
        .with_store_timeout(std::time::Duration::from_secs(60));
    Sessions::new(store, RefreshKeys::new(key), std::time::Duration::from_secs(600)).with_settings(settings)
}

/// Says `token …` for each token that it has, and `ended …` for each whose session it has ended. Stops when it is refused.
pub fn run(path: &str) {
    let store = SqliteStore::open(path).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut out = std::io::stdout();
    let mut say = |what: &str, token: &str| {
        writeln!(out, "{what} {token}").and_then(|()| out.flush()).expect("somebody listens");
    };
    runtime.block_on(async {
        let sessions = sessions(Arc::new(store));
        loop {
            let mut token =
                sessions.create(&Login::new("alice")).await.expect("a login").refresh_token.expose();
            for _ in 0..5 {
                let renewed = sessions.rotate(&token, Transport::Body, None).await;
                // Somebody else has ended the session.
                let Ok(issued) = renewed else { return };
                token = issued.refresh_token.expose();
                say("token", &token);
            }
            sessions.logout(&token).await.expect("a logout");
            say("ended", &token);
        }
    });
}

/// A child at work.
pub struct Rotating {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Rotating {
    pub fn start(path: &std::path::Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child =
            Command::new(program).env(TASK, path).stdout(Stdio::piped()).spawn().expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// What it says next.
    pub fn line(&mut self) -> Option<(String, String)> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("UTF-8");
        // A line that is cut short was not said.
        let (what, token) = line.strip_suffix('\n').filter(|_| read > 0)?.split_once(' ')?;
        Some((what.to_owned(), token.to_owned()))
    }

    /// SIGKILL, and all that it had said before.
    pub fn kill(mut self) -> Vec<(String, String)> {
        self.child.kill().expect("running");
        self.child.wait().expect("ended");
        let mut lines = Vec::new();
        while let Some(line) = self.line() {
            lines.push(line);
        }
        lines
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
