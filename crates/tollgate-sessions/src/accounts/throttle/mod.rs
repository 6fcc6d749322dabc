//! [`LoginThrottle`]: who may try a password, before anything is computed.

mod settings;
mod table;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;

pub use settings::ThrottleSettings;

use crate::accounts::users::LoginName;
use crate::session::StoreClock;
use crate::sessions::tokens::RefreshKeys;
use crate::support::first_bytes;
use table::{Key, Rule, Table};

/// Slows down those who try passwords: by the address they come from, and by the login name they try.
///
/// Each address may make so many attempts, and then one now and then. A login name that is tried often has to wait after
/// each attempt, twice as long each time, up to a bound. Whoever tries somebody's name all the time would so take every turn:
/// from where a login has succeeded, attempts are counted apart from those of everywhere else. It does not matter whether there is such a user. A login that succeeds gives back what it took from its
/// address, and forgives half of what is held against its own name.
///
/// # Security
/// It is kept in the memory of this process, and has a bound: what would be forgotten soonest goes first. Several
/// processes each count for themselves, so that together they allow as many times more. An attacker with very many
/// addresses is only slowed down by name.
pub struct LoginThrottle {
    hashing: hmac::Key,
    settings: ThrottleSettings,
    clock: StoreClock,
    state: Mutex<State>,
}

struct State {
    peers: Table,
    /// Addresses that presented what was not made here. Apart from the others: behind an address where many have old
    /// tokens, as many want to log in.
    forgers: Table,
    names: Table,
    /// Pairs of an address and a name that have logged in.
    familiar: Table,
}

/// Leave to try a password, which has been charged for. Tell it what came of it; dropping it means that the password was
/// wrong, or that nobody waited for the answer.
#[derive(Debug)]
#[must_use]
pub struct LoginPermit<'a> {
    throttle: &'a LoginThrottle,
    name: Option<Key>,
    peer: Option<Key>,
    /// Both together.
    pair: Option<Key>,
    /// Whether it is counted for the pair, and not for the name.
    apart: bool,
}

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts to log in")]
#[non_exhaustive]
pub struct Throttled {
    /// When the next one is allowed.
    pub retry_after: Duration,
}

impl LoginThrottle {
    /// Names are kept as keyed hashes, by a key that follows from the newest of `keys`.
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

    /// The same, by other settings. What was counted before is forgotten.
    #[must_use]
    pub fn with_settings(self, settings: ThrottleSettings) -> Self {
        Self { settings, state: Mutex::new(State::new(&settings)), ..self }
    }

    /// The same, by another clock.
    #[must_use]
    pub fn with_clock(self, clock: StoreClock) -> Self {
        Self { clock, ..self }
    }

    /// Asks to try a password for `name` from `peer`. What is refused is not counted.
    ///
    /// # Errors
    /// [`Throttled`] says when to come back.
    pub fn admit(&self, name: &LoginName, peer: Option<IpAddr>) -> Result<LoginPermit<'_>, Throttled> {
        let peer = peer.map(network);
        self.charge(Some(self.hashed(name, None)), peer, peer.map(|peer| self.hashed(name, Some(peer))))
    }

    /// The same where there is no name to try, as where an account is made.
    ///
    /// # Errors
    /// [`Throttled`] says when to come back.
    pub fn admit_peer(&self, peer: Option<IpAddr>) -> Result<LoginPermit<'_>, Throttled> {
        self.charge(None, peer.map(network), None)
    }

    /// Counts a token from `peer` that was not made here. An address may present as many as it may try passwords, and is
    /// slowed down at that alone.
    ///
    /// # Errors
    /// [`Throttled`] says when to come back.
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
        let apart = pair.is_some_and(|pair| familiar.remembers(&pair, now));
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

    /// A name cannot begin with a zero byte.
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
            interval: settings.forget_after,
            first: settings.first_delay,
            longest: settings.longest_delay,
        };
        let familiar = Rule::Burst { burst: 1, interval: FAMILIAR_FOR };
        let table = |rule| Table::new(rule, settings.entries);
        Self { peers: table(peers), forgers: table(peers), names: table(names), familiar: table(familiar) }
    }
}

impl LoginPermit<'_> {
    /// The password was right.
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

    /// Nothing came of it that tells anything about the password.
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

/// As long as a session that is remembered.
const FAMILIAR_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// An address of IPv4, or the network of 64 bits of one of IPv6, which is what a single customer has at least.
fn network(address: IpAddr) -> Key {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => (address.to_bits() & (u128::MAX << 64)).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests;
