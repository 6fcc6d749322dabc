//! [`PasswordSettings`]: the settings of [`Passwords`](super::Passwords).

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use super::cost::HashCost;
use super::pepper::Peppers;
use crate::support::SettingError;

/// The settings of [`Passwords`](super::Passwords).
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    pub(super) cost: HashCost,
    decoy_cost: Option<HashCost>,
    pub(super) peppers: Option<Peppers>,
    pub(super) threads: usize,
    pub(super) queue: usize,
    pub(super) wait: Duration,
}

/// [`HashCost::OWASP`], no pepper, one thread for every two processors, and a queue of 64 passwords that wait
/// for at most one second.
impl Default for PasswordSettings {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            cost: HashCost::default(),
            decoy_cost: None,
            peppers: None,
            threads: processors.div_euclid(2).clamp(1, Self::MAX_THREADS),
            queue: 64,
            wait: Duration::from_secs(1),
        }
    }
}

impl PasswordSettings {
    /// The largest number of threads: 256.
    pub const MAX_THREADS: usize = 256;
    /// The longest queue: 10,000 passwords.
    pub const MAX_QUEUE: usize = 10_000;
    /// The longest time that a password may wait in the queue: an hour.
    pub const MAX_WAIT: Duration = Duration::from_secs(3600);

    /// Sets the cost of new hashes. The default is [`HashCost::OWASP`].
    ///
    /// [`Accounts`](crate::Accounts) replaces a hash of another cost when its user logs in. Until then the time
    /// that a login takes shows which users exist; [`with_decoy_cost`](Self::with_decoy_cost) limits that.
    #[must_use]
    pub fn with_cost(self, cost: HashCost) -> Self {
        Self { cost, ..self }
    }

    /// Sets the cost of the decoy hash, which is computed for unknown users. The default is the cost of new
    /// hashes.
    ///
    /// Set it to the cost of most stored hashes while that is not the cost of new ones. A login with an unknown
    /// name then takes as long as one with a typical name.
    #[must_use]
    pub fn with_decoy_cost(self, cost: HashCost) -> Self {
        Self { decoy_cost: Some(cost), ..self }
    }

    /// Sets the secrets that are hashed with each password. By default, there are none.
    #[must_use]
    pub fn with_peppers(self, peppers: Peppers) -> Self {
        Self { peppers: Some(peppers), ..self }
    }

    /// Sets how many threads compute hashes, one at a time each. A thread holds the memory of one hash. The default is
    /// one thread for every two processors.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is 0 or more than [`MAX_THREADS`](Self::MAX_THREADS).
    pub fn with_threads(self, threads: usize) -> Result<Self, SettingError> {
        SettingError::check_number("threads that hash passwords", threads, 1, Self::MAX_THREADS)?;
        Ok(Self { threads, ..self })
    }

    /// Sets how many passwords may wait for a thread. The default is 64.
    ///
    /// # Errors
    /// [`SettingError::Number`] when it is 0 or more than [`MAX_QUEUE`](Self::MAX_QUEUE).
    pub fn with_queue(self, queue: usize) -> Result<Self, SettingError> {
        SettingError::check_number("queue of passwords to hash", queue, 1, Self::MAX_QUEUE)?;
        Ok(Self { queue, ..self })
    }

    /// Sets how long a password may wait for a thread. The default is one second.
    ///
    /// # Errors
    /// [`SettingError::Duration`] when it is shorter than a millisecond or longer than
    /// [`MAX_WAIT`](Self::MAX_WAIT).
    pub fn with_wait(self, wait: Duration) -> Result<Self, SettingError> {
        let max = Self::MAX_WAIT;
        SettingError::check_duration("wait of passwords to hash", wait, Duration::from_millis(1), max)?;
        Ok(Self { wait, ..self })
    }

    pub(super) fn decoy_cost(&self) -> HashCost {
        self.decoy_cost.unwrap_or(self.cost)
    }

    /// Returns the memory that a thread holds, in KiB.
    pub(super) fn memory_kib(&self) -> u32 {
        self.cost.memory_kib().max(self.decoy_cost().memory_kib())
    }

    /// Returns the ID of the pepper of new hashes.
    pub(super) fn pepper(&self) -> Option<u8> {
        self.peppers.as_ref().map(|peppers| peppers.newest().id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_settings_reject_values_out_of_bounds() {
        let settings = PasswordSettings::default;
        for threads in [0, PasswordSettings::MAX_THREADS + 1] {
            assert!(settings().with_threads(threads).is_err(), "{threads}");
        }
        for queue in [0, PasswordSettings::MAX_QUEUE + 1] {
            assert!(settings().with_queue(queue).is_err(), "{queue}");
        }
        for wait in [Duration::ZERO, PasswordSettings::MAX_WAIT * 2] {
            assert!(settings().with_wait(wait).is_err(), "{wait:?}");
        }
        let largest = settings().with_threads(PasswordSettings::MAX_THREADS).unwrap();
        let largest = largest.with_queue(PasswordSettings::MAX_QUEUE).unwrap();
        assert!(largest.with_wait(PasswordSettings::MAX_WAIT).is_ok());
    }
}
