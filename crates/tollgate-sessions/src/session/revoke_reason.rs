//! [`RevokeReason`]: why a session was revoked.

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// Its user logged out.
    Logout,
    /// All sessions of its subject, or of everybody, were ended.
    SubjectRevoked,
    /// A refresh token was used twice.
    Reuse,
    /// The password was changed.
    PasswordChange,
    /// An administrator ended it.
    Administrator,
    /// The subject had too many.
    Displaced,
    /// For a reason that this release does not know.
    Other,
}

impl EndReason {
    /// A number to keep in a store, never 0.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Logout => 1,
            Self::SubjectRevoked => 2,
            Self::Reuse => 3,
            Self::PasswordChange => 4,
            Self::Administrator => 5,
            Self::Displaced => 6,
            Self::Other => 255,
        }
    }

    /// What [`code`](Self::code) stands for.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Logout,
            2 => Self::SubjectRevoked,
            3 => Self::Reuse,
            4 => Self::PasswordChange,
            5 => Self::Administrator,
            6 => Self::Displaced,
            _ => Self::Other,
        }
    }
}
