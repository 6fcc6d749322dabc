//! [`RevokeReason`]: why a session was revoked.

/// Why a session was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevokeReason {
    /// The user logged out.
    Logout,
    /// All sessions of the subject, or of all subjects, were revoked.
    SubjectRevoked,
    /// A refresh token was used a second time, after its grace period.
    Reuse,
    /// The user changed the password.
    PasswordChange,
    /// An administrator revoked the session.
    Administrator,
    /// The subject had more sessions than the settings allow.
    TooManySessions,
    /// The reason was written by a newer release.
    Other,
}

impl RevokeReason {
    /// Returns the number that stores keep for this reason. It is never 0.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Logout => 1,
            Self::SubjectRevoked => 2,
            Self::Reuse => 3,
            Self::PasswordChange => 4,
            Self::Administrator => 5,
            Self::TooManySessions => 6,
            Self::Other => 255,
        }
    }

    /// Returns the reason that [`code`](Self::code) stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Logout,
            2 => Self::SubjectRevoked,
            3 => Self::Reuse,
            4 => Self::PasswordChange,
            5 => Self::Administrator,
            6 => Self::TooManySessions,
            _ => Self::Other,
        }
    }
}
