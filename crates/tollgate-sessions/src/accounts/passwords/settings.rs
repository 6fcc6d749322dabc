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
    cost_of_most: Option<HashCost>,
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
            cost_of_most: None,
            peppers: None,
            threads: processors.div_euclid(2).max(1),
            queue: 64,
            wait: Duration::from_secs(1),
        }
    }
}

impl PasswordSettings {
    /// What new hashes cost. Hashes of another cost are replaced when their users log in; until then how long a login
    /// takes tells who has one. See [`with_decoy_cost`](Self::with_decoy_cost).
    #[must_use]
    pub fn with_cost(self, cost: HashCost) -> Self {
        Self { cost, ..self }
    }

    /// What is computed for those who have no hash: what most stored hashes cost, while that is not the cost of new ones.
    /// Those who do not exist then look like most of those who do. By default it is the cost of new hashes.
    #[must_use]
    pub fn with_decoy_cost(self, cost: HashCost) -> Self {
        Self { cost_of_most: Some(cost), ..self }
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

    pub(super) fn cost_of_dummy(&self) -> HashCost {
        self.cost_of_most.unwrap_or(self.cost)
    }

    /// What a thread keeps.
    pub(super) fn memory_kib(&self) -> u32 {
        self.cost.memory_kib().max(self.cost_of_dummy().memory_kib())
    }

    /// The id of the pepper of new hashes.
    pub(super) fn pepper(&self) -> Option<u8> {
        self.peppers.as_ref().map(|peppers| peppers.newest().id())
    }
}
