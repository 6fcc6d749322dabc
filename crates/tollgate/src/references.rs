//! [`References`]: a cached token once for each processor, so that no two of them count the same references.
//!
//! What it saves, on two processors, measured in November 2026: two threads that admit the same token from the
//! cache take 59 ns per request (54 to 89), as one thread does. When both count one reference they take 216 ns
//! (196 to 242): two threads together then do less than one. Threads with different tokens, and whole requests
//! through axum or warp, showed no difference beyond their spread. It costs 42 instructions of 568 on a cache
//! hit, and up to eight allocations for each token in the cache. It can be deleted at that cost, with
//! `CountedApart` in `verified.rs`.

use std::sync::OnceLock;

use crate::threads::{PerThread, slots};
use crate::verified::Verified;

/// The references to one token. A thread's reference is made on its first access.
#[derive(Default)]
pub(crate) struct References(PerThread<Verified>);

impl References {
    /// The largest number of references. More cost more memory than they save time.
    const MAX: usize = 8;

    /// Returns how many references pay off on this machine.
    pub(crate) fn number() -> usize {
        slots(Self::MAX)
    }

    /// Creates the references, including that of this thread, so that the thread's next request does not
    /// allocate.
    pub(crate) fn starting_with(verified: &Verified, number: usize) -> Self {
        let references = Self(PerThread::new(number));
        drop(references.of_this_thread(verified));
        references
    }

    /// Returns the largest number of bytes that `number` references allocate.
    pub(crate) fn weight(number: usize) -> usize {
        const ONE: usize = size_of::<OnceLock<Verified>>() + Verified::APART_BYTES;
        number.saturating_mul(ONE)
    }

    /// Returns the reference that this thread clones.
    pub(crate) fn of_this_thread(&self, verified: &Verified) -> Verified {
        self.0.get_or_init(|| verified.counted_apart()).unwrap_or(verified).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::testing::{NOW, token, verifier};

    #[test]
    fn threads_have_separate_references() {
        let verified = verifier().verify(&token(""), NOW).unwrap();
        let references = References::starting_with(&verified, 64);
        let here = references.of_this_thread(&verified);
        assert!(here.is_counted_with(&references.of_this_thread(&verified)));
        assert!(!here.is_counted_with(&verified));
        let there =
            thread::scope(|scope| scope.spawn(|| references.of_this_thread(&verified)).join().unwrap());
        assert!(!here.is_counted_with(&there));
        assert_eq!(there.payload(), here.payload());
    }

    #[test]
    fn threads_share_a_reference_when_number_is_one() {
        let verified = verifier().verify(&token(""), NOW).unwrap();
        assert!(References::default().of_this_thread(&verified).is_counted_with(&verified));
    }
}
