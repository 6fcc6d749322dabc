//! [`SessionRecord`]: the row that a store keeps for a session.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::id::SessionId;
use super::lifetimes::Lifetimes;
use super::revoke_reason::RevokeReason;
use super::time::UnixMillis;

/// The record that a store keeps of one session. A session has one record, however often it is refreshed.
///
/// Only stores see records; all other code gets a [`SessionInfo`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The ID of the session.
    pub session: SessionId,
    /// The subject that the session belongs to.
    pub subject: Box<str>,
    /// The hash of the secret in the refresh tokens of the session.
    pub secret_hash: SecretHash,
    /// The generation of the current refresh token. The first is 0.
    pub generation: u32,
    /// The generation of the refresh token before the current one, which the store still accepts during the
    /// grace period.
    pub previous_generation: Option<u32>,
    /// When the generation last changed.
    pub rotated_at: UnixMillis,
    /// The subject's epoch when the session began; see [`SessionStore`](crate::store::SessionStore).
    pub epoch: i64,
    /// When the session expires, however often it is refreshed.
    pub absolute_expiry: UnixMillis,
    /// When the session expires without another refresh. Never after
    /// [`absolute_expiry`](Self::absolute_expiry).
    pub idle_expiry: UnixMillis,
    /// Whether the session was revoked, and why.
    pub state: SessionState,
    /// When the session was revoked.
    pub revoked_at: Option<UnixMillis>,
    /// When the subject logged in.
    pub auth_time: UnixMillis,
    /// The fingerprint of the client at the last refresh.
    pub fingerprint: Option<Fingerprint>,
    /// JSON that the application keeps beside the session.
    pub meta: Option<Box<str>>,
}

impl SessionRecord {
    /// Returns a record that has expired, for a store that then sets the fields from its row. If the store leaves a
    /// field unset, the record thus rejects tokens, and accepts none by mistake.
    #[must_use]
    pub fn new(
        session: SessionId,
        subject: impl Into<Box<str>>,
        secret_hash: SecretHash,
        state: SessionState,
    ) -> Self {
        let never = UnixMillis::from_millis(0);
        Self {
            session,
            subject: subject.into(),
            secret_hash,
            generation: 0,
            previous_generation: None,
            rotated_at: never,
            epoch: 0,
            absolute_expiry: never,
            idle_expiry: never,
            state,
            revoked_at: None,
            auth_time: never,
            fingerprint: None,
            meta: None,
        }
    }

    /// Returns the record of a session that begins at `now` with the epoch of its subject.
    #[must_use]
    pub fn begin(new: &NewSession, epoch: i64, now: UnixMillis) -> Self {
        Self {
            rotated_at: now,
            epoch,
            absolute_expiry: now.saturating_add(new.lifetimes.absolute()),
            idle_expiry: now.saturating_add(new.lifetimes.idle()),
            auth_time: now,
            fingerprint: new.fingerprint,
            meta: new.meta.clone(),
            ..Self::new(new.session, new.subject.clone(), new.secret_hash, SessionState::Live)
        }
    }

    /// Returns whether the session can still be refreshed. `epoch` is the epoch of its subject.
    #[must_use]
    pub fn is_live(&self, epoch: i64, now: UnixMillis) -> bool {
        self.state == SessionState::Live
            && self.epoch >= epoch
            && now < self.absolute_expiry
            && now < self.idle_expiry
    }

    /// Moves the session to `generation`, and keeps `previous` for the grace period. The session then expires
    /// `idle` after `now`, and at its absolute expiry at the latest.
    pub fn rotate_to(&mut self, generation: u32, previous: u32, idle: Duration, now: UnixMillis) {
        self.generation = generation;
        self.previous_generation = Some(previous);
        self.rotated_at = now;
        self.idle_expiry = now.saturating_add(idle).min(self.absolute_expiry);
    }

