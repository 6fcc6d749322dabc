//! A server that is killed during writes and restarts with the data on its disk.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tollgate_sessions::session::RevokeReason;
use tollgate_sessions::sessions::{RefreshError, SessionSettings, TokenTransport};
use tollgate_sessions::store::{Durability, RefreshPolicy};
use tollgate_sessions::{Login, Sessions, open_store};
use tollgate_tests::redis::RedisServer;

/// A session as its client saw it.
struct Seen {
    /// All tokens received.
    tokens: Vec<String>,
    end: End,
    by_subject: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    NotTried,
    Tried,
    Acknowledged,
}

/// Releases run 500 rounds.
pub fn acknowledged_writes_survive_sigkill() {
    let rounds = crate::child::rounds(8);
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let (mut tokens, mut ends) = (0, 0);

    for round in 0..rounds {
        let url = server.url();
        let (ended, first) = channel();
        let runtime = crate::runtime();
        let working: Vec<_> = (0..4)
            .map(|worker| runtime.spawn(work(sessions(&url), format!("{round}-{worker}"), ended.clone())))
            .collect();
        drop(ended);
        first.recv().expect("the end of a session");

        // The delay varies, so that the kill hits different operations.
        std::thread::sleep(Duration::from_micros(u64::from(round % 97) * 311));
        server.kill();
        let seen: Vec<Seen> = runtime.block_on(async {
            let mut seen = Vec::new();
            for worker in working {
                seen.extend(worker.await.expect("the worker ends with a store error"));
            }
            seen
        });
        server.restart();

        runtime.block_on(async {
            let sessions = sessions(&url);
            for session in &seen {
                check(&sessions, session, round).await;
            }
        });

        tokens += seen.iter().map(|session| session.tokens.len()).sum::<usize>();
        ends += seen.iter().filter(|session| session.end == End::Acknowledged).count();
    }

    assert!(tokens > 0 && ends > 0, "{tokens} tokens and {ends} ends were acknowledged");
    println!("{rounds} rounds: {tokens} tokens and {ends} ends were acknowledged, none was lost");
}

/// Returns sessions without a grace period but with a recovery period, for responses lost in a crash.
fn sessions(url: &str) -> Sessions {
    let rotation = RefreshPolicy::default()
        .with_grace_period(Duration::ZERO)
        .expect("within the bounds")
        .with_recovery_period(Duration::from_secs(3600))
        .expect("within the bounds");
    let store = open_store(url).expect("a store");
    crate::child::sessions(store).with_settings(SessionSettings::default().with_refresh_policy(rotation))
}

/// Refreshes and revokes sessions until the server is gone, and returns what was acknowledged.
async fn work(sessions: Sessions, name: String, ended: Sender<()>) -> Vec<Seen> {
    let mut all = Vec::new();
    for count in 0.. {
        let subject = format!("{name}-{count}");
        let Ok(issued) = sessions.create(&Login::new(&*subject)).await else { break };
        let mut token = issued.refresh_token.expose();
        let mut seen = Seen { tokens: vec![token.clone()], end: End::NotTried, by_subject: count % 2 == 0 };

        for _ in 0..5 {
            let Ok(issued) = sessions.refresh(&token, TokenTransport::Body, None).await else {
                all.push(seen);
                return all;
            };
            token = issued.refresh_token.expose();
            seen.tokens.push(token.clone());
        }

        seen.end = End::Tried;
        let revoked = if seen.by_subject {
            sessions.revoke_all(&subject, RevokeReason::Administrator).await.ok()
        } else {
            sessions.logout(&token).await.ok()
        };

        // Just before the crash the answer may be best effort, which promises nothing.
        if revoked.is_some_and(|revoked| revoked.durability == Durability::Durable) {
            seen.end = End::Acknowledged;
            // The receiver waits only for the first one.
            let _receiver_gone = ended.send(());
        }
        all.push(seen);
    }
    all
}

async fn check(sessions: &Sessions, seen: &Seen, round: u32) {
    let last = seen.tokens.last().expect("a token");
    let outcome = sessions.refresh(last, TokenTransport::Body, None).await;
    let reason = if seen.by_subject { RevokeReason::SubjectRevoked } else { RevokeReason::Logout };

    match &outcome {
        Ok(_) => assert_ne!(seen.end, End::Acknowledged, "round {round}: an end was lost"),
        Err(RefreshError::Revoked(found)) if seen.end != End::NotTried => assert_eq!(*found, reason),
        other => panic!("round {round}, {:?}: a token was lost: {other:?}", seen.end),
    }

    if let [.., old, _, _, _] = seen.tokens.as_slice() {
        let outcome = sessions.refresh(old, TokenTransport::Body, None).await;
        assert!(matches!(outcome, Err(RefreshError::Reuse | RefreshError::Revoked(_))), "{outcome:?}");
    }
}
