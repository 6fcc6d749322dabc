//! Redis: the suite on a real server; many steps against the model; processes that share it; servers that fail, lag, and
//! are killed.

mod agreement;
mod crashes;
mod failures;
mod feed;
mod replicas;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use libtest_mimic::Trial;
use tollgate_conformance::redis::{RedisServer, is_installed};
use tollgate_conformance::services;
use tollgate_sessions::{
    EndReason, Login, RedisStore, RefreshError, SessionStore, StoreClock, Transport, open_store,
};

use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let shared = Arc::new(Shared(LazyLock::new(|| RedisServer::start(&[]))));
    let server = Arc::clone(&shared);
    let mut trials = crate::suite("redis", move |clock| Arc::new(server.store(clock)));
    let on_shared: [(&str, fn(&Shared)); 5] = [
        ("agrees_with_memory", agreement::with_memory),
        ("what_is_over_vanishes_by_itself", agreement::expiry),
        ("concurrent_ends_leave_nobody", agreement::concurrent_ends),
        ("announcements_are_heard", feed::heard),
        ("an_announcement_that_was_cut_off", feed::cut_off),
    ];
    for (name, body) in on_shared {
        let shared = Arc::clone(&shared);
        trials.push(crate::trial(format!("redis::{name}"), move || body(&shared)));
    }
    let alone: [(&str, fn()); 17] = [
        ("two_processes_share_a_server", two_processes),
        ("what_was_said_survives_sigkill", crashes::killed),
        ("a_lagging_replica_is_promoted", replicas::lagging),
        ("an_end_that_a_replica_has_holds", replicas::caught_up),
        ("a_replica_takes_no_writes", replicas::read_only),
        ("a_replica_decides_nothing", replicas::demoted),
        ("a_primary_without_its_replicas_renews_nothing", replicas::cut_off),
        ("durability_without_replicas", replicas::alone),
        ("a_server_that_is_gone_and_comes_back", failures::gone),
        ("a_frozen_server", failures::frozen),
        ("scripts_that_were_forgotten", failures::scripts),
        ("memory_that_is_full", failures::full),
        ("data_of_others", failures::others),
        ("passwords_are_not_told", failures::passwords),
        ("tls", failures::tls),
        ("a_cluster_sees_one_slot_a_script", failures::cluster),
        ("a_feed_that_went_back", feed::went_back),
    ];
    trials.extend(alone.map(|(name, body)| crate::trial(format!("redis::{name}"), body)));
    let missing = !is_installed() && !services::required();
    trials.into_iter().map(|trial| trial.with_ignored_flag(missing)).collect()
}

/// A server for tests that need not have one of their own. It ends with the last of them.
struct Shared(LazyLock<RedisServer>);

impl Shared {
    /// A store that is empty.
    fn store(&self, clock: StoreClock) -> RedisStore {
        store(&self.0, &self.prefix()).with_clock(clock)
    }

    fn prefix(&self) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        format!("test-{}:", COUNT.fetch_add(1, Ordering::Relaxed))
    }
}

fn store(server: &RedisServer, prefix: &str) -> RedisStore {
    RedisStore::open(&server.url()).expect("a URL").with_prefix(prefix)
}

/// The other process renews and ends sessions; this one finds them as they are said to be, and writes too.
fn two_processes() {
    let server = RedisServer::start(&[]);
    let store = open_store(&server.url()).expect("a store");
    let child = Rotating::start(server.url());
    crate::runtime().block_on(async {
        child::beside(child, &sessions(store)).await;
        races(&server).await;
    });
}

/// Two stores, as two processes have them, and the same token on both at once.
async fn races(server: &RedisServer) {
    let (here, there) =
        (open_store(&server.url()).expect("a store"), open_store(&server.url()).expect("a store"));
    for racers in [2_usize, 8, 64, 256] {
        let (here, there) = (sessions(Arc::clone(&here)), sessions(Arc::clone(&there)));
        let token = here.create(&Login::new("bob")).await.expect("a login").refresh_token.expose();
        let tasks: Vec<_> = (0..racers)
            .map(|racer| {
                let sessions = if racer % 2 == 0 { here.clone() } else { there.clone() };
                let token = token.clone();
                tokio::spawn(async move { sessions.rotate(&token, Transport::Body, None).await })
            })
            .collect();
        let mut renewed = 0;
        for task in tasks {
            match task.await.expect("it ends") {
                Ok(_) => renewed += 1,
                // Without a window a token is good once, but equal questions of one process share an answer.
                Err(RefreshError::Reuse | RefreshError::Ended(EndReason::Reuse)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!((1..=racers.div_ceil(2)).contains(&renewed), "{renewed} of {racers}, on one side");
    }
}

/// The live sessions of `subject`.
async fn listed(store: &dyn SessionStore, subject: &str) -> usize {
    store.list(subject, 1000).await.expect("a list").len()
}
