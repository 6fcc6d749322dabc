//! [`SessionCounts`]: how often each kind of session event has occurred.

use super::{RefreshError, Sessions};
use crate::store::RefreshKind;
use crate::support::Counter;

/// How often each session event has occurred since the process began, for a dashboard.
///
/// Each refresh counts, also when several clients present the same token at the same time.
/// [`store_behind`](Self::store_behind) should stay zero: it means that the store has lost writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCounts {
    /// Sessions that began.
    pub begun: u64,
    /// Refreshes in which the session rotated.
    pub rotated: u64,
    /// Refreshes during the grace period that returned the same refresh token again.
    pub replayed: u64,
    /// Refreshes with a token that was newer than the store's.
    pub store_behind: u64,
    /// Refreshes in which the previous token rotated the session, in place of the current one.
    pub recovered: u64,
    /// Replays of an answer to another client than before. They count as refreshes too, unless they revoke the
    /// session.
    pub client_mismatches: u64,
    /// Rejected texts that were no refresh token.
    pub malformed: u64,
    /// Rejected refresh tokens that were made with none of the [`RefreshKeys`](crate::RefreshKeys).
    pub forged: u64,
    /// Rejected refresh tokens that were presented by another transport than they were issued for.
    pub wrong_transport: u64,
    /// Rejected refresh tokens of sessions that the store does not have.
    pub unknown: u64,
    /// Rejected refresh tokens of sessions that had expired.
    pub expired: u64,
    /// Rejected refresh tokens of sessions that had been revoked.
    pub revoked: u64,
    /// Refresh tokens that were used a second time, after the grace period. Each revoked its session.
    pub reused: u64,
    /// Calls that the store did not answer, after a retry where one makes sense.
    pub store_failures: u64,
}

/// The counters behind [`SessionCounts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) begun: Counter,
    rotated: Counter,
    replayed: Counter,
    store_behind: Counter,
    recovered: Counter,
    pub(super) client_mismatches: Counter,
    malformed: Counter,
    forged: Counter,
    wrong_transport: Counter,
    unknown: Counter,
    expired: Counter,
    revoked: Counter,
    reused: Counter,
    pub(super) store_failures: Counter,
}

impl Sessions {
    /// Returns how often each session event has occurred. Clones share their counters, also clones with other
    /// settings.
    #[must_use]
    pub fn counts(&self) -> SessionCounts {
        let counters = &self.0.counters;
        SessionCounts {
            begun: counters.begun.get(),
            rotated: counters.rotated.get(),
            replayed: counters.replayed.get(),
            store_behind: counters.store_behind.get(),
            recovered: counters.recovered.get(),
            client_mismatches: counters.client_mismatches.get(),
            malformed: counters.malformed.get(),
            forged: counters.forged.get(),
            wrong_transport: counters.wrong_transport.get(),
            unknown: counters.unknown.get(),
            expired: counters.expired.get(),
            revoked: counters.revoked.get(),
            reused: counters.reused.get(),
            store_failures: counters.store_failures.get(),
        }
    }
}

impl Counters {
    pub(super) fn refreshed(&self, kind: RefreshKind) {
        match kind {
            RefreshKind::Rotated => self.rotated.count(),
            RefreshKind::Replayed => self.replayed.count(),
            RefreshKind::StoreBehind => self.store_behind.count(),
            RefreshKind::Recovered => self.recovered.count(),
        }
    }

