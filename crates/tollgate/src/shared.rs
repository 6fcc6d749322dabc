//! [`Shared`]: a value whose owners are counted by each thread for itself.
//!
//! What it pays, on two processors, 2026-11: two threads that clone one gate for each request, and admit each
//! a token of its own from the cache, take 76 ns a request (70 to 110), as one thread does. With an [`Arc`]
//! in its place they take 267 ns (235 to 272): two threads together then do less than one. Through routes
//! like those of the benchmark `threads` the same is 777 and 936 ns with axum, 633 and 719 ns with warp. The price is
//! ten instructions of 568 on a cache hit. An [`Arc`] can replace it at that cost.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use crate::threads::{place_of_this_thread, places};

/// A value with many owners, for adapters. Frameworks clone what a route consists of for every request, and processors that
/// count the owners of one [`Arc`] wait for each other each time; here, each counts for itself.
///
/// An owner keeps a reference for every other thread that has cloned it. One that stays on its thread, as those do that live
/// for a request, allocates nothing.
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
    elsewhere: OnceLock<Box<[OnceLock<Arc<Counted<T>>>]>>,
}

/// What the owners of one place count. Aligned so that the counts before it have lines of the processor's cache to themselves.
#[repr(align(128))]
struct Counted<T> {
    value: Arc<Value<T>>,
    place: usize,
}

struct Value<T> {
    value: T,
    /// What is counted at each place. Weak, as the owners there keep it.
    counted: Box<[Mutex<Weak<Counted<T>>>]>,
}

/// Every connection has owners of its own, so more would weigh more than they gain.
static PLACES: LazyLock<usize> = LazyLock::new(|| places(8));

impl<T> Shared<T> {
    /// The first owner of `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        let counted = (0..*PLACES).map(|_| Mutex::default()).collect();
        let value = Arc::new(Value { value, counted });
        let counted = Value::counted_at(&value, place_of_this_thread(*PLACES));
        Self { counted, elsewhere: OnceLock::new() }
    }

    /// What this thread counts.
    fn counted_here(&self) -> &Arc<Counted<T>> {
        let place = place_of_this_thread(*PLACES);
        if place == self.counted.place {
            return &self.counted;
        }
        let elsewhere = self.elsewhere.get_or_init(|| (0..*PLACES).map(|_| OnceLock::new()).collect());
        let counted = || Value::counted_at(&self.counted.value, place);
        elsewhere.get(place).map_or(&self.counted, |known| known.get_or_init(counted))
    }
}

impl<T> Value<T> {
    /// What is counted at `place`, made when nobody there is an owner yet.
    fn counted_at(this: &Arc<Self>, place: usize) -> Arc<Counted<T>> {
        let made = || Arc::new(Counted { value: Arc::clone(this), place });
        let Some(known) = this.counted.get(place) else { return made() };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let counted = made();
            *known = Arc::downgrade(&counted);
            counted
        })
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
        &self.counted.value.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn is_counted_with<T>(one: &Shared<T>, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&one.counted, &other.counted)
    }

    /// On a thread of another place than `owner`.
    fn elsewhere<R: Send>(owner: &Shared<String>, act: impl Fn() -> R + Sync) -> R {
        loop {
            let is_elsewhere = || place_of_this_thread(*PLACES) != owner.counted.place;
            let acted = thread::scope(|scope| scope.spawn(|| is_elsewhere().then(&act)).join().unwrap());
            if let Some(result) = acted {
                return result;
            }
        }
    }

    #[test]
    fn a_thread_counts_its_clones_together_and_another_counts_its_own() {
        let here = Shared::new("value".to_owned());
        assert!(is_counted_with(&here, &here.clone()) && here.elsewhere.get().is_none());
        if *PLACES == 1 {
            return; // a single processor, which waits for nobody
        }
        let (once, twice) = elsewhere(&here, || {
            let once = here.clone();
            let twice = once.clone();
            (once, twice)
        });
        assert!(is_counted_with(&once, &twice) && !is_counted_with(&here, &once));
        assert!(once.elsewhere.get().is_none(), "a clone that stays on its thread allocates nothing");
        assert_eq!(*twice, *here);
    }

    #[test]
    fn owners_that_meet_a_place_count_the_same_there() {
        let first = Shared::new("value".to_owned());
        let second = first.clone();
        if *PLACES == 1 {
            return;
        }
        let (one, other) = elsewhere(&first, || (first.clone(), second.clone()));
        assert!(is_counted_with(&one, &other));
    }

    #[test]
    fn the_last_owner_drops_the_value() {
        let here = Shared::new("value".to_owned());
        let value = Arc::downgrade(&here.counted.value);
        let there = if *PLACES == 1 { here.clone() } else { elsewhere(&here, || here.clone()) };
        let back = there.clone();
        drop((here, there));
        assert!(value.upgrade().is_some_and(|value| value.value == *back));
        drop(back);
        assert!(value.upgrade().is_none());
    }
}
