//! [`LoginThrottle`]: limits login attempts, before the password is hashed.

mod settings;
mod table;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;

pub use settings::{NameDelays, ThrottleSettings};

use crate::accounts::users::LoginName;
use crate::session::StoreClock;
use crate::sessions::tokens::RefreshKeys;
use crate::support::first_bytes;
use table::{Key, Rule, Table};

/// Limits login attempts by the address of the client and by the login name.
///
/// An address has a burst of attempts, and then one attempt in each interval. A login name has a few attempts
/// without a delay, and then a delay after each attempt, which doubles up to a bound. The limits are the same
/// whether the user exists or not.
///
/// So that an attacker who tries one name continuously does not lock its owner out, the throttle counts attempts
/// separately for each network from which a login with that name succeeded in the last 30 days.
///
/// A successful login takes back its own attempt, and half of the earlier attempts for its name.
///
/// # Security
/// The throttle is in the memory of this process, and bounded: it evicts the entries that would expire first.
/// Each process counts for itself, so several processes together allow that many times more attempts. An
/// attacker with very many addresses is slowed down only by the limit for the name.
pub struct LoginThrottle {
    hashing: hmac::Key,
    settings: ThrottleSettings,
    clock: StoreClock,
    state: Mutex<State>,
}

struct State {
    peers: Table,
    /// Addresses that presented refresh tokens with a wrong tag. They are counted apart from logins: many
    /// clients behind one address may have old tokens, and all of them have to log in again.
    forgers: Table,
    names: Table,
    /// Pairs of an address and a name with a successful login.
    familiar: Table,
}

/// A permit for one login attempt.
///
/// Call [`succeeded`](Self::succeeded) or [`refund`](Self::refund) to report the outcome. Dropping the permit
/// counts as a failed attempt.
#[derive(Debug)]
#[must_use]
pub struct LoginPermit<'a> {
    throttle: &'a LoginThrottle,
    name: Option<Key>,
    peer: Option<Key>,
    /// The pair of the address and the name.
    pair: Option<Key>,
    /// Whether the attempt is counted for the pair instead of the name.
    apart: bool,
}

/// There were too many attempts for a name or from an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts to log in")]
#[non_exhaustive]
pub struct Throttled {
    /// The time until the next attempt is allowed.
    pub retry_after: Duration,
}

impl LoginThrottle {
    /// Makes a throttle with the default settings. It stores login names as keyed hashes, with a key that is
    /// derived from the newest of `keys`.
    #[must_use]
    pub fn new(keys: &RefreshKeys) -> Self {
        let settings = ThrottleSettings::default();
        Self {
            hashing: keys.login_throttle().clone(),
            settings,
            clock: StoreClock::server(),
            state: Mutex::new(State::new(&settings)),
        }
    }

    /// Sets the settings, and resets all counts.
    #[must_use]
    pub fn with_settings(self, settings: ThrottleSettings) -> Self {
        Self { settings, state: Mutex::new(State::new(&settings)), ..self }
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }

