//! A place for each thread, for what threads would otherwise wait for each other about.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many places are worth having on this machine: a power of two, and not more than `max`, which is one.
pub(crate) fn places(max: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(max).next_power_of_two()
}

/// The place of this thread among so many, which are a power of two. It shares it with few others.
pub(crate) fn place_of_this_thread(places: usize) -> usize {
    number_of_this_thread() & places.wrapping_sub(1)
}

/// Threads are numbered as they first come here.
fn number_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static THIS: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    THIS.with(|this| *this)
}
