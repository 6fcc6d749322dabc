//! [`SessionCounts`]: what sessions have come to.

use super::{RefreshError, Sessions};
use crate::support::Counter;
use crate::store::RenewalKind;

/// How often something was done with sessions since the process began, for a dashboard.
///
/// Of clients that present the same token at the same time each counts. [`ahead`](Self::ahead) should be zero: it means that the
/// store has lost writes, and somebody should look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounts {
    /// Sessions that began.
    pub begun: u64,
    /// Renewals: the session moved on.
    pub rotated: u64,
    /// Renewals: it had moved on a moment ago, and the same answer was given again.
    pub replayed: u64,
    /// Renewals: the session moved on from a generation that the store did not know.
    pub ahead: u64,
    /// Renewals: the session moved on from the generation before the current one.
    pub displaced: u64,
    /// Answers that were given again to another client than before. They are renewals too, unless they end the session.
    pub foreign: u64,
    /// What was presented is no refresh token.
    pub malformed: u64,
    /// Refresh tokens that were not made by our keys.
    pub forged: u64,
    /// Refresh tokens that came another way than they were given out.
    pub wrong_transport: u64,
    /// Refresh tokens of sessions that are not there.
    pub unknown: u64,
    /// Refresh tokens of sessions that had reached a limit.
    pub expired: u64,
    /// Refresh tokens of sessions that had been ended.
    pub ended: u64,
    /// Refresh tokens that were used twice, so that their session was ended.
    pub reused: u64,
    /// Questions that the store did not answer, after a second try where that makes sense.
    pub store_failures: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) begun: Counter,
    rotated: Counter,
    replayed: Counter,
    ahead: Counter,
    displaced: Counter,
    pub(super) foreign: Counter,
    malformed: Counter,
    forged: Counter,
    wrong_transport: Counter,
    unknown: Counter,
    expired: Counter,
    ended: Counter,
    reused: Counter,
    pub(super) store_failures: Counter,
}

impl Sessions {
    /// What they have come to. Clones count together, also those that have other settings.
    #[must_use]
    pub fn counts(&self) -> SessionCounts {
        let counters = &self.0.counters;
        SessionCounts {
            begun: counters.begun.get(),
            rotated: counters.rotated.get(),
            replayed: counters.replayed.get(),
            ahead: counters.ahead.get(),
            displaced: counters.displaced.get(),
            foreign: counters.foreign.get(),
            malformed: counters.malformed.get(),
            forged: counters.forged.get(),
            wrong_transport: counters.wrong_transport.get(),
            unknown: counters.unknown.get(),
            expired: counters.expired.get(),
            ended: counters.ended.get(),
            reused: counters.reused.get(),
            store_failures: counters.store_failures.get(),
        }
    }
}

impl Counters {
    pub(super) fn renewed(&self, kind: RenewalKind) {
        match kind {
            RenewalKind::Rotated => self.rotated.count(),
            RenewalKind::Replayed => self.replayed.count(),
            RenewalKind::Ahead => self.ahead.count(),
            RenewalKind::Displaced => self.displaced.count(),
        }
    }