    /// Admits or rejects an attempt to log in with `name` from `peer`. A rejected attempt is not counted.
    ///
    /// # Errors
    /// [`Throttled`], with the time until the next attempt is allowed.
    ///
    /// # Examples
    /// ```
    /// use std::net::IpAddr;
    /// use tollgate_sessions::{LoginThrottle, RefreshKey, RefreshKeys};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = RefreshKeys::new(RefreshKey::new(1, RefreshKey::generate_secret()?.as_bytes())?);
    /// let throttle = LoginThrottle::new(&keys);
    /// let (name, peer) = ("alice@example.com".parse()?, Some(IpAddr::from([192, 0, 2, 1])));
    ///
    /// for _ in 0..6 {
    ///     // The password is wrong: drop the permit.
    ///     drop(throttle.admit(&name, peer)?);
    /// }
    /// let throttled = throttle.admit(&name, peer).unwrap_err();
    /// assert!(throttled.retry_after.as_secs() <= 1);
    ///
    /// // Another user can log in from there.
    /// throttle.admit(&"bob@example.com".parse()?, peer)?.succeeded();
    /// # Ok(()) }
    /// ```
    pub fn admit(&self, name: &LoginName, peer: Option<IpAddr>) -> Result<LoginPermit<'_>, Throttled> {
        let peer = peer.map(network);
        self.charge(Some(self.hashed(name, None)), peer, peer.map(|peer| self.hashed(name, Some(peer))))
    }

    /// Admits or rejects an attempt from `peer` without a name, such as a registration.
    ///
    /// # Errors
    /// [`Throttled`], with the time until the next attempt is allowed.
    pub fn admit_peer(&self, peer: Option<IpAddr>) -> Result<LoginPermit<'_>, Throttled> {
        self.charge(None, peer.map(network), None)
    }

    /// Counts a refresh token from `peer` whose tag is wrong. The limit for an address is the same as for
    /// logins, but is counted separately: such tokens never delay a login.
    ///
    /// # Errors
    /// [`Throttled`], with the time until the address may present another token.
    pub fn admit_forged_token(&self, peer: Option<IpAddr>) -> Result<(), Throttled> {
        let Some(peer) = peer.map(network) else { return Ok(()) };
        let now = self.clock.now();
        let forgers = &mut self.state().forgers;
        let wait = forgers.wait(&peer, now);
        if !wait.is_zero() {
            return Err(Throttled { retry_after: wait });
        }
        forgers.charge(peer, now);
        Ok(())
    }

    fn charge(
        &self,
        name: Option<Key>,
        peer: Option<Key>,
        pair: Option<Key>,
    ) -> Result<LoginPermit<'_>, Throttled> {
        let now = self.clock.now();
        let mut state = self.state();
        let State { peers, names, familiar, .. } = &mut *state;
        let apart = pair.is_some_and(|pair| familiar.contains(&pair, now));
        let counted = if apart { pair } else { name };
        let wait = peer
            .map(|peer| peers.wait(&peer, now))
            .max(counted.map(|counted| names.wait(&counted, now)))
            .unwrap_or_default();
        if !wait.is_zero() {
            return Err(Throttled { retry_after: wait });
        }
        if let Some(peer) = peer {
            peers.charge(peer, now);
        }
        if let Some(counted) = counted {
            names.charge(counted, now);
        }
        Ok(LoginPermit { throttle: self, name, peer, pair, apart })
    }

    /// Returns the keyed hash of a name, or of a pair of an address and a name. A name cannot begin with a zero
    /// byte, so the two inputs differ.
    fn hashed(&self, name: &LoginName, peer: Option<Key>) -> Key {
        let mut text = hmac::Context::with_key(&self.hashing);
        if let Some(peer) = peer {
            text.update(&[0]);
            text.update(&peer);
        }
        text.update(name.as_str().as_bytes());
        first_bytes(text.sign())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LoginThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginThrottle").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl State {
    fn new(settings: &ThrottleSettings) -> Self {
        let peers = Rule::Burst { burst: settings.peer_burst, interval: settings.peer_interval };
        let names = Rule::Delay {
            burst: settings.name_burst,
            interval: settings.name_expiry,
            delays: settings.name_delays,
        };
        let familiar = Rule::Burst { burst: 1, interval: FAMILIAR_FOR };
        let table = |rule| Table::new(rule, settings.entries);
        Self { peers: table(peers), forgers: table(peers), names: table(names), familiar: table(familiar) }
    }
}

impl LoginPermit<'_> {
    /// Reports that the password was right.
    pub fn succeeded(self) {
        let now = self.throttle.clock.now();
        let mut state = self.throttle.state();
        if let Some(peer) = self.peer {
            state.peers.refund(peer, now);
        }
        for key in self.name.into_iter().chain(self.pair) {
            state.names.forgive(key, now);
        }
        if let Some(pair) = self.pair {
            state.familiar.charge(pair, now);
        }
    }

    /// Gives the attempt back, because the password was not checked.
    pub fn refund(self) {
        let now = self.throttle.clock.now();
        let mut state = self.throttle.state();
        if let Some(peer) = self.peer {
            state.peers.refund(peer, now);
        }
        if let Some(counted) = if self.apart { self.pair } else { self.name } {
            state.names.refund(counted, now);
        }
    }
}

/// How long a network counts separately after a login: the longest lifetime of a session by default.
const FAMILIAR_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// Returns an IPv4 address, or the /64 network of an IPv6 address: a single customer has at least that network.
fn network(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => (address.to_bits() & (u128::MAX << 64)).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests;
