//! [`SessionRecord`]: the one row that a store keeps for a session, however often it is renewed.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::id::SessionId;
use super::time::UnixMillis;
use super::revoke_reason::EndReason;

/// What a store keeps of one session. Only stores see it; everybody else gets a [`SessionView`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores outside this crate make it from what they keep")]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub subject: Box<str>,
    /// The hash of the secret in its refresh tokens.
    pub secret_hash: SecretHash,
    /// The generation of the current refresh token; the first is 0.
    pub generation: u32,
    /// The generation that was current before, and is still answered for a while.
    pub grace: Option<u32>,
    /// When the generation last changed.
    pub rotated_at: UnixMillis,
    /// The subject's epoch when the session began; see [`SessionStore`](crate::SessionStore).
    pub epoch: i64,
    /// When it ends, however often it is renewed.
    pub absolute_expiry: UnixMillis,
    /// When it ends unless it is renewed. Never after [`absolute_expiry`](Self::absolute_expiry).
    pub idle_expiry: UnixMillis,
    /// Whether it was ended, and why.
    pub state: SessionState,
    /// When it was ended.
    pub ended_at: Option<UnixMillis>,
    /// When the subject logged in.
    pub auth_time: UnixMillis,
    /// What the client looked like at its last renewal.
    pub fingerprint: Option<Fingerprint>,
    /// What the application keeps beside the session.
    pub meta: Option<Box<str>>,
}

impl SessionRecord {
    /// The record of a session that begins at `now` with the epoch of its subject.
    #[must_use]
    pub fn begin(new: &NewSession, epoch: i64, now: UnixMillis) -> Self {
        Self {
            session: new.session,
            subject: new.subject.clone(),
            secret_hash: new.secret_hash,
            generation: 0,
            grace: None,
            rotated_at: now,
            epoch,
            absolute_expiry: now.saturating_add(new.absolute),
            idle_expiry: now.saturating_add(new.idle.min(new.absolute)),
            state: SessionState::Live,
            ended_at: None,
            auth_time: now,
            fingerprint: new.fingerprint,
            meta: new.meta.clone(),
        }
    }

    /// Whether the session can still be renewed, `epoch` being that of its subject.
    #[must_use]
    pub fn is_live(&self, epoch: i64, now: UnixMillis) -> bool {
        self.state == SessionState::Live
            && self.epoch >= epoch
            && now < self.absolute_expiry
            && now < self.idle_expiry
    }

    /// What everybody may know of it.
    #[must_use]
    pub fn view(&self) -> SessionView {
        SessionView {
            session: self.session,
            subject: self.subject.clone(),
            epoch: self.epoch,
            auth_time: self.auth_time,
            rotated_at: self.rotated_at,
            absolute_expiry: self.absolute_expiry,
            idle_expiry: self.idle_expiry,
            generation: self.generation,
            fingerprint: self.fingerprint,
            meta: self.meta.clone(),
        }
    }
}

/// Whether a session was ended. Once it was, it stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// It was not.
    Live,
    /// It was.
    Ended(EndReason),
}

impl SessionState {
    /// A number to keep in a store: 0 for [`Live`](Self::Live).
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Ended(reason) => reason.code(),
        }
    }

    /// What [`code`](Self::code) stands for. A number that is not known is an end: it was written by a newer release.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        if code == 0 { Self::Live } else { Self::Ended(EndReason::from_code(code)) }
    }
}

/// A session to be created.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests of stores outside this crate make it")]
pub struct NewSession {
    /// Its id.
    pub session: SessionId,
    /// Whose it is. Not empty.
    pub subject: Box<str>,
    /// The hash of the secret in its refresh tokens.
    pub secret_hash: SecretHash,
    /// How long it lives without being renewed.
    pub idle: Duration,
    /// How long it lives at most.
    pub absolute: Duration,
    /// What the client looks like.
    pub fingerprint: Option<Fingerprint>,
    /// What the application wants to keep beside it.
    pub meta: Option<Box<str>>,
}

/// A session as its owner, or an administrator, may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionView {
    /// The session; the `sid` claim.
    pub session: SessionId,
    /// Whose it is; the `sub` claim.
    pub subject: Box<str>,
    /// The epoch that its access tokens carry; the `sep` claim.
    pub epoch: i64,
    /// When the subject logged in.
    pub auth_time: UnixMillis,
    /// When it was last renewed.
    pub rotated_at: UnixMillis,
    /// When it ends at the latest.
    pub absolute_expiry: UnixMillis,
    /// When it ends unless it is renewed.
    pub idle_expiry: UnixMillis,
    /// How often it was renewed.
    pub generation: u32,
    /// What the client looked like at its last renewal.
    pub fingerprint: Option<Fingerprint>,
    /// What the application keeps beside it.
    pub meta: Option<Box<str>>,
}

/// The hash of the secret part of a refresh token. Compared in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept in a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// What a client looks like: 8 bytes of a keyed hash, see [`RefreshKeys::fingerprint`](crate::RefreshKeys::fingerprint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept in a store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}