    /// Counts why a refresh was refused, and returns it.
    pub(super) fn refused(&self, error: RefreshError) -> RefreshError {
        match &error {
            RefreshError::Malformed => self.malformed.count(),
            RefreshError::Forged => self.forged.count(),
            RefreshError::WrongTransport => self.wrong_transport.count(),
            RefreshError::Unknown => self.unknown.count(),
            RefreshError::Expired(_) => self.expired.count(),
            RefreshError::Revoked(_) => self.revoked.count(),
            RefreshError::Reuse => self.reused.count(),
            RefreshError::Store(_) => self.store_failures.count(),
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{ClientMismatch, IssuedSession, Login, SessionSettings, TokenTransport};
    use super::*;
    use crate::session::RevokeReason;
    use crate::session::{StoreClock, UnixMillis};
    use crate::sessions::tokens::{RefreshKey, RefreshKeys, RefreshToken};
    use crate::store::MemoryStore;
    use crate::store::RefreshPolicy;

    const GRACE_PERIOD: Duration = Duration::from_secs(60);

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
            let clock = StoreClock::manual(UnixMillis::from_millis(1_700_000_000_000));
            let store = MemoryStore::new().with_clock(clock.clone());
            let sessions =
                Sessions::new(store, ours(), GRACE_PERIOD).with_clock(clock.clone()).with_settings(settings);
            Self { sessions, clock, before: SessionCounts::default() }
        }

        async fn log_in(&mut self) -> IssuedSession {
            let issued = self.sessions.create(&Login::new("alice").with_client("Firefox")).await.unwrap();
            self.expect(SessionCounts { begun: 1, ..SessionCounts::default() });
            issued
        }

        async fn present(&self, token: &RefreshToken, client: &str) -> Result<IssuedSession, RefreshError> {
            self.sessions.refresh(&token.expose(), TokenTransport::Body, Some(client)).await
        }

        /// Asserts that exactly `more` was counted since the last call.
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
            counts.store_behind,
            counts.recovered,
            counts.client_mismatches,
            counts.malformed,
            counts.forged,
            counts.wrong_transport,
            counts.unknown,
            counts.expired,
            counts.revoked,
            counts.reused,
            counts.store_failures,
        ]
    }

    #[tokio::test]
    async fn counts_record_each_refresh_once() {
        let recover = RefreshPolicy::default().with_recovery_period(GRACE_PERIOD * 10).unwrap();
        let mut world = World::new(SessionSettings::default().with_refresh_policy(recover));
        let login = world.log_in().await.refresh_token;
        world.clock.advance(GRACE_PERIOD);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { replayed: 1, ..SessionCounts::default() });
        world.present(&login, "Chrome").await.unwrap();
        world.expect(SessionCounts { replayed: 1, client_mismatches: 1, ..SessionCounts::default() });
        world.clock.advance(GRACE_PERIOD);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { recovered: 1, ..SessionCounts::default() });
        world.present(&ours().successor(&login, 9), "Firefox").await.unwrap();
        world.expect(SessionCounts { store_behind: 1, ..SessionCounts::default() });
    }

    #[tokio::test]
    async fn counts_record_each_rejection_once() {
        let mut world = World::new(SessionSettings::default());
        let login = world.log_in().await;
        let token = &login.refresh_token;
        assert!(world.sessions.refresh("rt1_", TokenTransport::Body, None).await.is_err());
        world.expect(SessionCounts { malformed: 1, ..SessionCounts::default() });
        let forged = keys(b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw").successor(token, 1);
        assert!(world.present(&forged, "Firefox").await.is_err());
        world.expect(SessionCounts { forged: 1, ..SessionCounts::default() });
        assert!(world.sessions.logout(&forged.expose()).await.is_err());
        world.expect(SessionCounts { forged: 1, ..SessionCounts::default() });
        assert!(world.sessions.refresh(&token.expose(), TokenTransport::Cookie, None).await.is_err());
        world.expect(SessionCounts { wrong_transport: 1, ..SessionCounts::default() });
        let of_another_store = World::new(SessionSettings::default()).log_in().await;
        assert!(world.present(&of_another_store.refresh_token, "Firefox").await.is_err());
        world.expect(SessionCounts { unknown: 1, ..SessionCounts::default() });
        let mut next = token.clone();
        for _ in 0..2 {
            world.clock.advance(GRACE_PERIOD);
            next = world.present(&next, "Firefox").await.unwrap().refresh_token;
            world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        }
        assert!(world.present(token, "Firefox").await.is_err());
        world.expect(SessionCounts { reused: 1, ..SessionCounts::default() });
        assert!(world.present(&next, "Firefox").await.is_err());
        world.expect(SessionCounts { revoked: 1, ..SessionCounts::default() });
        let idle = world.log_in().await.refresh_token;
        world.clock.advance(GRACE_PERIOD * 60 * 24 * 15);
        assert!(world.present(&idle, "Firefox").await.is_err());
        world.expect(SessionCounts { expired: 1, ..SessionCounts::default() });
        world.sessions.revoke_all("alice", RevokeReason::Logout).await.unwrap();
        world.expect(SessionCounts::default());
    }

    #[tokio::test]
    async fn counts_record_no_refresh_when_a_client_mismatch_revokes_the_session() {
        let mut world = World::new(SessionSettings::default().with_client_mismatch(ClientMismatch::Revoke));
        let login = world.log_in().await.refresh_token;
        world.clock.advance(GRACE_PERIOD);
        world.present(&login, "Firefox").await.unwrap();
        world.expect(SessionCounts { rotated: 1, ..SessionCounts::default() });
        assert!(world.present(&login, "Chrome").await.is_err());
        world.expect(SessionCounts { client_mismatches: 1, reused: 1, ..SessionCounts::default() });
        // Clones share their counters, also with other settings.
        let other = world.sessions.clone().with_settings(SessionSettings::default());
        assert!(other.refresh("rt1_", TokenTransport::Body, None).await.is_err());
        world.expect(SessionCounts { malformed: 1, ..SessionCounts::default() });
    }
}
