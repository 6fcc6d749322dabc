//! The contract of [`SessionStore`] as test cases. A case panics when the store breaks the contract.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate_sessions::store::MemoryStore;
//! use tollgate_testing::store_suite::{CASES, StoreUnderTest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! for case in CASES {
//!     // Each case gets an empty store that takes the time from the given clock.
//!     let subject = StoreUnderTest::new(|clock| Arc::new(MemoryStore::new().with_clock(clock)));
//!     case.run(subject).await;
//! }
//! # }
//! ```

#![expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed case panics"
)]

mod contract;
mod model;
mod races;
mod revocations;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::session::{
    Lifetimes, NewSession, RevokeReason, SecretHash, SessionId, SessionInfo, StoreClock,
};
use tollgate_sessions::store::{
    FeedCursor, MemoryStore, RefreshKind, RefreshPolicy, Revocation, RevokeOutcome, RevokeRequest,
    RevokeScope, RotateLifetimes, RotateMode, RotateOutcome, RotateRequest, SessionStore,
};

/// A test case of the contract.
#[derive(Clone, Copy, Debug)]
pub struct StoreCase {
    name: &'static str,
    body: fn(StoreUnderTest) -> CaseFuture,
}

type CaseFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

impl StoreCase {
    /// Returns the name of the case, in snake case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case on a Tokio runtime. Cases with concurrent calls need a multi-threaded runtime.
    ///
    /// # Panics
    /// Panics when the store breaks the contract.
    pub async fn run(&self, store: StoreUnderTest) {
        (self.body)(store).await;
    }
}

macro_rules! cases {
    ($($module:ident::$name:ident,)*) => {
        /// All cases of the contract.
        pub const CASES: &[StoreCase] = &[$(
            StoreCase { name: stringify!($name), body: |store| Box::pin($module::$name(store)) },
        )*];
    };
}

cases! {
    contract::session_rotates_and_is_revoked_at_reuse,
    contract::create_repeated_changes_nothing,
    contract::wrong_secret_looks_like_an_unknown_session,
    contract::no_call_but_create_adds_a_session,
    contract::lifetimes_hold_to_the_millisecond,
    contract::clock_that_steps_back_expires_no_session,
    contract::newer_token_rotates_unless_refused_by_policy,
    contract::previous_token_recovers_within_the_recovery_period,
    contract::list_has_live_sessions_last_refreshed_first,
    contract::purge_removes_no_live_session,
    contract::preview_of_a_good_token_writes_nothing,
    contract::preview_rejects_what_a_commit_rejects,
    contract::purge_brings_no_revoked_session_back,
    revocations::revocation_holds_during_the_grace_period,
    revocations::session_is_revoked_by_its_owner_only,
    revocations::subject_revocation_covers_all_its_sessions,
    revocations::subject_revocation_keeps_the_named_session,
    revocations::global_revocation_covers_all_subjects,
    revocations::revocations_are_announced,
    revocations::announcements_are_read_page_by_page,
    model::store_agrees_with_the_memory_store,
    races::racing_refreshes_rotate_once_to_one_successor,
    races::logout_racing_refreshes_leaves_no_live_session,
    races::subject_revocation_racing_refreshes_leaves_no_live_session,
    races::racing_subject_revocations_keep_only_sessions_that_both_keep,
    races::racing_refreshes_of_different_sessions_do_not_mix,
}

/// The store that a case tests, and the manual clock of that store.
#[derive(Clone, Debug)]
pub struct StoreUnderTest {
    store: Arc<dyn SessionStore>,
    clock: StoreClock,
}

impl StoreUnderTest {
    /// Calls `make` with a manual clock that starts at the current time. `make` must return an empty store that
    /// uses this clock.
    pub fn new(make: impl FnOnce(StoreClock) -> Arc<dyn SessionStore>) -> Self {
        let clock = StoreClock::manual(StoreClock::server().now());
        Self { store: make(clock.clone()), clock }
    }

    fn memory(clock: StoreClock) -> Self {
        Self { store: Arc::new(MemoryStore::new().with_clock(clock.clone())), clock }
    }

    async fn begin(&self, subject: &str) -> NewSession {
        let new = self.new_session(subject);
        self.store.create(&new).await.unwrap();
        new
    }

    fn new_session(&self, subject: &str) -> NewSession {
        let session = SessionId::generate(self.clock.now()).unwrap();
        let mut secret = [0; 32];
        for (slot, byte) in secret.iter_mut().zip(session.as_bytes().iter().cycle()) {
            *slot = byte ^ 0x5a;
        }
        let lifetimes = Lifetimes::new(HOUR * 24 * 14, HOUR * 24 * 30).unwrap();
        NewSession::new(session, subject, SecretHash::from_bytes(secret), lifetimes)
            .with_meta(Some(r#"{"device":"phone"}"#.into()))
    }

    fn new_session_with(&self, subject: &str, idle: Duration, absolute: Duration) -> NewSession {
        let mut new = self.new_session(subject);
        new.lifetimes = Lifetimes::new(idle, absolute).unwrap();
        new
    }

    async fn rotate(&self, session: &NewSession, generation: u32) -> RotateOutcome {
        self.store.rotate(&rotate(session, generation)).await.unwrap()
    }

    async fn revoke(&self, scope: RevokeScope) -> RevokeOutcome {
        let request = RevokeRequest::new(scope, RevokeReason::Logout, HOUR);
        self.store.revoke(&request).await.unwrap()
    }

    async fn logout(&self, session: &NewSession) -> RevokeOutcome {
        self.revoke(RevokeScope::Session { session: session.session, owner: None }).await
    }

    async fn logout_everywhere(&self, subject: &str) -> RevokeOutcome {
        self.revoke(RevokeScope::Subject { subject: subject.into(), keep: None }).await
    }

    async fn list(&self, subject: &str) -> Vec<SessionInfo> {
        self.store.list(subject, 1000).await.unwrap()
    }

    /// Returns the announcements after `cursor`, and the position to read on from.
    async fn announced(&self, cursor: Option<FeedCursor>) -> (Vec<Revocation>, FeedCursor) {
        let mut found = Vec::new();
        let mut cursor = cursor;
        loop {
            let page = self.store.revocations(cursor.as_ref()).await.unwrap();
            found.extend(page.entries.into_iter().map(|entry| entry.revocation));
            cursor = Some(page.cursor.clone());
            if !page.more {
                return (found, page.cursor);
            }
        }
    }

    /// Waits until the grace period has passed.
    fn pass_grace_period(&self) {
        self.clock.advance(Duration::from_secs(31));
    }
}

fn rotate(session: &NewSession, generation: u32) -> RotateRequest {
    let lifetimes = RotateLifetimes { idle: session.lifetimes.idle(), announce_for: HOUR };
    RotateRequest::new(session.session, generation, session.secret_hash, lifetimes)
}

/// Returns how the session was refreshed, and its generation afterwards.
#[track_caller]
fn live(outcome: &RotateOutcome) -> (RefreshKind, u32) {
    match outcome {
        RotateOutcome::Live(refreshed) => (refreshed.kind, refreshed.session.generation),
        other => panic!("not live: {other:?}"),
    }
}

fn is_live(outcome: &RotateOutcome) -> bool {
    matches!(outcome, RotateOutcome::Live(_))
}

const HOUR: Duration = Duration::from_secs(3600);
