//! [`Call`]: one call of a store, with its connection and its deadline.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::Parameter;
use super::failure::Stage;
use super::pool::{Pool, PooledConnection};
use super::{CALL_TIMEOUT, Durability, Result, StoreError, StoreErrorKind};
use crate::session::{StoreClock, UnixMillis, whole_millis};

pub(super) struct Call<'a> {
    connection: PooledConnection<'a>,
    deadline: Instant,
    /// The time of a manual clock, in milliseconds. `None` means the clock of the server.
    now: Option<i64>,
}

impl<'a> Call<'a> {
    pub(super) async fn begin(pool: &'a Pool, clock: &StoreClock) -> Result<Self> {
        let deadline = Instant::now().checked_add(CALL_TIMEOUT).unwrap_or_else(Instant::now);
        let connection = pool.acquire(deadline).await?;
        Ok(Self { connection, deadline, now: clock.manual_time().map(UnixMillis::as_millis) })
    }

    /// Returns the parameter `$1` of every statement that uses `with_now!`.
    pub(super) fn now(&self) -> Parameter<'_> {
        (&self.now, Type::INT8)
    }

    pub(super) fn durability(&self) -> Durability {
        self.connection.durability()
    }

    /// Rejects the answer of a read-only server, which must not decide. The next call looks for a primary.
    ///
    /// `read_only` is the server's setting `transaction_read_only`.
    pub(super) fn require_primary(&self, read_only: &str) -> Result<()> {
        if read_only == "off" {
            return Ok(());
        }
        self.connection.retire();
        Err(StoreError::new(StoreErrorKind::Unavailable, "the server is read-only"))
    }

    pub(super) async fn read(&self, doing: &str, sql: &str, with: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.connection.query(doing, Stage::Reading, self.deadline, sql, with).await
    }

    pub(super) async fn write(&self, doing: &str, sql: &str, with: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.connection.query(doing, Stage::Writing, self.deadline, sql, with).await
    }
}

/// Returns a duration in milliseconds, bounded so that the server can add it to a time without overflow.
pub(super) fn millis(duration: Duration) -> i64 {
    whole_millis(duration).min(MAX_MILLIS)
}

/// About 35,000 years.
const MAX_MILLIS: i64 = 1 << 50;
