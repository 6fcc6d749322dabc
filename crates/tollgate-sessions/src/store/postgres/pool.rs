//! [`Pool`]: a few shared connections, which are replaced when they are lost.
//!
//! Pools such as `deadpool-postgres` and `bb8` lend a connection to one caller at a time. Here, statements of many
//! callers share a connection and do not wait for each other, so that a few connections are enough.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::connection::Connection;
use super::failure::Stage;
use super::{StoreError, StoreErrorKind};

/// Connections that are opened on demand.
///
/// A few are enough, as statements share them. Several are faster than one, as the server waits for the disk once
/// for all transactions that commit at the same time.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    slots: [Slot; SLOTS],
    announced: Arc<Notify>,
}

impl Pool {
    pub(super) fn new(address: Address, announced: Arc<Notify>) -> Self {
        Self { address, slots: Default::default(), announced }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the connection with the smallest load, and opens it if necessary.
    pub(super) async fn acquire(&self, deadline: Instant) -> Result<PooledConnection<'_>, StoreError> {
        let slot = self
            .slots
            .iter()
            .min_by_key(|slot| slot.load())
            .ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "the pool has no slots"))?;
        let guard = LoadGuard::of(slot);
        if let Some(connection) = slot.usable() {
            return Ok(PooledConnection { connection, _load: guard });
        }
        match self.open(slot, deadline).await {
            Ok(connection) => Ok(PooledConnection { connection, _load: guard }),
            // The server may have reached its limit of connections.
            Err(error) => {
                *slot.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                let other = self.slots.iter().find_map(Slot::usable);
                other.map(|connection| PooledConnection { connection, _load: guard }).ok_or(error)
            }
        }
    }

    /// Opens the connection of a slot. One call connects while the others wait, so that a server that comes back is
    /// not flooded with connections.
    async fn open(&self, slot: &Slot, deadline: Instant) -> Result<Arc<Connection>, StoreError> {
        let Ok(_guard) = timeout_at(deadline, slot.opening.lock()).await else {
            return Err(StoreError::new(Stage::Connecting.without_answer(), "connecting: no answer in time"));
        };
        if let Some(connection) = slot.usable() {
            return Ok(connection);
        }
        let connection = Arc::new(Connection::open(&self.address, &self.announced, deadline).await?);
        *slot.connection.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&connection));
        Ok(connection)
    }
}

/// A slot for one connection.
#[derive(Debug, Default)]
struct Slot {
    connection: Mutex<Option<Arc<Connection>>>,
    opening: AsyncMutex<()>,
    /// When the connection could not be opened.
    failed_at: Mutex<Option<Instant>>,
    /// The number of calls that use the slot, or wait for its connection.
    calls: AtomicUsize,
}

impl Slot {
    /// Returns the connection, and drops it instead if it is lost.
    fn usable(&self) -> Option<Arc<Connection>> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.take_if(|connection| !connection.is_usable());
        connection.clone()
    }

    /// Returns the load of the slot, to compare it with other slots. An idle connection comes first, then a slot whose
    /// connection must be opened, unless that has just failed, and then a connection in use.
    fn load(&self) -> (bool, usize) {
        let calls = self.calls.load(Ordering::Relaxed).saturating_mul(2);
        if self.usable().is_some() {
            return (false, calls);
        }
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        (failed_at.is_some_and(|at| at.elapsed() < FAILURE_PAUSE), calls.saturating_add(1))
    }
}

/// A connection of the pool, which counts as load of its slot until it is dropped.
#[derive(Debug)]
pub(super) struct PooledConnection<'a> {
    connection: Arc<Connection>,
    _load: LoadGuard<'a>,
}

impl Deref for PooledConnection<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

/// Counts one call of a slot.
#[derive(Debug)]
struct LoadGuard<'a>(&'a AtomicUsize);

impl<'a> LoadGuard<'a> {
    fn of(slot: &'a Slot) -> Self {
        slot.calls.fetch_add(1, Ordering::Relaxed);
        Self(&slot.calls)
    }
}

impl Drop for LoadGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many connections a store has at most, besides the one that listens.
const SLOTS: usize = 6;
/// How long calls prefer other slots after a connection could not be opened.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);
