//! [`Place`]: a store to measure, on a server or a file of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tollgate_benches::Report;
use tollgate_sessions::{
    RefreshKey, RefreshKeys, RotationPolicy, SessionSettings, SessionStore, Sessions, open_store,
};

use crate::raw::Raw;
use crate::server::Server;

/// A store, what it writes to, and the same without us.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn SessionStore>,
    /// `None` where there is nothing below the store.
    pub(crate) raw: Option<Arc<Raw>>,
    scratch: Option<PathBuf>,
    /// Ends with the place.
    _server: Option<Server>,
}

impl Place {
    /// Every store whose server can be started here.
    pub(crate) async fn all(report: &mut Report<'_>) -> Vec<Self> {
        let mut places = vec![Self::memory(), Self::sqlite()];
        match Server::redis() {
            Some(server) => places.push(Self::redis(server).await),
            None => report.add("There is no redis-server on this machine, so Redis is not measured."),
        }
        match Server::postgres() {
            Some(server) => places.push(Self::postgres(server).await),
            None => report.add("There is no PostgreSQL on this machine, so it is not measured."),
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

    /// Sessions in this store whose tokens rotate at every use, so that each renewal is a write.
    pub(crate) fn sessions(&self) -> Sessions {
        let secret = RefreshKey::generate_secret().expect("randomness");
        let key = RefreshKey::new(1, secret.as_bytes()).expect("a strong secret");
        let rotation = RotationPolicy::default().with_window(Duration::ZERO);
        let settings =
            SessionSettings::default().with_rotation(rotation).with_store_timeout(Duration::from_secs(30));
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
