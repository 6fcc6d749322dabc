//! [`Shared`]: a value whose owners are counted by each thread for itself.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::threads::{place_of_this_thread, places};

/// A value with many owners, for adapters. Frameworks clone what a route consists of for every request, and processors that
/// count the owners of one [`Arc`] wait for each other each time; here, each counts for itself.
///
/// An owner keeps something to count by for every other thread that has cloned it. One that stays on its thread, as those do
/// that live for a request, allocates nothing.
///
/// ```
/// use tollgate::Shared;
///
/// let text = Shared::new("on the first thread".to_owned());
/// let there = std::thread::spawn({
///     let text = text.clone();
///     move || text.clone().len()
/// });
/// assert_eq!(there.join().unwrap(), text.len());
/// ```
pub struct Shared<T> {
    counted: Arc<Counted<T>>,
    /// For the threads of other places. Most owners never meet one.
    elsewhere: OnceLock<Box<[Place<T>]>>,
}

/// Made when a thread first clones the owner.
type Place<T> = OnceLock<Arc<Counted<T>>>;

/// Aligned so that the counts before it have a line of the processor's cache to themselves.
#[repr(align(64))]
struct Counted<T> {
    value: Arc<T>,
    place: usize,
}

/// There are connections with an owner of their own, so more would weigh more than they gain.
static PLACES: LazyLock<usize> = LazyLock::new(|| places(16));

impl<T> Shared<T> {
    /// The first owner of `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        let counted = Counted { value: Arc::new(value), place: place_of_this_thread(*PLACES) };
        Self { counted: Arc::new(counted), elsewhere: OnceLock::new() }
    }

    /// What this thread counts by.
    fn counted_here(&self) -> &Arc<Counted<T>> {
        let place = place_of_this_thread(*PLACES);
        if place == self.counted.place {
            return &self.counted;
        }
        let elsewhere = self.elsewhere.get_or_init(|| (0..*PLACES).map(|_| Place::new()).collect());
        let counted = || Arc::new(Counted { value: Arc::clone(&self.counted.value), place });
        elsewhere.get(place).map_or(&self.counted, |known| known.get_or_init(counted))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { counted: Arc::clone(self.counted_here()), elsewhere: OnceLock::new() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.counted.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;
    use std::thread;

    use super::*;

    fn is_counted_with<T>(one: &Shared<T>, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&one.counted, &other.counted)
    }

    /// A thread of another place than `owner`, which only a machine with one processor does not have.
    fn elsewhere<R: Send>(owner: &Shared<String>, act: impl Fn() -> R + Sync) -> Option<R> {
        let attempts = if *PLACES > 1 { 64 } else { 0 };
        (0..attempts).find_map(|_| {
            let is_elsewhere = || place_of_this_thread(*PLACES) != owner.counted.place;
            thread::scope(|scope| scope.spawn(|| is_elsewhere().then(&act)).join().unwrap())
        })
    }

    #[test]
    fn a_thread_counts_its_clones_together_and_another_counts_its_own() {
        let here = Shared::new("value".to_owned());
        assert!(is_counted_with(&here, &here.clone()) && here.elsewhere.get().is_none());
        let clone_twice = || {
            let once = here.clone();
            let twice = once.clone();
            (once, twice)
        };
        let Some((once, twice)) = elsewhere(&here, clone_twice) else { return };
        assert!(is_counted_with(&once, &twice) && !is_counted_with(&here, &once));
        assert!(once.elsewhere.get().is_none(), "a clone that stays on its thread allocates nothing");
        assert_eq!(*twice, *here);
    }

    #[test]
    fn the_last_owner_drops_the_value() {
        let here = Shared::new("value".to_owned());
        let value: Weak<String> = Arc::downgrade(&here.counted.value);
        let there = elsewhere(&here, || here.clone());
        let back = there.clone();
        drop((here, there));
        assert_eq!(value.upgrade().is_some(), back.is_some());
        drop(back);
        assert!(value.upgrade().is_none());
    }
}
