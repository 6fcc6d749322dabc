//! [`RevokedSessions`]: what a gate knows about sessions that have ended.

mod known;

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;
use tollgate::{Issuer, Revocations, RevocationsUnavailable, UnixTime, Verified};
use tracing::{info, warn};

use crate::session::{SessionId, StoreClock, UnixMillis};
use crate::store::{RevocationEntry, RevocationFeed, StoreError, StoreErrorKind};
use known::Known;

/// The sessions that have ended, in memory, for a gate to ask. Cheap to clone; clones know the same.
///
/// It learns from a [`RevocationFeed`], which the store of the sessions is:
///
/// ```no_run
/// # fn of(gate: tollgate::Gate, sessions: tollgate_sessions::Sessions) -> Result<tollgate::Gate, tollgate::ConfigError> {
/// use tollgate_sessions::RevokedSessions;
///
/// let revoked = RevokedSessions::new(tollgate::Issuer::new("https://issuer.example")?);
/// tokio::spawn(revoked.clone().follow(sessions.store()));
/// Ok(gate.with_revocations(revoked))
/// # }
/// ```
///
/// It judges tokens of one issuer by their claims `sid` and `sep`, which
/// [`AccessToken::of_session`](crate::AccessToken::of_session) sets, and those without by `sub` and `iat`. Tokens of other issuers are
/// none of its business. Single tokens are withdrawn by a list beside it, as a pair:
/// `gate.with_revocations((revoked, list))`.
///
/// # Security
/// An end is known here as soon as the feed says so: at once in the process that has ended the session, elsewhere with
/// the next poll, every two seconds. Until the first answer of the feed nothing is known, and [`WhenStale`] decides.
#[derive(Clone)]
pub struct RevokedSessions(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    when_stale: WhenStale,
    clock: StoreClock,
    known: RwLock<Known>,
    /// When the feed last said that there is nothing newer; in milliseconds, [`NEVER`] before the first time.
    confirmed_at: AtomicI64,
}

/// What to do while the feed does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenStale {
    /// Refuse to judge when its last answer is older than this: requests are answered with 503.
    FailClosed {
        /// How old it may be.
        after: Duration,
    },
    /// Go by what is known. A token of an ended session may be good until it expires.
    AcceptUntilExpiry,
}

/// How well [`RevokedSessions`] are informed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedStatus {
    /// How long ago the feed last answered; `None` when it never did.
    pub last_heard: Option<Duration>,
    /// Whether that is too long ago: then [`WhenStale`] decides. A policy that goes on for ever counts it from thirty
    /// seconds on.
    pub is_stale: bool,
    /// How many ended sessions are known, each until its last access token has expired.
    pub sessions: usize,
    /// How many subjects are known all of whose sessions were ended, likewise.
    pub subjects: usize,
}

impl RevokedSessions {
    /// Judges tokens of `issuer`. It fails closed when the feed has not answered for thirty seconds.
    #[must_use]
    pub fn new(issuer: Issuer) -> Self {
        Self(Arc::new(Inner {
            issuer,
            when_stale: WhenStale::FailClosed { after: STALE_AFTER },
            clock: StoreClock::of_the_store(),
            known: RwLock::default(),
            confirmed_at: AtomicI64::new(NEVER),
        }))
    }

    /// The same, knowing nothing yet, by another policy.
    #[must_use]
    pub fn when_stale(self, when_stale: WhenStale) -> Self {
        let (issuer, clock) = (self.0.issuer.clone(), self.0.clock.clone());
        Self(Arc::new(Inner { when_stale, clock, ..Inner::empty(issuer) }))
    }

