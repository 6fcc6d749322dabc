//! Per-thread slots, used to avoid contention on shared counters.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

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
