//! [`HashCost::calibrate`]: how much a hash may cost where it is computed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Version};
use zeroize::Zeroizing;

use super::cost::HashCost;
use super::password::Password;
use super::phc::Stored;
use super::task::{Buffer, Task};
use crate::support::Counter;

impl HashCost {
    /// The least memory, from [`HashCost::OWASP`] upwards, with which one hash takes `at_least` that long on this machine; 50 ms
    /// is a good start. It blocks while it measures: run it on the machine that will serve, when nothing else runs there,
    /// and put what comes out into the configuration.
    ///
    /// A slow machine gets [`HashCost::OWASP`], and a fast one no more than what a stored hash may cost.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use tollgate_sessions::accounts::passwords::HashCost;
    ///
    /// let cost = HashCost::calibrate(Duration::from_millis(50));
    /// println!("HashCost::new({}, {}, {})", cost.memory_kib(), cost.passes(), cost.lanes());
    /// ```
    #[must_use]
    pub fn calibrate(at_least: Duration) -> Self {
        calibrate(at_least, measure)
    }
}

/// Goes up in steps of a quarter, and stays below what cannot be measured.
fn calibrate(at_least: Duration, mut measure: impl FnMut(HashCost) -> Option<Duration>) -> HashCost {
    let mut cost = HashCost::OWASP;
    while measure(cost).is_some_and(|took| took < at_least) {
        let memory_kib = cost.memory_kib().saturating_add(cost.memory_kib() / 4);
        match HashCost::new(memory_kib, cost.passes(), cost.lanes()) {
            Ok(more) => cost = more,
            Err(_) => break,
        }
    }
    cost
}

/// The shortest of three: what disturbs a measurement only makes it longer. `None` without the memory.
fn measure(cost: HashCost) -> Option<Duration> {
    let mut buffer = Buffer::of_kib(cost.memory_kib(), Arc::new(Counter::default()))?;
    let task = Task {
        password: Password::new("correct horse battery staple").ok()?,
        secret: Zeroizing::new(Vec::new()),
        like: Stored {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            cost,
            pepper: None,
            salt: vec![0; 16],
            tag: vec![0; 32],
        },
    };
    let once = |_| {
        let start = now();
        task.compute(&mut buffer)?;
        Some(start.elapsed())
    };
    (0..3).map(once).collect::<Option<Vec<_>>>()?.into_iter().min()
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use super::*;

    /// A machine that takes so many microseconds for a MiB.
    fn machine(micros: u64) -> impl FnMut(HashCost) -> Option<Duration> {
        move |cost| Some(Duration::from_micros(micros * u64::from(cost.memory_kib()) / 1024))
    }

    #[test]
    fn the_first_cost_that_takes_long_enough() {
        let at_least = Duration::from_millis(50);
        // Far too slow already, just right, a step and several steps away, and out of reach.
        for (micros, memory_kib) in [(100_000, 19_456), (2_632, 19_456), (2_200, 24_320), (1_000, 59_375)] {
            let cost = calibrate(at_least, machine(micros));
            assert_eq!(cost.memory_kib(), memory_kib, "{micros}");
            assert!(machine(micros)(cost) >= Some(at_least));
            assert_eq!((cost.passes(), cost.lanes()), (2, 1));
        }
        let most = calibrate(at_least, machine(1));
        assert!(most.memory_kib() <= 256 * 1024 && most.memory_kib() > 200 * 1024);
    }

    #[test]
    fn memory_that_is_not_there_ends_the_search() {
        let scarce = |cost: HashCost| (cost.memory_kib() < 30_000).then_some(Duration::ZERO);
        assert_eq!(calibrate(Duration::from_millis(50), scarce).memory_kib(), 30_400);
        assert_eq!(calibrate(Duration::from_millis(50), |_| None), HashCost::OWASP);
    }

    #[test]
    fn a_hash_can_be_measured() {
        assert!(measure(HashCost::insecure_for_tests()).is_some());
    }
}
