//! A server that is killed while it writes, and comes back with what is on its disk.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use tollgate_conformance::redis::RedisServer;
use tollgate_sessions::{
    Durability, EndReason, Login, RefreshError, RotationPolicy, SessionSettings, Sessions, Transport,
    open_store,
};

/// A session, as its user has seen it.
struct Seen {
    /// All that were given out.
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

/// 500 rounds are what a release is tried with.
pub fn killed() {
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
        // Somewhere in its work, which is where the randomness of the machine puts it.
        std::thread::sleep(Duration::from_micros(u64::from(round % 97) * 311));
        server.kill();
        let seen: Vec<Seen> = runtime.block_on(async {
            let mut seen = Vec::new();
            for worker in working {
                seen.extend(worker.await.expect("it ends with an error of the store"));
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

/// Tokens rotate at every use, and one whose answer was lost is taken once more.
fn sessions(url: &str) -> Sessions {
    let rotation =
        RotationPolicy::default().with_window(Duration::ZERO).with_recovery(Duration::from_secs(3600));
    let store = open_store(url).expect("a store");
    crate::child::sessions(store).with_settings(SessionSettings::default().with_rotation(rotation))
}

/// Until the server is gone.
async fn work(sessions: Sessions, name: String, ended: Sender<()>) -> Vec<Seen> {
    let mut all = Vec::new();
    for count in 0.. {
        let subject = format!("{name}-{count}");
        let Ok(issued) = sessions.create(&Login::new(&*subject)).await else { break };
        let mut token = issued.refresh_token.expose();
        let mut seen = Seen { tokens: vec![token.clone()], end: End::NotTried, by_subject: count % 2 == 0 };
        for _ in 0..5 {
            let Ok(issued) = sessions.rotate(&token, Transport::Body, None).await else {
                all.push(seen);
                return all;
            };
            token = issued.refresh_token.expose();
            seen.tokens.push(token.clone());
        }
        seen.end = End::Tried;
        let revoked = if seen.by_subject {
            sessions.revoke_all(&subject, EndReason::Administrator).await.ok()
        } else {
            sessions.logout(&token).await.ok()
        };
        // One that was answered just before the crash was said to be at risk.
        if revoked.is_some_and(|revoked| revoked.durability == Durability::Durable) {
            seen.end = End::Acknowledged;
            // Only the first one is waited for.
            let _nobody_waits_any_longer = ended.send(());
        }
        all.push(seen);
    }
    all
}

async fn check(sessions: &Sessions, seen: &Seen, round: u32) {
    let last = seen.tokens.last().expect("a token");
    let outcome = sessions.rotate(last, Transport::Body, None).await;
    let reason = if seen.by_subject { EndReason::SubjectRevoked } else { EndReason::Logout };
    match &outcome {
        Ok(_) => assert_ne!(seen.end, End::Acknowledged, "round {round}: an end was lost"),
        Err(RefreshError::Ended(found)) if seen.end != End::NotTried => assert_eq!(*found, reason),
        other => panic!("round {round}, {:?}: a token was lost: {other:?}", seen.end),
    }
    if let [.., old, _, _, _] = seen.tokens.as_slice() {
        let outcome = sessions.rotate(old, Transport::Body, None).await;
        assert!(matches!(outcome, Err(RefreshError::Reuse | RefreshError::Ended(_))), "{outcome:?}");
    }
}
