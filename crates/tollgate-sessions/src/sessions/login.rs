//! [`Login`]: what begins a session, and [`IssuedSession`]: what a client gets for it.

use super::tokens::{RefreshToken, RefreshTokenFlags};
use crate::session::SessionInfo;
use crate::store::RefreshKind;

/// The subject of a new session, and the settings of that session.
///
/// The caller has authenticated the subject: [`Sessions::create`](super::Sessions::create) checks no password.
#[derive(Clone, Debug)]
pub struct Login {
    pub(super) subject: Box<str>,
    pub(super) flags: RefreshTokenFlags,
    pub(super) client: Option<Box<str>>,
    pub(super) meta: Option<Box<str>>,
}

impl Login {
    /// Describes a login of `subject`: a persistent session, with refresh tokens in request and response bodies.
    pub fn new(subject: impl Into<Box<str>>) -> Self {
        Self { subject: subject.into(), flags: RefreshTokenFlags::default(), client: None, meta: None }
    }

    /// Binds the refresh tokens to a cookie: [`Sessions`](super::Sessions) rejects them in a body.
    #[must_use]
    pub fn with_cookie_transport(self) -> Self {
        Self { flags: self.flags.cookie_bound(), ..self }
    }

    /// Makes the session transient: it has the shorter lifetimes, as for a shared machine. The default is persistent.
    #[must_use]
    pub fn with_transient_lifetime(self) -> Self {
        Self { flags: self.flags.transient(), ..self }
    }

    /// Sets the client's description of itself: its family and platform, as in `Firefox/Linux`. The store gets
    /// a keyed hash of it.
    #[must_use]
    pub fn with_client(self, client: impl Into<Box<str>>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// Sets JSON that the store keeps beside the session. Every refresh returns it.
    #[must_use]
    pub fn with_meta(self, meta: impl Into<Box<str>>) -> Self {
        Self { meta: Some(meta.into()), ..self }
    }
}

/// A session, and the refresh token to send to its client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedSession {
    /// The refresh token. Send it by the transport that its [flags](RefreshToken::flags) name.
    pub refresh_token: RefreshToken,
    /// The session that the token belongs to.
    pub session: SessionInfo,
    /// How the session was refreshed; `None` when it has just begun.
    pub kind: Option<RefreshKind>,
}

/// How a client presented a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenTransport {
    /// The token was in the body of a request.
    Body,
    /// The token was in a cookie.
    Cookie,
}