    /// The same, knowing nothing yet, by another clock. It has to agree with that of the gate.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        let (issuer, when_stale) = (self.0.issuer.clone(), self.0.when_stale);
        Self(Arc::new(Inner { when_stale, clock, ..Inner::empty(issuer) }))
    }

    /// How long ago the feed last answered; `None` when it never did.
    #[must_use]
    pub fn staleness(&self, now: UnixTime) -> Option<Duration> {
        let confirmed_at = self.0.confirmed_at.load(Ordering::Acquire);
        (confirmed_at != NEVER).then(|| now.since(UnixMillis::from_millis(confirmed_at).to_unix_time()))
    }

    /// What is known, and since when, for a health check and for metrics.
    #[must_use]
    pub fn status(&self, now: UnixTime) -> FeedStatus {
        let last_heard = self.staleness(now);
        let after = match self.0.when_stale {
            WhenStale::FailClosed { after } => after,
            WhenStale::AcceptUntilExpiry => STALE_AFTER,
        };
        let (sessions, subjects) = self.0.known.read().unwrap_or_else(PoisonError::into_inner).len();
        FeedStatus { last_heard, is_stale: last_heard.is_none_or(|age| age > after), sessions, subjects }
    }

    /// Reads the feed for ever. To be spawned; dropping it stops it.
    pub async fn follow(self, feed: impl RevocationFeed) {
        let mut cursor = None;
        let mut failing = false;
        loop {
            // Made before the feed is read, so that nothing announced in between is missed.
            let changed = feed.changed();
            let read =
                timeout(ANSWER_WITHIN, feed.revocations(cursor.as_ref())).await.unwrap_or_else(|_elapsed| {
                    Err(StoreError::new(StoreErrorKind::Unavailable, "the feed does not answer"))
                });
            match read {
                Ok(page) => {
                    self.learn(page.entries);
                    cursor = Some(page.cursor);
                    if page.more {
                        continue;
                    }
                    self.0.confirmed_at.store(self.0.clock.now().as_millis(), Ordering::Release);
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
            // It has changed, or the time is up: both mean to read again.
            drop(timeout(POLL, changed).await);
        }
    }

    fn learn(&self, entries: Vec<RevocationEntry>) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            known.add(entry);
        }
        known.forget(self.0.clock.now());
    }

    fn must_be_fresh(&self, now: UnixTime) -> Result<(), RevocationsUnavailable> {
        let WhenStale::FailClosed { after } = self.0.when_stale else { return Ok(()) };
        match self.staleness(now) {
            Some(age) if age <= after => Ok(()),
            Some(age) => {
                let secs = age.as_secs();
                Err(RevocationsUnavailable::new(
                    format!("ended sessions were last heard of {secs} s ago"),
                    POLL,
                ))
            }
            None => Err(RevocationsUnavailable::new("ended sessions were not heard of yet", POLL)),
        }
    }
}

impl Inner {
    fn empty(issuer: Issuer) -> Self {
        Self {
            issuer,
            when_stale: WhenStale::AcceptUntilExpiry,
            clock: StoreClock::of_the_store(),
            known: RwLock::default(),
            confirmed_at: AtomicI64::new(NEVER),
        }
    }
}

/// What a token says about its session.
#[derive(Deserialize)]
struct SessionClaims {
    sid: Option<Box<str>>,
    sep: Option<i64>,
}

impl Revocations for RevokedSessions {
    /// A token of ours whose session cannot be read counts as withdrawn.
    fn is_revoked(&self, token: &Verified, now: UnixTime) -> Result<bool, RevocationsUnavailable> {
        if token.issuer() != self.0.issuer.as_str() {
            return Ok(false);
        }
        self.must_be_fresh(now)?;
        let Ok(claims) = token.claims::<SessionClaims>() else { return Ok(true) };
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sid) = claims.sid.as_deref() {
            let Ok(session) = sid.parse::<SessionId>() else { return Ok(true) };
            if known.session_ended(session) {
                return Ok(true);
            }
        }
        let min_epoch = known.min_epoch(token.subject().unwrap_or_default());
        Ok(match (claims.sep, token.issued_at()) {
            _ if min_epoch == 0 => false,
            (Some(epoch), _) => epoch < min_epoch,
            // Of the same second is too early: epochs are instants, and the token does not say more.
            (None, Some(issued_at)) => issued_at.as_secs().saturating_mul(1000) <= min_epoch,
            (None, None) => true,
        })
    }
}

impl fmt::Debug for RevokedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokedSessions")
            .field("issuer", &self.0.issuer)
            .field("when_stale", &self.0.when_stale)
            .finish_non_exhaustive()
    }
}

const NEVER: i64 = i64::MIN;
/// By then an end should have been heard of fifteen times over.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// How often to ask where nobody tells of changes.
const POLL: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
