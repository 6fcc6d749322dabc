//! [`ask`]: patience with a store.

use std::time::Duration;

use tokio::time::timeout;

use super::StoreFuture;
use super::error::{StoreError, StoreErrorKind};

/// Waits no longer than `limit`, and asks a second time when it is not known whether the store did it.
pub(crate) async fn ask<'a, T>(
    limit: Duration,
    question: impl Fn() -> StoreFuture<'a, T>,
) -> Result<T, StoreError> {
    ask_twice(limit, question(), &question).await
}

/// The same, where the second question is another one.
pub(crate) async fn ask_twice<'a, T>(
    limit: Duration,
    question: StoreFuture<'a, T>,
    again: impl FnOnce() -> StoreFuture<'a, T>,
) -> Result<T, StoreError> {
    match ask_once(limit, question).await {
        Err(error) if error.kind() == StoreErrorKind::Ambiguous => ask_once(limit, again()).await,
        answer => answer,
    }
}

async fn ask_once<T>(limit: Duration, question: StoreFuture<'_, T>) -> Result<T, StoreError> {
    timeout(limit, question).await.unwrap_or_else(|_elapsed| {
        let millis = limit.as_millis();
        Err(StoreError::new(StoreErrorKind::Ambiguous, format!("no answer within {millis} ms")))
    })
}
