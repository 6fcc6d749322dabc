//! [`Waiting`]: a limited number of waiting requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of waiting requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a request until the place is dropped. Returns `None` when `max` requests wait already.
    pub(super) fn enter(&self, max: usize) -> Option<Place> {
        let taken = self.0.fetch_add(1, Ordering::Relaxed);
        // Created first, so that its drop undoes the increment when the limit is exceeded.
        let place = Place(self.clone());
        (taken < max).then_some(place)
    }
}

/// The place of a waiting request. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Place(Waiting);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
