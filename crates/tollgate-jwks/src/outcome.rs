//! [`FetchOutcome`]: the outcome of a refresh, for metrics.

use std::fmt;

/// The outcome of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FetchOutcome {
    /// The document has changed.
    New,
    /// The document is unchanged: the response was 304, or had the same bytes.
    Unchanged,
    /// The response was not complete within the timeout.
    Timeout,
    /// The connection failed, or the request could not be made.
    Unreachable,
    /// The status was not 200; this includes redirects.
    Status,
    /// The document is not a key set, has no usable key, is too large or is of the wrong type.
    Document,
    /// The issuer's metadata cannot be used.
    Metadata,
}

impl FetchOutcome {
    /// All outcomes, with successes first.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Unchanged,
        Self::Timeout,
        Self::Unreachable,
        Self::Status,
        Self::Document,
        Self::Metadata,
    ];

    /// Returns the name of the outcome in logs and metrics.
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

    /// Returns the index of the outcome in [`ALL`](Self::ALL).
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

    /// Returns whether this outcome confirms the keys.
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
    fn each_outcome_has_its_own_index() {
        for (index, outcome) in FetchOutcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome.index(), index);
        }
    }
}
