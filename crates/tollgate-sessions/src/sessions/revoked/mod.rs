//! [`RevokedSessions`]: rejects access tokens of revoked sessions at a gate.

mod revoked_set;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::timeout;
use tollgate::{Issuer, Revocations, RevocationsUnavailable, UnixTime, Verified};
use tracing::{info, warn};

use crate::session::{SessionClaims, StoreClock, UnixMillis};
use crate::store::{RevocationEntry, RevocationFeed, StoreError, StoreErrorKind};
use revoked_set::RevokedSet;

/// The revoked sessions, in memory, so that a gate can check tokens without a query. Cheap to clone; clones
/// share their state.
///
/// [`follow`](Self::follow) reads revocations from a [`RevocationFeed`]. Every session store is one.
///
/// This checks tokens of one issuer, and accepts tokens of all others. It uses the claims `sid` and `sep`,
/// which [`AccessToken::of_session`](crate::issuing::AccessToken::of_session) sets, and `sub` and `iat` for
/// tokens without them. To revoke single tokens as well, pair it with a
/// [`RevocationList`](tollgate::RevocationList): `gate.with_revocations((revoked, list))`.
///
/// # Security
/// A revocation takes effect here when the feed announces it: at once in the process that revoked the session,
/// and in other processes with the next poll at the latest, every two seconds. Until the feed has answered for
/// the first time, the [`StalePolicy`] applies.
///
/// # Examples
/// ```
/// use tollgate::{Algorithm, Audience, Gate, Issuer, Verifier};
/// use tollgate_sessions::{RefreshKey, RefreshKeys, RevokedSessions, Sessions, SigningKey, TokenIssuer};
/// use tollgate_sessions::store::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let (issuer, audience) = (Issuer::new("https://issuer.example")?, Audience::new("api://demo")?);
/// let verifier = Verifier::new(key.verifying_key()?, issuer.clone(), audience.clone());
/// let token_issuer = TokenIssuer::new(key, issuer.clone(), audience);
/// # let key = RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?;
/// # let refresh_keys = RefreshKeys::new(key);
/// let sessions = Sessions::new(MemoryStore::new(), refresh_keys, token_issuer.lifetime());
///
/// let revoked = RevokedSessions::new(issuer);
/// tokio::spawn(revoked.clone().follow(sessions.store()));
/// let gate = Gate::new(verifier).with_revocations(revoked);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RevokedSessions(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    stale_policy: StalePolicy,
    clock: StoreClock,
    revoked: RwLock<RevokedSet>,
    /// When the feed last answered with its last page, in milliseconds since the epoch. [`NEVER`] before the
    /// first time.
    updated_at: AtomicI64,
}

/// What a gate does while the feed does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StalePolicy {
    /// Responds to requests with 503.
    FailClosed {
        /// How old the last answer of the feed may be.
        after: Duration,
    },
    /// Uses the last known state. A gate may accept a token of a revoked session until the token expires.
    AcceptUntilExpiry,
}

/// The state of [`RevokedSessions`], for a health check or for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// How long ago the feed last answered. `None` when it never has.
    pub last_update: Option<Duration>,
    /// Whether the last answer is older than [`StalePolicy::FailClosed`] allows. With
    /// [`StalePolicy::AcceptUntilExpiry`], whether it is more than thirty seconds old.
    pub is_stale: bool,
    /// The number of revoked sessions. Each one counts until its last access token has expired.
    pub sessions: usize,
    /// The number of subjects whose sessions were all revoked. Each one counts until the last access token has
    /// expired.
    pub subjects: usize,
}