    /// Counts why a session is not renewed, and gives it back.
    pub(super) fn refused(&self, error: RefreshError) -> RefreshError {
        match &error {
            RefreshError::Malformed => self.malformed.count(),
            RefreshError::Forged => self.forged.count(),
            RefreshError::WrongTransport => self.wrong_transport.count(),
            RefreshError::Unknown => self.unknown.count(),
            RefreshError::Expired(_) => self.expired.count(),
            RefreshError::Ended(_) => self.ended.count(),
            RefreshError::Reuse => self.reused.count(),
            RefreshError::Store(_) => self.store_failures.count(),
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{ForeignReplays, Issued, Login, SessionSettings, Transport};
    use super::*;
use crate::sessions::tokens::{RefreshKey, RefreshKeys, RefreshToken};
use crate::store::RotationPolicy;
    use crate::session::{StoreClock, UnixMillis};
    use crate::session::EndReason;
use crate::store::MemoryStore;

    const WINDOW: Duration = Duration::from_secs(60);

    fn keys(secret: &[u8]) -> RefreshKeys {
        RefreshKeys::new(RefreshKey::new(1, secret).unwrap())
    }

    fn ours() -> RefreshKeys {
        keys(b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o")
    }

    struct World {
        sessions: Sessions,
        clock: StoreClock,
        before: SessionCounts,
    }

    impl World {
        fn new(settings: SessionSettings) -> Self {
            let clock = StoreClock::by_hand(UnixMillis::from_millis(1_700_000_000_000));
            let store = MemoryStore::new().with_clock(clock.clone());
            let sessions =
                Sessions::new(store, ours(), WINDOW).with_clock(clock.clone()).with_settings(settings);
            Self { sessions, clock, before: SessionCounts::default() }
        }

        async fn log_in(&mut self) -> Issued {
            let issued = self.sessions.create(&Login::new("alice").with_client("Firefox")).await.unwrap();
            self.expect(SessionCounts { begun: 1, ..SessionCounts::default() });
            issued
        }

        async fn present(&self, token: &RefreshToken, client: &str) -> Result<Issued, RefreshError> {
            self.sessions.rotate(&token.expose(), Transport::Body, Some(client)).await
        }

        /// That nothing but `more` was counted since it was asked last.
        #[track_caller]
        fn expect(&mut self, more: SessionCounts) {
            let now = self.sessions.counts();
            let counted =
                parts(now).into_iter().zip(parts(self.before)).map(|(now, then)| now.saturating_sub(then));
            assert!(counted.eq(parts(more)), "{:?}, then {now:?}", self.before);
            self.before = now;
        }
    }

    fn parts(counts: SessionCounts) -> [u64; 14] {
        [
            counts.begun,
            counts.rotated,
            counts.replayed,
            counts.ahead,
            counts.displaced,
            counts.foreign,
            counts.malformed,
            counts.forged,
            counts.wrong_transport,
            counts.unknown,
            counts.expired,
            counts.ended,
            counts.reused,
            counts.store_failures,
        ]
    }

    #[tokio::test]
    async fn each_renewal_counts_once() {
        let recover = RotationPolicy::default().with_recovery(WINDOW * 10);
        let mut world = World::new(SessionSettings::default().with_rotation(recover));
        let login = world.log_in().await.refresh_token;
        world.clock.advance(WINDOW);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { replayed: 1, ..SessionCounts::default() });
        world.present(&login, "Chrome").await.unwrap();
        world.expect(SessionCounts { replayed: 1, foreign: 1, ..SessionCounts::default() });
        world.clock.advance(WINDOW);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { displaced: 1, ..SessionCounts::default() });
        world.present(&ours().successor(&login, 9), "Firefox").await.unwrap();
        world.expect(SessionCounts { ahead: 1, ..SessionCounts::default() });
    }

    #[tokio::test]
    async fn each_refusal_counts_once() {
        let mut world = World::new(SessionSettings::default());
        let login = world.log_in().await;
        let token = &login.refresh_token;
        assert!(world.sessions.rotate("rt1_", Transport::Body, None).await.is_err());
        world.expect(SessionCounts { malformed: 1, ..SessionCounts::default() });
        let forged = keys(b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw").successor(token, 1);
        assert!(world.present(&forged, "Firefox").await.is_err());
        world.expect(SessionCounts { forged: 1, ..SessionCounts::default() });
        assert!(world.sessions.logout(&forged.expose()).await.is_err());
        world.expect(SessionCounts { forged: 1, ..SessionCounts::default() });
        assert!(world.sessions.rotate(&token.expose(), Transport::Cookie, None).await.is_err());
        world.expect(SessionCounts { wrong_transport: 1, ..SessionCounts::default() });
        let elsewhere = World::new(SessionSettings::default()).log_in().await;
        assert!(world.present(&elsewhere.refresh_token, "Firefox").await.is_err());
        world.expect(SessionCounts { unknown: 1, ..SessionCounts::default() });
        let mut next = token.clone();
        for _ in 0..2 {
            world.clock.advance(WINDOW);
            next = world.present(&next, "Firefox").await.unwrap().refresh_token;
            world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        }
        assert!(world.present(token, "Firefox").await.is_err());
        world.expect(SessionCounts { reused: 1, ..SessionCounts::default() });
        assert!(world.present(&next, "Firefox").await.is_err());
        world.expect(SessionCounts { ended: 1, ..SessionCounts::default() });
        let idle = world.log_in().await.refresh_token;
        world.clock.advance(WINDOW * 60 * 24 * 15);
        assert!(world.present(&idle, "Firefox").await.is_err());
        world.expect(SessionCounts { expired: 1, ..SessionCounts::default() });
        world.sessions.revoke_all("alice", EndReason::Logout).await.unwrap();
        world.expect(SessionCounts::default());
    }

    #[tokio::test]
    async fn what_ends_by_a_foreign_replay_is_no_renewal() {
        let mut world = World::new(SessionSettings::default().with_foreign_replays(ForeignReplays::End));
        let login = world.log_in().await.refresh_token;
        world.clock.advance(WINDOW);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        assert!(world.present(&login, "Chrome").await.is_err());
        world.expect(SessionCounts { foreign: 1, reused: 1, ..SessionCounts::default() });
        // Clones count together, whatever their settings.
        let other = world.sessions.clone().with_settings(SessionSettings::default());
        assert!(other.rotate("rt1_", Transport::Body, None).await.is_err());
        world.expect(SessionCounts { malformed: 1, ..SessionCounts::default() });
    }
}
