//! Runs this test program as a child process that can be killed. The child refreshes sessions and reports its tokens.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::session::{RevokeReason, SessionId};
use tollgate_sessions::sessions::tokens::RefreshToken;
use tollgate_sessions::sessions::{RefreshError, SessionSettings, TokenTransport};
use tollgate_sessions::store::{RefreshKind, RefreshPolicy, SessionStore};
use tollgate_sessions::{Login, RefreshKey, RefreshKeys, Sessions, open_store};

/// The variable with the task of a child. Without it the process is the test program.
const TASK: &str = "TOLLGATE_STORE_CHILD";

pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Returns sessions without a grace period, so that the store must write before every response.
pub fn sessions(store: Arc<dyn SessionStore>) -> Sessions {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").expect("a strong secret");
    let rotation = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within the bounds");
    let settings = SessionSettings::default()
        .with_refresh_policy(rotation)
        .with_store_timeout(Duration::from_secs(60))
        .expect("within the bounds");
    Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600)).with_settings(settings)
}

/// Prints `token …` for each token received, and `ended …` for the token of each session that it has revoked.
/// Stops when a call fails.
pub fn run(url: &str) {
    let store = open_store(url).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut out = std::io::stdout();
    let mut say = |what: &str, token: &str| {
        writeln!(out, "{what} {token}").and_then(|()| out.flush()).expect("the parent reads");
    };

    runtime.block_on(async {
        let sessions = sessions(store);
        while let Ok(issued) = sessions.create(&Login::new("alice")).await {
            let mut token = issued.refresh_token.expose();
            for _ in 0..5 {
                let refreshed = sessions.refresh(&token, TokenTransport::Body, None).await;
                // The parent has revoked the session.
                let Ok(issued) = refreshed else { return };
                token = issued.refresh_token.expose();
                say("token", &token);
            }
            if sessions.logout(&token).await.is_err() {
                return;
            }
            say("ended", &token);
        }
    });
}

/// A running child process.
pub struct Rotating {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Rotating {
    pub fn start(url: impl AsRef<OsStr>) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child =
            Command::new(program).env(TASK, url).stdout(Stdio::piped()).spawn().expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// Reads the next line of the child. Returns `None` at the end.
    pub fn line(&mut self) -> Option<(String, String)> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("UTF-8");
        // An incomplete line does not count as reported.
        let (what, token) = line.strip_suffix('\n').filter(|_| read > 0)?.split_once(' ')?;
        Some((what.to_owned(), token.to_owned()))
    }

    /// Kills the child with SIGKILL and returns its remaining lines.
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

/// Returns the number of crashes to test: `TOLLGATE_CRASH_ROUNDS`, or `short` if it is not set.
pub fn rounds(short: u32) -> u32 {
    std::env::var("TOLLGATE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// Panics unless the store contains everything that a child has reported.
pub async fn check(sessions: &Sessions, said: Vec<(String, String)>, round: u32) {
    let mut last: HashMap<SessionId, (String, bool)> = HashMap::new();
    let mut older = Vec::new();
    for (what, token) in said {
        let session = token.parse::<RefreshToken>().expect("a token").session();
        let before = last.insert(session, (token.clone(), what == "ended"));
        older.extend(before.filter(|(text, _)| *text != token).map(|(text, _)| (session, text)));
    }

    // The child may have died between a refresh and its report, so the recovery period accepts the token before the
    // current one. Older tokens are still rejected.
    let patient = RefreshPolicy::default()
        .with_grace_period(Duration::ZERO)
        .expect("within the bounds")
        .with_recovery_period(Duration::from_secs(3600))
        .expect("within the bounds");
    let sessions = &sessions.clone().with_settings(SessionSettings::default().with_refresh_policy(patient));

    for (session, (token, ended)) in &last {
        match sessions.refresh(token, TokenTransport::Body, None).await {
            // The child may have died between the logout and its report.
            Err(RefreshError::Revoked(RevokeReason::Logout)) => {}
            // `StoreBehind` would mean that the store has lost an acknowledged write.
            Ok(issued) if !ended && issued.kind != Some(RefreshKind::StoreBehind) => {}
            other => panic!("round {round}, {session}, ended: {ended}: {other:?}"),
        }
        for (_, text) in older.iter().filter(|(of, _)| of == session).take(1) {
            let outcome = sessions.refresh(text, TokenTransport::Body, None).await;
            assert!(matches!(outcome, Err(RefreshError::Reuse | RefreshError::Revoked(_))), "{outcome:?}");
        }
    }
}

/// Works on the same store as a child that refreshes and revokes sessions. Checks the sessions that the child
/// reports as ended, then revokes all others until the child stops.
pub async fn beside(mut child: Rotating, sessions: &Sessions) {
    let mut ended = 0;
    while ended < 10 {
        let (what, token) = child.line().expect("the child keeps running");
        if what == "ended" {
            ended += 1;
            let after = sessions.refresh(&token, TokenTransport::Body, None).await;
            assert!(matches!(after, Err(RefreshError::Revoked(RevokeReason::Logout))), "{after:?}");
        }
    }

    let all = sessions.list("alice").await.expect("a list");
    assert!(all.len() <= 1, "only the child's current session is live: {}", all.len());
    // The child stops at its next refresh. If it was between two sessions, it starts another one first.
    loop {
        sessions.revoke_all("alice", RevokeReason::Administrator).await.expect("written");
        if child.line().is_none() {
            break;
        }
    }
}

impl Drop for Rotating {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
