//! [`Pool`]: a few connections that are shared, and made again when they are lost.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::{Instant, timeout_at};

use super::address::Address;
use super::connection::Link;
use super::failure::Asked;
use super::{StoreError, StoreErrorKind};

/// Connections, opened when there is work for them.
///
/// Statements share a connection, so few are enough. Several, as a server waits once for the disk for all that commit at
/// the same time.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    places: [Place; PLACES],
    heard: Arc<Notify>,
}

impl Pool {
    pub(super) fn new(address: Address, heard: Arc<Notify>) -> Self {
        Self { address, places: Default::default(), heard }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// A connection, the one that has least to do.
    pub(super) async fn link(&self, until: Instant) -> Result<Lent<'_>, StoreError> {
        let place = self.places.iter().min_by_key(|place| place.burden()).ok_or_else(|| {
            StoreError::new(StoreErrorKind::Unavailable, "there is no place for a connection")
        })?;
        let busy = Busy::at(place);
        if let Some(link) = place.usable() {
            return Ok(Lent { link, _busy: busy });
        }
        match self.open(place, until).await {
            Ok(link) => Ok(Lent { link, _busy: busy }),
            // The server may take no more of them.
            Err(error) => {
                *place.refused_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                let other = self.places.iter().find_map(Place::usable);
                other.map(|link| Lent { link, _busy: busy }).ok_or(error)
            }
        }
    }

    /// One opens, the others wait: a server that comes back is not met by all at once.
    async fn open(&self, place: &Place, until: Instant) -> Result<Arc<Link>, StoreError> {
        let Ok(_turn) = timeout_at(until, place.opening.lock()).await else {
            return Err(StoreError::new(Asked::Nothing.unanswered(), "connecting takes too long"));
        };
        if let Some(link) = place.usable() {
            return Ok(link);
        }
        let link = Arc::new(Link::open(&self.address, &self.heard, until).await?);
        *place.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&link));
        Ok(link)
    }
}

/// Where a connection is, or can be.
#[derive(Debug, Default)]
struct Place {
    link: Mutex<Option<Arc<Link>>>,
    opening: Turn<()>,
    refused_at: Mutex<Option<Instant>>,
    /// How many wait for an answer, or for a connection.
    calls: AtomicUsize,
}

impl Place {
    /// Forgets a connection that is lost.
    fn usable(&self) -> Option<Arc<Link>> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        link.take_if(|link| !link.is_usable());
        link.clone()
    }

    /// Opening a connection is worth it when all others are at work, and when that has not just failed.
    fn burden(&self) -> (bool, usize) {
        let calls = self.calls.load(Ordering::Relaxed).saturating_mul(2);
        if self.usable().is_some() {
            return (false, calls);
        }
        let refused_at = *self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        (refused_at.is_some_and(|at| at.elapsed() < REFUSED_FOR), calls.saturating_add(1))
    }
}

/// A connection, counted as busy.
#[derive(Debug)]
pub(super) struct Lent<'a> {
    link: Arc<Link>,
    _busy: Busy<'a>,
}

impl Deref for Lent<'_> {
    type Target = Link;

    fn deref(&self) -> &Link {
        &self.link
    }
}

#[derive(Debug)]
struct Busy<'a>(&'a AtomicUsize);

impl<'a> Busy<'a> {
    fn at(place: &'a Place) -> Self {
        place.calls.fetch_add(1, Ordering::Relaxed);
        Self(&place.calls)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many connections a store has at most, besides the one that listens.
const PLACES: usize = 6;
/// How long others do the work of a connection that could not be opened.
const REFUSED_FOR: Duration = Duration::from_secs(1);