impl RevokedSessions {
    /// Creates a check of the tokens of `issuer`, without any revocations yet. By default, it fails closed when
    /// the feed has not answered for thirty seconds.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self(Arc::new(Inner {
            issuer,
            stale_policy: StalePolicy::FailClosed { after: STALE_AFTER },
            clock: StoreClock::server(),
            revoked: RwLock::default(),
            updated_at: AtomicI64::new(NEVER),
        }))
    }

    /// Sets the policy for a feed that does not answer. Call this before [`follow`](Self::follow), because the result
    /// has no revocations yet and does not share the state of other clones.
    #[must_use]
    pub fn with_stale_policy(self, stale_policy: StalePolicy) -> Self {
        let (issuer, clock) = (self.0.issuer.clone(), self.0.clock.clone());
        Self(Arc::new(Inner { stale_policy, clock, ..Inner::empty(issuer) }))
    }

    /// Sets the clock, which must agree with the clock of the gate. Call this before [`follow`](Self::follow), because
    /// the result has no revocations yet and does not share the state of other clones.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        let (issuer, stale_policy) = (self.0.issuer.clone(), self.0.stale_policy);
        Self(Arc::new(Inner { stale_policy, clock, ..Inner::empty(issuer) }))
    }

    /// Returns how long ago the feed last answered, or `None` when it never has.
    #[must_use]
    pub fn age(&self, now: UnixTime) -> Option<Duration> {
        let updated_at = self.0.updated_at.load(Ordering::Acquire);
        (updated_at != NEVER).then(|| now.since(UnixMillis::from_millis(updated_at).to_unix_time()))
    }

    /// Returns the state of the feed and the number of revocations, for a health check or for metrics.
    #[must_use]
    pub fn status(&self, now: UnixTime) -> FeedStatus {
        let last_update = self.age(now);
        let after = match self.0.stale_policy {
            StalePolicy::FailClosed { after } => after,
            StalePolicy::AcceptUntilExpiry => STALE_AFTER,
        };
        let (sessions, subjects) = self.0.revoked.read().unwrap_or_else(PoisonError::into_inner).len();
        FeedStatus { last_update, is_stale: last_update.is_none_or(|age| age > after), sessions, subjects }
    }

    /// Reads the feed until the future is dropped. Spawn this as a background task.
    ///
    /// # Examples
    /// ```
    /// use tollgate::Issuer;
    /// use tollgate_sessions::RevokedSessions;
    /// use tollgate_sessions::store::MemoryStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A service that only verifies access tokens opens the store of the issuer.
    /// let store = MemoryStore::new();
    ///
    /// let revoked = RevokedSessions::new(Issuer::new("https://issuer.example")?);
    /// let following = tokio::spawn(revoked.clone().follow(store));
    /// // At shutdown:
    /// following.abort();
    /// # Ok(()) }
    /// ```
    pub async fn follow(self, feed: impl RevocationFeed) {
        let mut cursor = None;
        let mut failing = false;
        loop {
            // Subscribe before reading, so as not to miss an announcement in between.
            let changed = feed.changed();
            let read =
                timeout(READ_TIMEOUT, feed.revocations(cursor.as_ref())).await.unwrap_or_else(|_elapsed| {
                    Err(StoreError::new(StoreErrorKind::Unavailable, "the feed does not answer"))
                });
            match read {
                Ok(page) => {
                    self.apply(page.entries);
                    cursor = Some(page.cursor);
                    if page.more {
                        continue;
                    }
                    self.0.updated_at.store(self.0.clock.now().as_millis(), Ordering::Release);
                    if std::mem::take(&mut failing) {
                        info!("revocation feed answers again");
                    }
                }
                Err(error) if !failing => {
                    warn!(%error, "revocation feed does not answer");
                    failing = true;
                }
                Err(_again) => {}
            }
            // Read again after a signal, and after the poll interval.
            drop(timeout(POLL_INTERVAL, changed).await);
        }
    }

    fn apply(&self, entries: Vec<RevocationEntry>) {
        let mut revoked = self.0.revoked.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            revoked.add(entry);
        }
        revoked.evict_expired(self.0.clock.now());
    }

    fn check_age(&self, now: UnixTime) -> Result<(), RevocationsUnavailable> {
        let StalePolicy::FailClosed { after } = self.0.stale_policy else { return Ok(()) };
        match self.age(now) {
            Some(age) if age <= after => Ok(()),
            Some(age) => {
                let secs = age.as_secs();
                Err(RevocationsUnavailable::new(
                    format!("last update of revoked sessions was {secs} s ago"),
                    POLL_INTERVAL,
                ))
            }
            None => Err(RevocationsUnavailable::new("revocation feed has not answered yet", POLL_INTERVAL)),
        }
    }
}

impl Inner {
    fn empty(issuer: Issuer) -> Self {
        Self {
            issuer,
            stale_policy: StalePolicy::AcceptUntilExpiry,
            clock: StoreClock::server(),
            revoked: RwLock::default(),
            updated_at: AtomicI64::new(NEVER),
        }
    }
}

impl Revocations for RevokedSessions {
    /// Returns `true` for a token of this issuer with malformed session claims.
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        if token.issuer() != self.0.issuer.as_str() {
            return Ok(false);
        }
        self.check_age(now)?;
        let Ok(claims) = token.claims::<SessionClaims>() else { return Ok(true) };
        let revoked = self.0.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if claims.sid.is_some() && claims.session().is_none_or(|session| revoked.has_session(session)) {
            return Ok(true);
        }
        let min_epoch = revoked.min_epoch(token.subject().unwrap_or_default());
        Ok(match (claims.sep, token.issued_at()) {
            _ if min_epoch == 0 => false,
            (Some(epoch), _) => epoch < min_epoch,
            // `iat` has whole seconds only, and epochs are milliseconds: reject tokens of the same second.
            (None, Some(issued_at)) => issued_at.as_secs().saturating_mul(1000) <= min_epoch,
            (None, None) => true,
        })
    }
}

impl fmt::Debug for RevokedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokedSessions")
            .field("issuer", &self.0.issuer)
            .field("stale_policy", &self.0.stale_policy)
            .finish_non_exhaustive()
    }
}

const NEVER: i64 = i64::MIN;
/// Fifteen times the poll interval.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// How often to read a feed that signals no change.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
const READ_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
