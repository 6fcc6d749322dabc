//! [`HashCost::calibrate`]: finds a cost for this machine.

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
    /// Returns the cost with the least memory, from [`HashCost::OWASP`] upwards, at which one hash takes `at_least` or
    /// longer on this machine. 50 ms is a good start.
    ///
    /// The call blocks while it measures. Run it on an idle machine of the kind that will serve, and put the
    /// result into the configuration. A slow machine gets [`HashCost::OWASP`], and a fast one at most the
    /// largest cost that a stored hash may have.
    ///
    /// # Examples
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

/// Increases the memory by a quarter until a hash takes long enough, or cannot be measured.
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

/// Returns the shortest of three measurements, because disturbances only make them longer. Returns `None` when
/// there is not enough memory.
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

#[expect(clippy::disallowed_methods, reason = "a measurement has to read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use super::*;

    /// Simulates a machine that takes `micros` microseconds for each MiB.
    fn machine(micros: u64) -> impl FnMut(HashCost) -> Option<Duration> {
        move |cost| Some(Duration::from_micros(micros * u64::from(cost.memory_kib()) / 1024))
    }

    #[test]
    fn calibrate_returns_the_first_cost_that_takes_long_enough() {
        let at_least = Duration::from_millis(50);
        // Slow at the first cost, exactly right, one step away, and several steps away.
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
    fn calibrate_stops_without_memory() {
        let scarce = |cost: HashCost| (cost.memory_kib() < 30_000).then_some(Duration::ZERO);
        assert_eq!(calibrate(Duration::from_millis(50), scarce).memory_kib(), 30_400);
        assert_eq!(calibrate(Duration::from_millis(50), |_| None), HashCost::OWASP);
    }

    #[test]
    fn measure_computes_a_hash() {
        assert!(measure(HashCost::insecure_for_tests()).is_some());
    }
}
