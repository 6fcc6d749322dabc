//! PostgreSQL: the suite, several stores and processes on one database, and servers that fail in every way.

mod failures;
mod sharing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tokio_postgres::{Client, NoTls};
use tollgate_conformance::postgres::PostgresServer;
use tollgate_conformance::services;
use tollgate_sessions::{
    NewSession, PostgresStore, Rotate, RotationPolicy, SecretHash, SessionId, SessionStore, StoreClock,
};

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

/// The server that most tests share, each in a database of its own. What it writes need not survive.
static SERVER: Mutex<Option<PostgresServer>> = Mutex::new(None);

/// Ends it.
pub fn stop() {
    drop(SERVER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// The URL of a new database.
fn database() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server.get_or_insert_with(|| PostgresServer::start(&["fsync=off"]));
    let name = format!("d{}", COUNT.fetch_add(1, Ordering::Relaxed));
    execute(&server.url("postgres"), &format!("CREATE DATABASE {name}"));
    server.url(&name)
}

fn store(url: &str) -> PostgresStore {
    PostgresStore::connect_lazily(url).expect("a URL")
}

/// A connection of the test's own.
async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Runs statements, from wherever it is called.
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

/// The first column of the first row.
async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.expect("a row").get(0)
}

fn unborn(subject: &str) -> NewSession {
    let session = SessionId::generate(StoreClock::of_the_store().now()).expect("randomness");
    let secret_hash = SecretHash::from_bytes([7; 32]);
    let (idle, absolute) = (Duration::from_secs(3600), Duration::from_secs(7200));
    NewSession {
        session,
        subject: subject.into(),
        secret_hash,
        idle,
        absolute,
        fingerprint: None,
        meta: None,
    }
}

/// Presents the token of that generation; every one is good once.
fn present(session: &NewSession, generation: u32) -> Rotate {
    Rotate {
        session: session.session,
        generation,
        secret_hash: session.secret_hash,
        fingerprint: None,
        policy: RotationPolicy::default().with_window(Duration::ZERO),
        idle: session.idle,
        announce_for: Duration::from_secs(600),
    }
}

/// What must not hang does not: far longer than a store may take.
async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), answer).await.expect("an answer")
}