    /// Revokes the session. A session that was revoked before keeps its first reason.
    pub fn revoke(&mut self, reason: RevokeReason, now: UnixMillis) {
        if self.state == SessionState::Live {
            self.state = SessionState::Revoked(reason);
            self.revoked_at = Some(now);
        }
    }

    /// Returns what code outside the store may see of the session.
    #[must_use]
    pub fn info(&self) -> SessionInfo {
        SessionInfo {
            session: self.session,
            subject: self.subject.clone(),
            epoch: self.epoch,
            created_at: self.auth_time,
            last_used_at: self.rotated_at,
            absolute_expiry: self.absolute_expiry,
            idle_expiry: self.idle_expiry,
            generation: self.generation,
            fingerprint: self.fingerprint,
            meta: self.meta.clone(),
        }
    }
}

/// Whether a session was revoked. A revoked session stays revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionState {
    /// The session was not revoked. It may have expired.
    Live,
    /// The session was revoked for this reason.
    Revoked(RevokeReason),
}

impl SessionState {
    /// Returns the number that stores keep for this state: 0 for [`Live`](Self::Live).
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Revoked(reason) => reason.code(),
        }
    }

    /// Returns the state that [`code`](Self::code) stands for. An unknown number was written by a newer
    /// release, and means that the session was revoked.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        if code == 0 { Self::Live } else { Self::Revoked(RevokeReason::from_code(code)) }
    }
}

/// A session for a store to create.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewSession {
    /// The ID of the session.
    pub session: SessionId,
    /// The subject that the session belongs to. It is never empty.
    pub subject: Box<str>,
    /// The hash of the secret in the refresh tokens of the session.
    pub secret_hash: SecretHash,
    /// How long the session lives.
    pub lifetimes: Lifetimes,
    /// The fingerprint of the client.
    pub fingerprint: Option<Fingerprint>,
    /// JSON that the application keeps beside the session.
    pub meta: Option<Box<str>>,
}

impl NewSession {
    /// Returns a session without a fingerprint and without application data.
    pub fn new(
        session: SessionId,
        subject: impl Into<Box<str>>,
        secret_hash: SecretHash,
        lifetimes: Lifetimes,
    ) -> Self {
        Self { session, subject: subject.into(), secret_hash, lifetimes, fingerprint: None, meta: None }
    }

    /// Sets the fingerprint of the client.
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: Option<Fingerprint>) -> Self {
        Self { fingerprint, ..self }
    }

    /// Sets the JSON that the application keeps beside the session.
    #[must_use]
    pub fn with_meta(self, meta: Option<Box<str>>) -> Self {
        Self { meta, ..self }
    }
}

/// A session without its secrets, as its owner or an administrator may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The ID of the session: the `sid` claim.
    pub session: SessionId,
    /// The subject that the session belongs to: the `sub` claim.
    pub subject: Box<str>,
    /// The epoch that the access tokens of the session carry: the `sep` claim.
    pub epoch: i64,
    /// When the subject logged in: the `auth_time` claim.
    pub created_at: UnixMillis,
    /// When the session was last refreshed; at first, when it began.
    pub last_used_at: UnixMillis,
    /// When the session expires, however often it is refreshed.
    pub absolute_expiry: UnixMillis,
    /// When the session expires without another refresh.
    pub idle_expiry: UnixMillis,
    /// The generation of the current refresh token.
    pub generation: u32,
    /// The fingerprint of the client at the last refresh.
    pub fingerprint: Option<Fingerprint>,
    /// JSON that the application keeps beside the session.
    pub meta: Option<Box<str>>,
}

/// The hash of the secret part of a refresh token. It is compared in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Makes the hash from its 32 bytes, as a store has kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes, for a store to keep.
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

/// The fingerprint of a client: 8 bytes of a keyed hash of its description of itself; see
/// [`RefreshKeys::fingerprint`](crate::RefreshKeys::fingerprint).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// Makes the fingerprint from its 8 bytes, as a store has kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Returns the 8 bytes, for a store to keep.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}
