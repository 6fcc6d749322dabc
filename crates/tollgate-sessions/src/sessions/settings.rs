//! [`SessionSettings`]: what the operator chooses.

use std::time::Duration;

use crate::sessions::tokens::TokenFlags;
use crate::store::RotationPolicy;
use crate::store::MAX_ABSOLUTE_LIFETIME;

/// What the operator chooses about sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    pub(super) rotation: RotationPolicy,
    remembered: Lifetimes,
    not_remembered: Lifetimes,
    pub(super) per_subject: usize,
    pub(super) foreign_replays: ForeignReplays,
    pub(super) store_timeout: Duration,
}

/// 14 days idle and 30 days at most; 12 and 24 hours where a session is not to be remembered; 100 sessions a subject.
impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            rotation: RotationPolicy::default(),
            remembered: Lifetimes::new(days(14), days(30)),
            not_remembered: Lifetimes::new(hours(12), hours(24)),
            per_subject: 100,
            foreign_replays: ForeignReplays::Report,
            store_timeout: Duration::from_secs(2),
        }
    }
}

impl SessionSettings {
    /// How renewal works.
    #[must_use]
    pub fn with_rotation(self, rotation: RotationPolicy) -> Self {
        Self { rotation, ..self }
    }

    /// How long sessions live.
    #[must_use]
    pub fn with_lifetimes(self, remembered: Lifetimes) -> Self {
        Self { remembered, ..self }
    }

    /// How long sessions live that are not to be remembered.
    #[must_use]
    pub fn with_lifetimes_not_remembered(self, not_remembered: Lifetimes) -> Self {
        Self { not_remembered, ..self }
    }

    /// How many sessions a subject may have; at least one.
    #[must_use]
    pub fn with_sessions_per_subject(self, per_subject: usize) -> Self {
        Self { per_subject: per_subject.max(1), ..self }
    }

    /// What to do about a token that another client presents again within the window.
    #[must_use]
    pub fn with_foreign_replays(self, foreign_replays: ForeignReplays) -> Self {
        Self { foreign_replays, ..self }
    }

    /// How long to wait for the store.
    #[must_use]
    pub fn with_store_timeout(self, store_timeout: Duration) -> Self {
        Self { store_timeout, ..self }
    }

    /// How long a session with these flags lives.
    #[must_use]
    pub fn lifetimes(&self, flags: TokenFlags) -> Lifetimes {
        if flags.is_transient() { self.not_remembered } else { self.remembered }
    }
}

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lifetimes {
    /// Without being renewed.
    pub idle: Duration,
    /// At most. Renewal does not extend it.
    pub absolute: Duration,
}

impl Lifetimes {
    /// `absolute` is at most [`MAX_ABSOLUTE_LIFETIME`], and `idle` at most that.
    #[must_use]
    pub fn new(idle: Duration, absolute: Duration) -> Self {
        let absolute = absolute.min(MAX_ABSOLUTE_LIFETIME);
        Self { idle: idle.min(absolute), absolute }
    }
}

/// What to do about a token that another client, by its [`Fingerprint`](crate::Fingerprint), presents again within the window.
///
/// Who copies a token and always uses it within the window of its owner is not found out by reuse. This narrows it: the
/// two have to look alike too. It is no proof, as clients say of themselves what they like; only tokens bound to a key of the
/// client would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForeignReplays {
    /// Log it, as clients change what they say of themselves; end the session when it happens in the third generation in a
    /// row.
    ///
    /// Generations are counted in this process, for the 4096 sessions where it happened last: several processes
    /// behind one address each see but some of them, and a restart forgets them.
    Report,
    /// End the session at once.
    End,
}

impl ForeignReplays {
    /// In which generation in a row it is once too often.
    pub(super) const fn allowed(self) -> u32 {
        match self {
            Self::Report => 3,
            Self::End => 1,
        }
    }
}

const fn days(count: u64) -> Duration {
    hours(count.saturating_mul(24))
}

const fn hours(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(3600))
}
