//! [`TokenCache`]: caches verified tokens, so that further requests with them need no cryptography.

use std::fmt;
use std::hash::{Hash, Hasher};

use foldhash::quality::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::references::References;
use crate::verified::Verified;
use crate::verifier_source::VerifierId;

/// The limits of the cache of verified tokens. The default is 10,000 tokens and 64 MiB, whichever is reached
/// first.
///
/// # Security
/// - The cache holds only tokens whose signature and claims were verified, and never a rejection. A client
///   without valid tokens cannot fill it.
/// - A lookup compares the whole text of the token. The hash covers the end of the signature, with a random
///   seed in every gate, and only finds the slot.
/// - Every hit checks expiry, not-before, age, the value of an issuer template and revocation again, and that the
///   keys are those that verified the token. When the key set changes, every token is verified again. The source of
///   the token, the policy and the cross-site check belong to the request, and are never cached.
/// - Valid tokens stay in memory while they are cached, and are wiped when they leave the cache. An attacker
///   who can read process memory can also read requests. Use
///   [`Gate::without_cache`](crate::Gate::without_cache) to disable the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    tokens: usize,
    bytes: u64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { tokens: 10_000, bytes: 64 * 1024 * 1024 }
    }
}

impl CacheLimits {
    /// Limits the cache to this many tokens and this many bytes. The bytes include the text of the tokens,
    /// their claims and the cache's own data, but not what the application makes of the claims.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] when one of them is zero. Use
    /// [`Gate::without_cache`](crate::Gate::without_cache) to disable the cache.
    pub const fn new(tokens: usize, bytes: u64) -> Result<Self, ConfigError> {
        if tokens == 0 || bytes == 0 {
            return Err(ConfigError::Conflict(
                "cache limits must not be zero; use `without_cache` to disable the cache",
            ));
        }
        Ok(Self { tokens, bytes })
    }

    /// Returns the weight of the smallest entry, such that as many entries as the limit of tokens fill the
    /// cache.
    fn least_weight(self) -> u64 {
        // The cache would not keep an entry that takes its whole capacity.
        let tokens = u64::try_from(self.tokens).unwrap_or(u64::MAX).max(2);
        self.bytes.div_ceil(tokens).max(1)
    }
}

/// A verified token.
pub(crate) struct CachedToken {
    pub(crate) verified: Verified,
    /// The verifier that accepted it.
    pub(crate) verifier: VerifierId,
    /// The per-thread references, while the token is in the cache.
    references: References,
}

impl CachedToken {
    pub(crate) fn new(verified: Verified, verifier: VerifierId) -> Self {
        Self { verified, verifier, references: References::default() }
    }
}

/// Clones the reference of the current thread, which shares its count only with other requests of that thread.
impl Clone for CachedToken {
    fn clone(&self) -> Self {
        Self::new(self.references.of_this_thread(&self.verified), self.verifier.clone())
    }
}

/// The verified tokens, by their text.
pub(crate) struct TokenCache {
    limits: CacheLimits,
    /// The largest number of references to a token.
    references: usize,
    tokens: Cache<TokenText, CachedToken, Weight, RandomState, DefaultLifecycle<TokenText, CachedToken>>,
}

impl TokenCache {
    pub(crate) fn new(limits: CacheLimits) -> Self {
        let references = References::number();
        let weight = Weight { least: limits.least_weight(), overhead: References::weight(references) };
        let expected = limits.tokens.min(1024);
        let tokens =
            Cache::with(expected, limits.bytes, weight, RandomState::default(), DefaultLifecycle::default());
        Self { limits, references, tokens }
    }

    pub(crate) fn limits(&self) -> CacheLimits {
        self.limits
    }

    /// Returns the token with this text. During a write to the same shard this is a miss, so no request waits.
    pub(crate) fn get(&self, token: &[u8]) -> Option<CachedToken> {
        self.tokens.try_get(&Asked(token)).ok().flatten()
    }

    /// Adds the token, unless another thread writes to the same shard.
    pub(crate) fn insert(&self, token: &[u8], mut cached: CachedToken) {
        cached.references = References::starting_with(&cached.verified, self.references);
        // A lost insertion is harmless: the next request tries again.
        let _not_now = self.tokens.try_insert(TokenText(Zeroizing::new(token.into())), cached);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("limits", &self.limits)
            .field("tokens", &self.tokens.len())
            .finish()
    }
}

/// The text of a token. It is wiped on drop.
struct TokenText(Zeroizing<Box<[u8]>>);

impl PartialEq for TokenText {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl Eq for TokenText {}

impl Hash for TokenText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Asked(&self.0).hash(state);
    }
}

/// The bytes that a request presents. They need not be UTF-8 for a lookup.
struct Asked<'r>(&'r [u8]);

