//! [`Raw`]: direct access to a store's server or file, to write one row durably and to measure the size.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use redis::aio::MultiplexedConnection;
use rusqlite::Connection;
use tokio_postgres::{Client, NoTls, Statement};

/// The number of connections. With pipelining, more do not help on a small machine.
const CONNECTIONS: usize = 4;

pub(crate) enum Raw {
    Sqlite { connection: Arc<Mutex<Connection>>, sessions: PathBuf },
    Redis(Vec<MultiplexedConnection>),
    Postgres(Vec<(Client, Statement)>),
}

/// The size of a store: rows (or keys) and bytes.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) sessions: u64,
    pub(crate) bytes: u64,
}

impl Raw {
    /// Opens a writer with the same durability as the store: a write-ahead log, synced at every commit.
    pub(crate) fn sqlite(path: &Path, sessions: &Path) -> Self {
        let connection = Connection::open(path).expect("a file");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE row (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
                 WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids WHERE id < 63)
                 INSERT INTO row SELECT id, 0 FROM ids;",
            )
            .expect("a table");
        Self::Sqlite { connection: Arc::new(Mutex::new(connection)), sessions: sessions.to_owned() }
    }

    pub(crate) async fn redis(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(client.get_multiplexed_async_connection().await.expect("a connection"));
        }
        Self::Redis(connections)
    }

    pub(crate) async fn postgres(url: &str) -> Self {
        let mut clients = Vec::new();
        for nth in 0..CONNECTIONS {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
            tokio::spawn(connection);
            if nth == 0 {
                client
                    .batch_execute(
                        "CREATE SCHEMA raw;
                         CREATE TABLE raw.row (id int PRIMARY KEY, value int NOT NULL) WITH (fillfactor = 70);
                         INSERT INTO raw.row SELECT id, 0 FROM generate_series(0, 63) AS id;",
                    )
                    .await
                    .expect("a table");
            }
            let update = client.prepare("UPDATE raw.row SET value = value + 1 WHERE id = $1").await;
            clients.push((client, update.expect("a statement")));
        }
        Self::Postgres(clients)
    }

    /// Writes one small row durably, on behalf of this worker.
    pub(crate) async fn write(&self, worker: usize) {
        match self {
            Self::Sqlite { connection, .. } => {
                let connection = Arc::clone(connection);
                let write = move || {
                    let connection = connection.lock().expect("not poisoned");
                    let mut update =
                        connection.prepare_cached("UPDATE row SET value = value + 1 WHERE id = ?1");
                    update
                        .as_mut()
                        .expect("a statement")
                        .execute([i64::try_from(worker).expect("a small number")])
                        .expect("a write");
                };
                tokio::task::spawn_blocking(write).await.expect("no panic");
            }
            Self::Redis(connections) => {
                let mut connection = connections[worker % connections.len()].clone();
                let mut set = redis::cmd("SET");
                set.arg(format!("raw:{worker}")).arg(worker);
                set.exec_async(&mut connection).await.expect("a write");
            }
            Self::Postgres(clients) => {
                let (client, update) = &clients[worker % clients.len()];
                let id = i32::try_from(worker).expect("a small number");
                client.execute(update, &[&id]).await.expect("a write");
            }
        }
    }

    /// Returns the size of the sessions with their indexes: with the write-ahead log for SQLite, in memory for Redis.
    pub(crate) async fn held(&self) -> Held {
        match self {
            Self::Sqlite { sessions, .. } => {
                let connection = Connection::open(sessions).expect("a file");
                let count: i64 = connection
                    .query_row("SELECT count(*) FROM auth_session", [], |row| row.get(0))
                    .expect("a count");
                let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
                Held { sessions: number(count), bytes: size(sessions) + size(&with_log(sessions)) }
            }
            Self::Redis(connections) => {
                let mut connection = connections[0].clone();
                let info: String =
                    redis::cmd("INFO").arg("memory").query_async(&mut connection).await.expect("an answer");
                let used = info.lines().find_map(|line| line.strip_prefix("used_memory_dataset:"));
                let keys: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await.expect("an answer");
                let bytes = used.and_then(|used| used.trim().parse().ok()).expect("a number");
                Held { sessions: keys, bytes }
            }
            Self::Postgres(clients) => {
                let (client, _) = &clients[0];
                let count = client
                    .query_one("SELECT count(*) FROM tollgate.auth_session", &[])
                    .await
                    .expect("a count");
                let size = client
                    .query_one(
                        "SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
                         FROM pg_stat_user_tables WHERE relname LIKE 'auth_%'",
                        &[],
                    )
                    .await
                    .expect("a size");
                Held { sessions: number(count.get(0)), bytes: number(size.get(0)) }
            }
        }
    }
}

fn number(value: i64) -> u64 {
    u64::try_from(value).expect("not negative")
}

fn with_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
