//! Per-thread slots, used to avoid contention on shared counters.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// One value for each thread slot, made when a thread of the slot first needs it.
pub(crate) struct PerThread<V>(Box<[OnceLock<V>]>);

impl<V> PerThread<V> {
    /// Makes this many empty slots: a power of two, or none.
    pub(crate) fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| OnceLock::new()).collect())
    }

    /// Returns the value of this thread's slot, made by `make` if the slot is empty. Without slots there is none.
    #[inline]
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> V) -> Option<&V> {
        self.0.get(slot_of_this_thread(self.0.len())).map(|slot| slot.get_or_init(make))
    }
}

/// Has no slots, so each lookup returns `None`.
impl<V> Default for PerThread<V> {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Returns how many slots pay off on this machine: a power of two, at most `max`, which is itself a power of two.
pub(crate) fn slots(max: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(max).next_power_of_two()
}

/// Returns this thread's slot among `slots`, a power of two. Few other threads share the slot.
pub(crate) fn slot_of_this_thread(slots: usize) -> usize {
    number_of_this_thread() & slots.wrapping_sub(1)
}

/// Returns the number of this thread. Threads are numbered in the order of their first call.
fn number_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THIS: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    THIS.with(|this| *this)
}
