//! [`open_store`]: opens the store that a URL names.

use std::sync::Arc;

use super::error::{StoreError, StoreErrorKind};
use super::{MemoryStore, SessionStore};

/// Opens the store that `url` names.
///
/// | URL | store | feature |
/// |---|---|---|
/// | `memory:` | [`MemoryStore`] | |
/// | `sqlite:/var/lib/app/sessions.db` | `SqliteStore` | `sqlite` |
/// | `postgres://app:password@db.example/app` | `PostgresStore` | `postgres` |
/// | `redis://app:password@cache.example/0` | `RedisStore` | `redis` |
///
/// `postgresql:` means the same as `postgres:`. `rediss:` is Redis over TLS; `valkey:` and `valkeys:` mean the same as
/// `redis:` and `rediss:`.
///
/// For SQLite, this blocks the thread, so call it while starting up. It does not connect to a server; the first call
/// to the store does.
///
/// # Errors
/// [`StoreErrorKind::Misconfigured`] when the URL names no store, or one whose feature this build lacks; otherwise the
/// errors of opening that store.
pub fn open_store(url: &str) -> Result<Arc<dyn SessionStore>, StoreError> {
    let (scheme, path) = url.split_once(':').unwrap_or_default();
    match scheme {
        "memory" if path.is_empty() => Ok(Arc::new(MemoryStore::new())),
        #[cfg(feature = "sqlite")]
        "sqlite" if !path.is_empty() => Ok(Arc::new(super::SqliteStore::open(path)?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(super::PostgresStore::open(url)?)),
        #[cfg(not(feature = "postgres"))]
        "postgres" | "postgresql" => {
            Err(misconfigured("PostgreSQL needs the feature `postgres`, which is off in this build"))
        }
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "valkey" | "valkeys" => Ok(Arc::new(super::RedisStore::open(url)?)),
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "valkey" | "valkeys" => {
            Err(misconfigured("Redis needs the feature `redis`, which is off in this build"))
        }
        // The message does not quote the URL, which may contain a password.
        _ => Err(misconfigured(EXPECTED)),
    }
}

fn misconfigured(message: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Misconfigured, message)
}

#[cfg(feature = "sqlite")]
const EXPECTED: &str = "the URL must be `memory:`, `sqlite:PATH`, `postgres://..` or `redis://..`";
#[cfg(not(feature = "sqlite"))]
const EXPECTED: &str = "the URL must be `memory:`, `postgres://..` or `redis://..`";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn open_store_rejects_urls_of_no_store() {
        open_store("memory:").unwrap().ping().await.unwrap();
        for wrong in ["", "memory", "memory:x", "sqlite:", "mysql://u:hunter2@h/d", "/var/lib/x.db"] {
            let error = open_store(wrong).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{wrong}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn open_store_does_not_connect() {
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
    async fn open_store_creates_a_sqlite_file() {
        let path = std::env::temp_dir().join(format!("tollgate-url-{}/s.db", std::process::id()));
        let store = open_store(&format!("sqlite:{}", path.display())).unwrap();
        store.ping().await.unwrap();
        assert!(path.exists());
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
