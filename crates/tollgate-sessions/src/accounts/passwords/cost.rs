//! [`HashCost`]: what computing a hash costs, us and whoever tries passwords.

use argon2::Params;

/// What computing an Argon2id hash costs (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// [`HashCost::OWASP`].
impl Default for HashCost {
    fn default() -> Self {
        Self::OWASP
    }
}

impl HashCost {
    /// 19 MiB and 2 passes: what OWASP's Password Storage Cheat Sheet names for Argon2id.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// 46 MiB in one pass: as good, for machines that have the memory.
    pub const OWASP_MORE_MEMORY: Self = Self { memory_kib: 47_104, passes: 1, lanes: 1 };
    /// 64 MiB, 3 passes and 4 lanes: the second choice of RFC 9106 §4. Lanes are computed one after the other here.
    pub const RFC9106: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };

    /// Other numbers.
    ///
    /// # Errors
    /// [`HashCostError`] when they are below what OWASP names as equivalent to [`OWASP`](Self::OWASP), or above what a stored
    /// hash may cost.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, HashCostError> {
        let cost = Self { memory_kib, passes, lanes };
        if !cost.is_bearable() {
            return Err(HashCostError::TooExpensive);
        }
        if memory_kib < MIN_MEMORY_KIB || memory_kib.saturating_mul(passes) < MIN_WORK_KIB || lanes == 0 {
            return Err(HashCostError::TooCheap);
        }
        Ok(cost)
    }

    /// Next to nothing.
    ///
    /// # Security
    /// Such hashes protect no password. It is for tests.
    #[must_use]
    pub const fn insecure_for_tests() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// What a stored hash says that it costs.
    pub(super) const fn of_stored(memory_kib: u32, passes: u32, lanes: u32) -> Self {
        Self { memory_kib, passes, lanes }
    }

    /// Whether it can be had: a row that was imported or slipped in must not take all memory, or minutes.
    pub(super) const fn is_bearable(self) -> bool {
        self.memory_kib <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES
    }

    /// The memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// How often the memory is gone over.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// How many parts of the memory could be computed at the same time.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    /// For a hash of that many bytes; `None` for numbers that Argon2 does not have.
    pub(super) fn params(self, tag_bytes: usize) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(tag_bytes)).ok()
    }
}

/// Why numbers are refused as a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashCostError {
    /// Passwords could be tried too fast.
    #[error("cost is below {MIN_MEMORY_KIB} KiB, or {MIN_WORK_KIB} KiB in all passes together")]
    TooCheap,
    /// A login would take too much.
    #[error("cost is above {MAX_MEMORY_KIB} KiB, {MAX_PASSES} passes or {MAX_LANES} lanes")]
    TooExpensive,
}

/// Of the equivalent settings that OWASP names, 7 MiB and 5 passes has the least memory, and the least work.
const MIN_MEMORY_KIB: u32 = 7 * 1024;
const MIN_WORK_KIB: u32 = 35 * 1024;
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
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
    fn presets_are_within_them() {
        for preset in [HashCost::OWASP, HashCost::OWASP_MORE_MEMORY, HashCost::RFC9106] {
            assert_eq!(HashCost::new(preset.memory_kib, preset.passes, preset.lanes), Ok(preset));
            assert!(preset.params(32).is_some());
        }
        let defaults = Params::default();
        let (memory, passes, lanes) = (defaults.m_cost(), defaults.t_cost(), defaults.p_cost());
        assert_eq!(HashCost::default(), HashCost::of_stored(memory, passes, lanes));
    }
}
