//! [`Login`]: what begins a session, and [`IssuedSession`]: what a client gets for it.

use super::tokens::{RefreshToken, RefreshTokenFlags};
use crate::session::SessionInfo;
use crate::store::RefreshKind;

/// A subject that has logged in, and how its session is to live.
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
    /// Begins a persistent session of `subject`, with refresh tokens in request and response bodies.
    pub fn new(subject: impl Into<Box<str>>) -> Self {
        Self { subject: subject.into(), flags: RefreshTokenFlags::default(), client: None, meta: None }
    }

    /// Binds the refresh tokens to a cookie: they are refused in a body.
    #[must_use]
    pub fn with_cookie_transport(self) -> Self {
        Self { flags: self.flags.cookie_bound(), ..self }
    }

    /// Makes the session transient: it has the shorter lifetimes, as on a shared machine.
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

/// A session, and the refresh token to hand out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedSession {
    /// The refresh token, to be handed out by the transport that its flags name.
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
