//! This program as a process of its own, which can be killed: it rotates sessions and says which tokens it was given.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::{
    EndReason, Login, RefreshError, RefreshKey, RefreshKeys, RefreshToken, RenewalKind, RotationPolicy,
    SessionId, SessionSettings, SessionStore, Sessions, Transport, open_store,
};

/// Names what a child is to do; without it this is the test program.
const TASK: &str = "TOLLGATE_STORE_CHILD";

pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Sessions whose tokens rotate at every use, so that each answer has to have been written.
pub fn sessions(store: Arc<dyn SessionStore>) -> Sessions {
    let key = RefreshKey::new(1, b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").expect("a strong secret");
    let rotation = RotationPolicy::default().with_window(Duration::ZERO);
    let settings =
        SessionSettings::default().with_rotation(rotation).with_store_timeout(Duration::from_secs(60));
    Sessions::new(store, RefreshKeys::new(key), Duration::from_secs(600)).with_settings(settings)
}

/// Says `token …` for each token that it has, and `ended …` for each whose session it has ended. Stops when it is refused,
/// or the store fails.
pub fn run(url: &str) {
    let store = open_store(url).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut out = std::io::stdout();
    let mut say = |what: &str, token: &str| {
        writeln!(out, "{what} {token}").and_then(|()| out.flush()).expect("somebody listens");
    };
    runtime.block_on(async {
        let sessions = sessions(store);
        while let Ok(issued) = sessions.create(&Login::new("alice")).await {
            let mut token = issued.refresh_token.expose();
            for _ in 0..5 {
                let renewed = sessions.rotate(&token, Transport::Body, None).await;
                // Somebody else has ended the session.
                let Ok(issued) = renewed else { return };
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

/// A child at work.
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

/// How often to crash, where a short run has `short`: `TOLLGATE_CRASH_ROUNDS` says it.
pub fn rounds(short: u32) -> u32 {
    std::env::var("TOLLGATE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// Panics unless the store holds all that a child has said.
pub async fn check(sessions: &Sessions, said: Vec<(String, String)>, round: u32) {
    let mut last: HashMap<SessionId, (String, bool)> = HashMap::new();
    let mut older = Vec::new();
    for (what, token) in said {
        let session = token.parse::<RefreshToken>().expect("a token").session();
        let before = last.insert(session, (token.clone(), what == "ended"));
        older.extend(before.filter(|(text, _)| *text != token).map(|(text, _)| (session, text)));
    }
    // What was renewed without having been able to say so is taken once more; anything older would not be.
    let patient =
        RotationPolicy::default().with_window(Duration::ZERO).with_recovery(Duration::from_secs(3600));
    let sessions = &sessions.clone().with_settings(SessionSettings::default().with_rotation(patient));
    for (session, (token, ended)) in &last {
        match sessions.rotate(token, Transport::Body, None).await {
            // It may have been ended without having been able to say so.
            Err(RefreshError::Ended(EndReason::Logout)) => {}
            // A token that is ahead of the store was given out for something that was then lost.
            Ok(issued) if !ended && issued.kind != Some(RenewalKind::Ahead) => {}
            other => panic!("round {round}, {session}, ended: {ended}: {other:?}"),
        }
        for (_, text) in older.iter().filter(|(of, _)| of == session).take(1) {
            let outcome = sessions.rotate(text, Transport::Body, None).await;
            assert!(matches!(outcome, Err(RefreshError::Reuse | RefreshError::Ended(_))), "{outcome:?}");
        }
    }
}

/// Beside a child that renews and ends sessions: finds them as it says they are, and ends them all in the end.
pub async fn beside(mut child: Rotating, sessions: &Sessions) {
    let mut ended = 0;
    while ended < 10 {
        let (what, token) = child.line().expect("it goes on");
        if what == "ended" {
            ended += 1;
            let after = sessions.rotate(&token, Transport::Body, None).await;
            assert!(matches!(after, Err(RefreshError::Ended(EndReason::Logout))), "{after:?}");
        }
    }
    let all = sessions.list("alice").await.expect("a list");
    assert!(all.len() <= 1, "at most the one that it is at: {}", all.len());
    // It hears of it with a renewal, and stops; unless it was between two sessions.
    loop {
        sessions.revoke_all("alice", EndReason::Administrator).await.expect("written");
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
