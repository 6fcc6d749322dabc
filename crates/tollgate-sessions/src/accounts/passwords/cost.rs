//! [`HashCost`]: the cost of a hash, for the server and for an attacker who tries passwords.

use argon2::Params;

/// The cost of an Argon2id hash (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The default cost is [`HashCost::OWASP`].
impl Default for HashCost {
    fn default() -> Self {
        Self::OWASP
    }
}

impl HashCost {
    /// 19 MiB and 2 passes: the recommendation of OWASP's Password Storage Cheat Sheet for Argon2id.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// 46 MiB and one pass: an equivalent cost for machines with more memory.
    pub const OWASP_MORE_MEMORY: Self = Self { memory_kib: 47_104, passes: 1, lanes: 1 };
    /// 64 MiB, 3 passes and 4 lanes: the second recommendation of RFC 9106 §4. This crate computes the lanes
    /// one after the other.
    pub const RFC9106: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };

    /// Makes a cost from the memory in KiB, the number of passes over it, and the number of lanes.
    ///
    /// # Errors
    /// [`HashCostError::TooCheap`] below every setting that OWASP names as equivalent to
    /// [`OWASP`](Self::OWASP), and [`HashCostError::TooExpensive`] above the largest cost that a stored hash
    /// may have.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashCostError> {
        let cost = Self { memory_kib, passes, lanes };
        if !cost.is_affordable() {
            return Err(HashCostError::TooExpensive);
        }
        if memory_kib < MIN_MEMORY_KIB || memory_kib.saturating_mul(passes) < MIN_WORK_KIB || lanes == 0 {
            return Err(HashCostError::TooCheap);
        }
        Ok(cost)
    }

    /// Returns the smallest cost that Argon2 allows, for tests.
    ///
    /// # Security
    /// Hashes of this cost protect no password.
    #[must_use]
    pub const fn insecure_for_tests() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// Makes a cost from the numbers in a stored hash, without checks.
    pub(super) const fn of_stored(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }

    /// Returns whether the cost is within the limits. A row that was imported, or that an attacker could write,
    /// must not use all memory or run for minutes.
    pub(super) const fn is_affordable(self) -> bool {
        self.memory_kib <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES
    }

    /// Returns the memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Returns the number of lanes: parts of the memory that could be computed in parallel.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// Returns the parameters for a tag of `tag_bytes`, or `None` for numbers that Argon2 does not allow.
    pub(super) fn params(self, tag_bytes: usize) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(tag_bytes)).ok()
    }
}

/// Why a cost is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashCostError {
    /// An attacker could try passwords too fast.
    #[error("cost is below {MIN_MEMORY_KIB} KiB, or {MIN_WORK_KIB} KiB in all passes together")]
    TooCheap,
    /// A login would use too much memory or time.
    #[error("cost is above {MAX_MEMORY_KIB} KiB, {MAX_PASSES} passes or {MAX_LANES} lanes")]
    TooExpensive,
}

/// Among the equivalent settings that OWASP names, 7 MiB and 5 passes has the least memory and the least work.
const MIN_MEMORY_KIB: u32 = 7 * 1024;
const MIN_WORK_KIB: u32 = 35 * 1024;
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_cost_rejects_numbers_out_of_bounds() {
        for (memory_kib, passes, lanes) in
            [(47_104, 1, 1), (19_456, 2, 1), (12_288, 3, 1), (9_216, 4, 1), (7_168, 5, 1), (262_144, 10, 4)]
        {
            assert!(HashCost::new(memory_kib, passes, lanes).is_ok(), "{memory_kib}, {passes}, {lanes}");
        }
        for (memory_kib, passes, lanes) in [(0, 0, 0), (7_167, 10, 1), (19_456, 1, 1), (65_536, 3, 0)] {
            assert_eq!(HashCost::new(memory_kib, passes, lanes), Err(HashCostError::TooCheap));
        }
        for (memory_kib, passes, lanes) in
            [(262_145, 1, 1), (65_536, 11, 1), (65_536, 3, 5), (u32::MAX, 1, 1)]
        {
            assert_eq!(HashCost::new(memory_kib, passes, lanes), Err(HashCostError::TooExpensive));
        }
    }

    #[test]
    fn presets_are_within_the_bounds() {
        for preset in [HashCost::OWASP, HashCost::OWASP_MORE_MEMORY, HashCost::RFC9106] {
            assert_eq!(HashCost::new(preset.memory_kib, preset.passes, preset.lanes), Ok(preset));
            assert!(preset.params(32).is_some());
        }
        let defaults = Params::default();
        let (memory, passes, lanes) = (defaults.m_cost(), defaults.t_cost(), defaults.p_cost());
        assert_eq!(HashCost::default(), HashCost::of_stored(memory, passes, lanes));
    }
}
