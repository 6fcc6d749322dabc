//! Redis: the suite on a real server, random steps compared with a model, several processes on one server, and servers
//! that fail, lag or get killed.

mod agreement;
mod crashes;
mod failures;
mod feed;
mod replicas;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use libtest_mimic::Trial;
use tollgate_sessions::session::{RevokeReason, StoreClock};
use tollgate_sessions::sessions::{RefreshError, TokenTransport};
use tollgate_sessions::store::{RedisStore, SessionStore};
use tollgate_sessions::{Login, open_store};
use tollgate_tests::redis::{RedisServer, is_installed};
use tollgate_tests::services;

use crate::child::{self, Rotating, sessions};

pub fn trials() -> Vec<Trial> {
    let shared = Arc::new(Shared(LazyLock::new(|| RedisServer::start(&[]))));
    let server = Arc::clone(&shared);
    let mut trials = crate::suite("redis", move |clock| Arc::new(server.store(clock)));
    let on_shared: [(&str, fn(&Shared)); 5] = [
        ("scripts_agree_with_the_memory_store", agreement::scripts_agree_with_the_memory_store),
        ("redis_removes_expired_sessions", agreement::redis_removes_expired_sessions),
        ("concurrent_revocations_leave_no_session", agreement::concurrent_revocations_leave_no_session),
        ("announcements_reach_other_stores", feed::announcements_reach_other_stores),
        ("interrupted_announcement_is_repeated", feed::interrupted_announcement_is_repeated),
    ];

    for (name, body) in on_shared {
        let shared = Arc::clone(&shared);
        trials.push(crate::trial(format!("redis::{name}"), move || body(&shared)));
    }

    let alone: [(&str, fn()); 17] = [
        ("two_processes_share_a_server", two_processes_share_a_server),
        ("acknowledged_writes_survive_sigkill", crashes::acknowledged_writes_survive_sigkill),
        (
            "promoted_lagging_replica_accepts_newer_tokens",
            replicas::promoted_lagging_replica_accepts_newer_tokens,
        ),
        ("durable_revocation_survives_a_failover", replicas::durable_revocation_survives_a_failover),
        ("replica_is_unavailable_until_promoted", replicas::replica_is_unavailable_until_promoted),
        ("demoted_server_decides_nothing", replicas::demoted_server_decides_nothing),
        ("isolated_primary_refreshes_nothing", replicas::isolated_primary_refreshes_nothing),
        (
            "durability_depends_on_the_disk_without_replicas",
            replicas::durability_depends_on_the_disk_without_replicas,
        ),
        (
            "store_recovers_after_a_restart_of_the_server",
            failures::store_recovers_after_a_restart_of_the_server,
        ),
        ("calls_time_out_on_a_frozen_server", failures::calls_time_out_on_a_frozen_server),
        ("store_reloads_flushed_scripts", failures::store_reloads_flushed_scripts),
        ("full_server_is_unavailable", failures::full_server_is_unavailable),
        ("store_leaves_foreign_data_alone", failures::store_leaves_foreign_data_alone),
        ("errors_do_not_print_passwords", failures::errors_do_not_print_passwords),
        ("store_verifies_tls_certificates", failures::store_verifies_tls_certificates),
        ("cluster_accepts_every_script", failures::cluster_accepts_every_script),
        ("feed_restarts_when_the_stream_goes_back", feed::feed_restarts_when_the_stream_goes_back),
    ];
    trials.extend(alone.map(|(name, body)| crate::trial(format!("redis::{name}"), body)));
    let missing = !is_installed() && !services::required();
    trials.into_iter().map(|trial| trial.with_ignored_flag(missing)).collect()
}

/// The server of the tests that can share one. It stops with the last of them.
struct Shared(LazyLock<RedisServer>);

impl Shared {
    /// Returns an empty store.
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

/// A child refreshes and revokes sessions. This process checks and revokes them on the same server.
fn two_processes_share_a_server() {
    let server = RedisServer::start(&[]);
    let store = open_store(&server.url()).expect("a store");
    let child = Rotating::start(server.url());
    crate::runtime().block_on(async {
        child::beside(child, &sessions(store)).await;
        races(&server).await;
    });
}

/// Presents one token many times at once to two stores, as two processes would.
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
                tokio::spawn(async move { sessions.refresh(&token, TokenTransport::Body, None).await })
            })
            .collect();
        let mut refreshed = 0;

        for task in tasks {
            match task.await.expect("it ends") {
                Ok(_) => refreshed += 1,
                // Without a grace period a token is valid once, but equal calls of one process share a response.
                Err(RefreshError::Reuse | RefreshError::Revoked(RevokeReason::Reuse)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(
            (1..=racers.div_ceil(2)).contains(&refreshed),
            "{refreshed} of {racers} succeeded: only those of one store may"
        );
    }
}

/// Returns the number of live sessions of `subject`.
async fn listed(store: &dyn SessionStore, subject: &str) -> usize {
    store.list(subject, 1000).await.expect("a list").len()
}
