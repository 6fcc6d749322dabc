//! What every [`SessionStore`] has to do, as cases that panic where one does not.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate_sessions::MemoryStore;
//! use tollgate_testing::store_suite::{CASES, StoreUnderTest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! for case in CASES {
//!     // Each case gets an empty store that goes by the clock it is given.
//!     let subject = StoreUnderTest::new(|clock| Arc::new(MemoryStore::new().with_clock(clock)));
//!     case.run(subject).await;
//! }
//! # }
//! ```

#![expect(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod contract;
mod ends;
mod model;
mod races;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tollgate_sessions::{
    EndReason, FeedCursor, MemoryStore, NewSession, RenewalKind, Revocation, Revoke, RevokeScope, Revoked,
    Rotate, Rotation, RotationPolicy, SecretHash, SessionId, SessionStore, SessionView, StoreClock,
};

/// One thing that a store has to do.
#[derive(Clone, Copy, Debug)]
pub struct StoreCase {
    name: &'static str,
    body: fn(StoreUnderTest) -> CaseFuture,
}

type CaseFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

impl StoreCase {
    /// Its name, in words with underscores.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it; needs a Tokio runtime, with several threads for the races to be any.
    ///
    /// # Panics
    /// When the store does something else.
    pub async fn run(&self, store: StoreUnderTest) {
        (self.body)(store).await;
    }
}

macro_rules! cases {
    ($($module:ident::$name:ident,)*) => {
        /// All cases.
        pub const CASES: &[StoreCase] = &[$(
            StoreCase { name: stringify!($name), body: |store| Box::pin($module::$name(store)) },
        )*];
    };
}

cases! {
    contract::a_session_goes_on_and_ends_with_reuse,
    contract::creating_again_changes_nothing,
    contract::unknown_and_wrong_secret_are_the_same,
    contract::nothing_but_create_adds_a_session,
    contract::limits_hold_to_the_millisecond,
    contract::a_clock_that_steps_back_logs_nobody_out,
    contract::ahead_of_the_store,
    contract::displacement_where_it_is_wanted,
    contract::lists_are_of_live_sessions_last_renewed_first,
    contract::purging_takes_no_live_session,
    ends::an_end_holds_within_the_window,
    ends::only_its_owner_ends_a_session,
    ends::all_of_a_subject_in_one_step,
    ends::all_but_one,
    ends::everything,
    ends::ends_are_announced,
    ends::announcements_fill_many_pages,
    model::agrees_with_the_model,
    races::one_rotation_and_one_successor,
    races::no_survivor_of_a_logout,
    races::no_survivor_of_a_logout_everywhere,
    races::what_one_keeps_another_ends,
    races::sessions_do_not_mix,
}

/// A store, and the clock that it goes by.
#[derive(Clone, Debug)]
pub struct StoreUnderTest {
    store: Arc<dyn SessionStore>,
    clock: StoreClock,
}

impl StoreUnderTest {
    /// What `make` makes: an empty store, by a clock that starts at the present and is moved by hand.
    pub fn new(make: impl FnOnce(StoreClock) -> Arc<dyn SessionStore>) -> Self {
        let clock = StoreClock::by_hand(StoreClock::of_the_store().now());
        Self { store: make(clock.clone()), clock }
    }

    fn memory(clock: StoreClock) -> Self {
        Self { store: Arc::new(MemoryStore::new().with_clock(clock.clone())), clock }
    }

    async fn begin(&self, subject: &str) -> NewSession {
        let new = self.unborn(subject);
        self.store.create(&new).await.unwrap();
        new
    }

    fn unborn(&self, subject: &str) -> NewSession {
        let session = SessionId::generate(self.clock.now()).unwrap();
        let mut secret = [0; 32];
        for (place, byte) in secret.iter_mut().zip(session.as_bytes().iter().cycle()) {
            *place = byte ^ 0x5a;
        }
        NewSession {
            session,
            subject: subject.into(),
            secret_hash: SecretHash::from_bytes(secret),
            idle: HOUR * 24 * 14,
            absolute: HOUR * 24 * 30,
            fingerprint: None,
            meta: Some(r#"{"device":"phone"}"#.into()),
        }
    }

    async fn rotate(&self, session: &NewSession, generation: u32) -> Rotation {
        self.store.rotate(&rotate(session, generation)).await.unwrap()
    }

    async fn revoke(&self, scope: RevokeScope) -> Revoked {
        let command = Revoke { scope, reason: EndReason::Logout, announce_for: HOUR };
        self.store.revoke(&command).await.unwrap()
    }

    async fn logout(&self, session: &NewSession) -> Revoked {
        self.revoke(RevokeScope::Session { session: session.session, owner: None }).await
    }

    async fn logout_everywhere(&self, subject: &str) -> Revoked {
        self.revoke(RevokeScope::Subject { subject: subject.into(), keep: None }).await
    }

    async fn list(&self, subject: &str) -> Vec<SessionView> {
        self.store.list(subject, 1000).await.unwrap()
    }

    /// What was announced after `cursor`, and where to go on.
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

    /// Leaves the window.
    fn pass_window(&self) {
        self.clock.advance(Duration::from_secs(31));
    }
}

fn rotate(session: &NewSession, generation: u32) -> Rotate {
    Rotate {
        session: session.session,
        generation,
        secret_hash: session.secret_hash,
        fingerprint: None,
        policy: RotationPolicy::default(),
        idle: session.idle,
        announce_for: HOUR,
    }
}

/// How the session was renewed, and its generation since.
#[track_caller]
fn live(rotation: &Rotation) -> (RenewalKind, u32) {
    match rotation {
        Rotation::Live(renewed) => (renewed.kind, renewed.session.generation),
        other => panic!("not live: {other:?}"),
    }
}

fn is_live(rotation: &Rotation) -> bool {
    matches!(rotation, Rotation::Live(_))
}

const HOUR: Duration = Duration::from_secs(3600);
