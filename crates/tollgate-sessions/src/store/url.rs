//! [`open_store`]: the store that a setting names.

use std::sync::Arc;

use super::error::{StoreError, StoreErrorKind};
use super::{MemoryStore, SessionStore};

/// Opens the store that `url` names: `memory:`, or `sqlite:` and a path, as in `sqlite:/var/lib/app/sessions.db`, or a
/// server, as in `postgres://app:password@db.example/app` or `redis://app:password@cache.example/0`. Each but the first needs
/// the feature of its name. `rediss:` is Redis over TLS; `valkey:` and `valkeys:` mean the same as `redis:` and `rediss:`.
///
/// It may block: call it while starting up. A server is not connected to before the store is used.
///
/// # Errors
/// [`StoreErrorKind::Misconfigured`] for a name that this build does not know; otherwise as opening the store itself.
pub fn open_store(url: &str) -> Result<Arc<dyn SessionStore>, StoreError> {
    let (scheme, place) = url.split_once(':').unwrap_or_default();
    match scheme {
        "memory" if place.is_empty() => Ok(Arc::new(MemoryStore::new())),
        #[cfg(feature = "sqlite")]
        "sqlite" if !place.is_empty() => Ok(Arc::new(super::SqliteStore::open(place)?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(super::PostgresStore::open(url)?)),
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => {
            Err(missing("this build knows no PostgreSQL: its feature `postgres` is off"))
        }
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "valkey" | "valkeys" => Ok(Arc::new(super::RedisStore::open(url)?)),
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "valkey" | "valkeys" => {
            Err(missing("this build knows no Redis: its feature `redis` is off"))
        }
        // The rest may hold a password.
        _ => Err(StoreError::new(StoreErrorKind::Misconfigured, KNOWN)),
    }
}

#[cfg(not(all(feature = "postgres", feature = "redis")))]
fn missing(what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Misconfigured, what)
}

#[cfg(feature = "sqlite")]
const KNOWN: &str =
    "its name is not `memory:`, `sqlite:` and a path, or `postgres:` or `redis:` and a server";
#[cfg(not(feature = "sqlite"))]
const KNOWN: &str = "its name is not `memory:`, or `postgres:` or `redis:` and a server";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_of_stores() {
        open_store("memory:").unwrap().ping().await.unwrap();
        for wrong in ["", "memory", "memory:x", "sqlite:", "mysql://u:hunter2@h/d", "/var/lib/x.db"] {
            let error = open_store(wrong).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{wrong}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn a_server_is_not_asked() {
        for url in
            ["postgres://u:hunter2@db.example/d", "postgresql://u:hunter2@db.example/d?sslmode=require"]
        {
            let opened = open_store(url);
            assert_eq!(opened.is_ok(), cfg!(feature = "postgres"));
            let text = opened.map_or_else(|error| error.to_string(), |store| format!("{store:?}"));
            assert!(text.to_lowercase().contains("postgres") && !text.contains("hunter2"), "{text}");
        }
        for url in ["redis://u:hunter2@cache.example/0", "valkeys://:hunter2@cache.example"] {
            let opened = open_store(url);
            assert_eq!(opened.is_ok(), cfg!(feature = "redis"));
            let text = opened.map_or_else(|error| error.to_string(), |store| format!("{store:?}"));
            assert!(text.to_lowercase().contains("redis") && !text.contains("hunter2"), "{text}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_path_of_sqlite() {
        let path = std::env::temp_dir().join(format!("tollgate-url-{}/s.db", std::process::id()));
        let store = open_store(&format!("sqlite:{}", path.display())).unwrap();
        store.ping().await.unwrap();
        assert!(path.exists());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
