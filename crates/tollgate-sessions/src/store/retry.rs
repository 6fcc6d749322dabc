//! [`call_with_retry`]: the timeout of a store call, and its one retry.

use std::time::Duration;

use tokio::time::timeout;

use super::StoreFuture;
use super::error::{StoreError, StoreErrorKind};

/// Makes a store call within `limit`, and makes it again when the store may or may not have done it.
pub(crate) async fn call_with_retry<'a, T>(
    limit: Duration,
    call: impl Fn() -> StoreFuture<'a, T>,
) -> Result<T, StoreError> {
    retry_once(limit, call(), &call).await
}

/// Does the same as [`call_with_retry`], with a retry that differs from the first call.
pub(crate) async fn retry_once<'a, T>(
    limit: Duration,
    first: StoreFuture<'a, T>,
    retry: impl FnOnce() -> StoreFuture<'a, T>,
) -> Result<T, StoreError> {
    match within(limit, first).await {
        Err(error) if error.kind() == StoreErrorKind::Ambiguous => within(limit, retry()).await,
        answer => answer,
    }
}

async fn within<T>(limit: Duration, call: StoreFuture<'_, T>) -> Result<T, StoreError> {
    timeout(limit, call).await.unwrap_or_else(|_elapsed| {
        let millis = limit.as_millis();
        Err(StoreError::new(StoreErrorKind::Ambiguous, format!("no answer within {millis} ms")))
    })
}
