//! [`FetchOutcome`]: how a refresh ended, for counting.

use std::fmt;

/// How a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FetchOutcome {
    /// Keys that were not known before.
    New,
    /// The keys that were known: 304, or the same document again.
    Unchanged,
    /// No complete answer in time.
    Timeout,
    /// No connection, or one that broke.
    Unreachable,
    /// A status other than 200, redirects included.
    Status,
    /// A document that is no key set, or has no usable key; too large; of the wrong type.
    Document,
    /// The issuer's metadata cannot be used.
    Metadata,
}

impl FetchOutcome {
    /// All outcomes, good ones first.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Unchanged,
        Self::Timeout,
        Self::Unreachable,
        Self::Status,
        Self::Document,
        Self::Metadata,
    ];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Status => "status",
            Self::Document => "document",
            Self::Metadata => "metadata",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::New => 0,
            Self::Unchanged => 1,
            Self::Timeout => 2,
            Self::Unreachable => 3,
            Self::Status => 4,
            Self::Document => 5,
            Self::Metadata => 6,
        }
    }

    /// Whether the keys are confirmed by it.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::New | Self::Unchanged)
    }
}

impl fmt::Display for FetchOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_place_of_its_own() {
        for (index, outcome) in FetchOutcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), index);
        }
    }
}
