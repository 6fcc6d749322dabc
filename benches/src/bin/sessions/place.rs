//! [`Place`]: a store to measure, with a server or a file of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tollgate_benches::Report;
use tollgate_sessions::sessions::SessionSettings;
use tollgate_sessions::store::{RefreshPolicy, SessionStore};
use tollgate_sessions::{RefreshKey, RefreshKeys, Sessions, open_store};

use crate::raw::Raw;
use crate::server::Server;

/// A session store, and its server or file without the store's code.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn SessionStore>,
    /// `None` if the store has no server and no file.
    pub(crate) raw: Option<Arc<Raw>>,
    scratch: Option<PathBuf>,
    /// Dropping it ends the server's process.
    _server: Option<Server>,
}

impl Place {
    /// Opens every store whose server is installed on this machine.
    pub(crate) async fn all(report: &mut Report<'_>) -> Vec<Self> {
        let mut places = vec![Self::memory(), Self::sqlite()];
        match Server::redis() {
            Some(server) => places.push(Self::redis(server).await),
            None => report.add("redis-server is not installed on this machine, so Redis is not measured."),
        }
        match Server::postgres() {
            Some(server) => places.push(Self::postgres(server).await),
            None => report.add("PostgreSQL is not installed on this machine, so it is not measured."),
        }
        for place in &places {
            place.wait().await;
        }
        places
    }

    fn memory() -> Self {
        Self { name: "memory", store: open("memory:"), raw: None, scratch: None, _server: None }
    }

    fn sqlite() -> Self {
        let scratch = crate::server::scratch("sqlite");
        let store = open(&format!("sqlite:{}", scratch.join("sessions.db").display()));
        let raw = Raw::sqlite(&scratch.join("raw.db"), &scratch.join("sessions.db"));
        Self { name: "SQLite", store, raw: Some(Arc::new(raw)), scratch: Some(scratch), _server: None }
    }

    async fn redis(server: Server) -> Self {
        let raw = Some(Arc::new(Raw::redis(&server.url).await));
        Self { name: "Redis", store: open(&server.url), raw, scratch: None, _server: Some(server) }
    }

    async fn postgres(server: Server) -> Self {
        let raw = Some(Arc::new(Raw::postgres(&server.url).await));
        Self { name: "PostgreSQL", store: open(&server.url), raw, scratch: None, _server: Some(server) }
    }

    /// Returns sessions in this store whose tokens rotate at every use, so that each refresh is a write.
    pub(crate) fn sessions(&self) -> Sessions {
        let secret = RefreshKey::generate_secret().expect("randomness");
        let key = RefreshKey::new(1, secret.as_bytes()).expect("a strong secret");
        let rotation = RefreshPolicy::default().with_grace_period(Duration::ZERO).expect("a valid period");
        let settings = SessionSettings::default()
            .with_refresh_policy(rotation)
            .with_store_timeout(Duration::from_secs(30))
            .expect("a valid timeout");
        Sessions::new(Arc::clone(&self.store), RefreshKeys::new(key), Duration::from_secs(600))
            .with_settings(settings)
    }

    async fn wait(&self) {
        for _ in 0..100 {
            if self.store.ping().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} does not answer: {:?}", self.name, self.store.ping().await);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(scratch) = &self.scratch {
            let _removed = std::fs::remove_dir_all(scratch);
        }
    }
}

fn open(url: &str) -> Arc<dyn SessionStore> {
    open_store(url).unwrap_or_else(|error| panic!("{error}"))
}