/// Hashes the last 32 bytes, about 190 bits of the signature. Signatures look random, and an attacker cannot
/// choose one with a given end, so more bytes would not distribute tokens better.
impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.0.last_chunk::<32>() {
            Some(end) => {
                let (sixteens, _none) = end.as_chunks();
                for sixteen in sixteens {
                    state.write_u128(u128::from_ne_bytes(*sixteen));
                }
            }
            None => state.write(self.0),
        }
    }
}

impl Equivalent<TokenText> for Asked<'_> {
    fn equivalent(&self, known: &TokenText) -> bool {
        *self.0 == **known.0
    }
}

/// Weighs an entry by its bytes, with the share of one token as the minimum.
#[derive(Clone)]
struct Weight {
    least: u64,
    /// The bytes of the references.
    overhead: usize,
}

/// The bytes of an entry besides its texts and references: the map and the located claims.
const OVERHEAD: usize = 640;
/// Scopes and roles are parsed on demand, after the entry was weighed. The worst case is an array of empty
/// strings that is read as both: each takes three bytes of the payload, and twice eight bytes of memory. A
/// scope of one letter takes two bytes of the payload and nine of memory.
const AUTHORITIES_PER_PAYLOAD_BYTE: usize = 6;

impl Weighter<TokenText, CachedToken> for Weight {
    fn weight(&self, token: &TokenText, cached: &CachedToken) -> u64 {
        let payload = cached.verified.payload().len();
        let bytes = token
            .0
            .len()
            .saturating_add(payload)
            .saturating_add(payload.saturating_mul(AUTHORITIES_PER_PAYLOAD_BYTE))
            .saturating_add(cached.verified.raw().index_bytes())
            .saturating_add(self.overhead)
            .saturating_add(OVERHEAD);
        u64::try_from(bytes).unwrap_or(u64::MAX).max(self.least)
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::claims::Payload;
    use crate::known_headers::KnownHeaders;
    use crate::testing::{NOW, token, verifier};
    use crate::verify::{Reading, Unverified};

    fn cached(token: &str) -> CachedToken {
        let (known, mut payload) = (KnownHeaders::default(), Payload::default());
        let reading = Reading {
            max_bytes: usize::MAX,
            headers: &known,
            verifiers: &[],
            is_open: false,
            may_pad: false,
        };
        let unverified = Unverified::parse(token.as_bytes(), &reading, &mut payload).unwrap();
        let verifier = verifier().with_max_token_bytes(usize::MAX);
        let verified = verifier.check(unverified, NOW, &KnownHeaders::default(), &Arc::default()).unwrap();
        CachedToken::new(verified, VerifierId::Listed(0))
    }

    #[test]
    fn cache_finds_only_the_exact_text() {
        let cache = TokenCache::new(CacheLimits::default());
        let (a, b) = (token(r#""jti":"a""#), token(r#""jti":"b""#));
        assert!(cache.get(a.as_bytes()).is_none());
        cache.insert(a.as_bytes(), cached(&a));
        assert_eq!(cache.get(a.as_bytes()).unwrap().verified.token_id(), Some("a"));
        // The last one has the same end, so it hashes to the same slot.
        for other in [&b, &format!("{a}A"), &a[..a.len() - 1], "", &format!("x{}", &a[1..])] {
            assert!(cache.get(other.as_bytes()).is_none());
        }
    }

    #[test]
    fn tokens_and_bytes_are_bounded() {
        let by_count = TokenCache::new(CacheLimits::new(100, 1024 * 1024).unwrap());
        for i in 0..1000 {
            let token = token(&format!(r#""jti":"{i}""#));
            by_count.insert(token.as_bytes(), cached(&token));
        }
        assert!(by_count.tokens.len() <= 100, "{}", by_count.tokens.len());
        assert!(by_count.tokens.len() >= 50, "{}", by_count.tokens.len());
        let by_bytes = TokenCache::new(CacheLimits::new(1000, 64 * 1024).unwrap());
        for i in 0..200 {
            let token = token(&format!(r#""jti":"{i}","pad":"{}""#, "x".repeat(4000)));
            by_bytes.insert(token.as_bytes(), cached(&token));
        }
        assert!(by_bytes.tokens.weight() <= 64 * 1024, "{}", by_bytes.tokens.weight());
        assert!(by_bytes.tokens.len() < 10, "{}", by_bytes.tokens.len());
    }

    #[test]
    fn smallest_cache_holds_a_token() {
        let cache = TokenCache::new(CacheLimits::new(1, 64 * 1024).unwrap());
        let token = token("");
        cache.insert(token.as_bytes(), cached(&token));
        assert!(cache.get(token.as_bytes()).is_some());
    }

    #[test]
    fn debug_shows_no_token() {
        let cache = TokenCache::new(CacheLimits::default());
        let token = token("");
        cache.insert(token.as_bytes(), cached(&token));
        let shown = format!("{cache:?}");
        assert!(shown.contains("tokens: 1") && !shown.contains("eyJ"), "{shown}");
    }
}
