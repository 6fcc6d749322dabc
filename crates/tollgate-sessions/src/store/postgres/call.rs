//! [`Call`]: one call of a store, with its connection and the time that it has.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::Parameter;
use super::failure::Asked;
use super::pool::{Lent, Pool};
use super::{CALL_WITHIN, Durability, Result, StoreError, StoreErrorKind};
use crate::session::{StoreClock, UnixMillis, whole_millis};

pub(super) struct Call<'a> {
    link: Lent<'a>,
    until: Instant,
    /// `None` means: by the clock of the server.
    now: Option<i64>,
}

impl<'a> Call<'a> {
    pub(super) async fn begin(pool: &'a Pool, clock: &StoreClock) -> Result<Self> {
        let until = Instant::now().checked_add(CALL_WITHIN).unwrap_or_else(Instant::now);
        let link = pool.link(until).await?;
        Ok(Self { link, until, now: clock.manual_time().map(UnixMillis::as_millis) })
    }

    /// What `$1` is in every statement.
    pub(super) fn now(&self) -> Parameter<'_> {
        (&self.now, Type::INT8)
    }

    pub(super) fn durability(&self) -> Durability {
        self.link.durability()
    }

    /// A server that takes no writes, as its `setting` says, decides nothing: the next call looks for one that does.
    pub(super) fn must_be_writable(&self, setting: &str) -> Result<()> {
        if setting == "off" {
            return Ok(());
        }
        self.link.leave();
        Err(StoreError::new(StoreErrorKind::Unavailable, "the server takes no writes at present"))
    }

    pub(super) async fn read(&self, doing: &str, sql: &str, with: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.link.ask(doing, Asked::ToRead, self.until, sql, with).await
    }

    pub(super) async fn write(&self, doing: &str, sql: &str, with: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.link.ask(doing, Asked::ToWrite, self.until, sql, with).await
    }
}

/// Milliseconds that can be added to an instant without leaving the type of the column.
pub(super) fn millis(duration: Duration) -> i64 {
    whole_millis(duration).min(AGES)
}

/// Some thirty thousand years.
const AGES: i64 = 1 << 50;
