//! [`Login`]: what a session is begun with, and [`Issued`]: what comes of it.

use crate::sessions::tokens::{RefreshToken, TokenFlags};
use crate::store::RenewalKind;
use crate::session::SessionView;

/// Who has logged in, and how. Whether the password was right is checked before.
#[derive(Clone, Debug)]
pub struct Login {
    pub(super) subject: Box<str>,
    pub(super) flags: TokenFlags,
    pub(super) client: Option<Box<str>>,
    pub(super) meta: Option<Box<str>>,
}

impl Login {
    /// A session of `subject`, to be remembered, whose refresh tokens travel in bodies.
    pub fn new(subject: impl Into<Box<str>>) -> Self {
        Self { subject: subject.into(), flags: TokenFlags::default(), client: None, meta: None }
    }

    /// Refresh tokens travel in a cookie and nowhere else.
    #[must_use]
    pub fn in_cookie(self) -> Self {
        Self { flags: self.flags.cookie_bound(), ..self }
    }

    /// The session has the shorter limits, as on a machine that others use.
    #[must_use]
    pub fn not_remembered(self) -> Self {
        Self { flags: self.flags.transient(), ..self }
    }

    /// What the client says of itself: its family and platform, as in `Firefox/Linux`. A keyed hash of it is kept.
    #[must_use]
    pub fn with_client(self, client: impl Into<Box<str>>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// Keeps JSON beside the session. It is given back at each renewal.
    #[must_use]
    pub fn with_meta(self, meta: impl Into<Box<str>>) -> Self {
        Self { meta: Some(meta.into()), ..self }
    }
}

/// A refresh token to hand out, and its session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The token. It goes out the way that its flags say.
    pub refresh_token: RefreshToken,
    /// The session.
    pub session: SessionView,
    /// How it was renewed; `None` when it has just begun.
    pub kind: Option<RenewalKind>,
}

/// How a refresh token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// In the body of a request.
    Body,
    /// In a cookie.
    Cookie,
}
