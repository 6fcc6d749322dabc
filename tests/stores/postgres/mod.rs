//! PostgreSQL: the suite, several stores and processes on one database, and failing servers.

mod failures;
mod sharing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tokio_postgres::{Client, NoTls};
use tollgate_sessions::session::{Lifetimes, NewSession, SecretHash, SessionId, StoreClock};
use tollgate_sessions::store::{PostgresStore, RefreshPolicy, RotateLifetimes, RotateRequest, SessionStore};
use tollgate_tests::postgres::PostgresServer;
use tollgate_tests::services;

pub fn trials() -> Vec<Trial> {
    if !PostgresServer::is_installed() {
        let message = "PostgreSQL is not installed: no directory of the path has its initdb";
        let missing = Trial::test("postgres::is_installed", move || Err(Failed::from(message)));
        return vec![missing.with_ignored_flag(!services::required())];
    }

    let mut trials = crate::suite("postgres", |clock| {
        Arc::new(store(&database()).with_clock(clock)) as Arc<dyn SessionStore>
    });
    trials.extend(sharing::trials());
    trials.extend(failures::trials());
    trials
}

/// The server that most tests share, each with its own database. Its data need not survive a crash.
static SERVER: Mutex<Option<PostgresServer>> = Mutex::new(None);

/// Stops the shared server.
pub fn stop() {
    drop(SERVER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Creates a database on the shared server and returns its URL.
fn database() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server.get_or_insert_with(|| PostgresServer::start(&["fsync=off"]));
    let name = format!("d{}", COUNT.fetch_add(1, Ordering::Relaxed));
    execute(&server.url("postgres"), &format!("CREATE DATABASE {name}"));
    server.url(&name)
}

fn store(url: &str) -> PostgresStore {
    PostgresStore::open(url).expect("a URL")
}

/// Opens a connection for the test itself.
async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Runs statements. Works inside and outside of an async runtime.
fn execute(url: &str, sql: &str) {
    std::thread::scope(|scope| {
        let run = || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { client(url).await.batch_execute(sql).await.expect("statements") });
        };
        scope.spawn(run).join().expect("it ran");
    });
}

/// Returns the first column of the first row.
async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.expect("a row").get(0)
}

fn unborn(subject: &str) -> NewSession {
    let session = SessionId::generate(StoreClock::server().now()).expect("randomness");
    let secret_hash = SecretHash::from_bytes([7; 32]);
    let lifetimes =
        Lifetimes::new(Duration::from_secs(3600), Duration::from_secs(7200)).expect("within the bounds");

    NewSession::new(session, subject, secret_hash, lifetimes)
}

/// Builds the request for a token of this generation, without a grace period.
fn present(session: &NewSession, generation: u32) -> RotateRequest {
    let lifetimes =
        RotateLifetimes { idle: session.lifetimes.idle(), announce_for: Duration::from_secs(600) };
    let policy = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("within the bounds");

    RotateRequest::new(session.session, generation, session.secret_hash, lifetimes).with_policy(policy)
}

/// Panics if a call takes much longer than a store's timeout.
async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), answer).await.expect("an answer")
}
