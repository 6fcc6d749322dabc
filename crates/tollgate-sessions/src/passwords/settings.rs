//! [`PasswordSettings`]: what the operator chooses.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use super::cost::HashCost;
use super::pepper::Peppers;

/// What the operator chooses about hashing passwords.
#[derive(Clone, Debug)]
pub struct PasswordSettings {
    pub(super) cost: HashCost,
    pub(super) peppers: Option<Peppers>,
    pub(super) threads: usize,
    pub(super) queue: usize,
    pub(super) wait: Duration,
}

/// [`HashCost::OWASP`], no pepper, a thread for every two processors, 64 waiting, for a second at most.
impl Default for PasswordSettings {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            cost: HashCost::default(),
            peppers: None,
            threads: processors.div_euclid(2).max(1),
            queue: 64,
            wait: Duration::from_secs(1),
        }
    }
}

impl PasswordSettings {
    /// What new hashes cost. Hashes of another cost are replaced when their users log in; until then how long a login
    /// takes tells who has one.
    #[must_use]
    pub fn with_cost(self, cost: HashCost) -> Self {
        Self { cost, ..self }
    }

    /// Hashes passwords with a secret.
    #[must_use]
    pub fn with_peppers(self, peppers: Peppers) -> Self {
        Self { peppers: Some(peppers), ..self }
    }

    /// How many hashes are computed at the same time; at least one. Each thread keeps the memory of one hash.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// How many may wait for a thread; at least one.
    #[must_use]
    pub fn with_queue(self, queue: usize) -> Self {
        Self { queue: queue.max(1), ..self }
    }

    /// How long they wait.
    #[must_use]
    pub fn with_wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}
