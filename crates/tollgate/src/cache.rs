//! [`TokenCache`]: tokens that have been verified, so that the next request with one costs no cryptography.

use std::fmt;
use std::hash::{Hash, Hasher};

use foldhash::quality::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::references::References;
use crate::verified::Verified;

/// How much the cache of verified tokens may hold. The default is 10,000 tokens and 64 MiB, whichever is reached
/// first.
///
/// # Security
/// - Only tokens whose signature and claims were good are kept; a refusal never is, so nobody without good tokens can
///   fill the cache.
/// - A hit is the same text, compared in full; hashing only finds the place, by the end of the signature and with a seed of its
///   own in every gate.
/// - On every hit expiry, not-before, age and revocation are checked again, and that the keys are those that verified
///   the token: when a set of keys changes, everything is verified anew. Where the token came from, policy and the
///   cross-site check belong to the request, and are never kept.
/// - Live tokens are in memory as long as they are in the cache, and wiped when they leave it. Somebody who can read
///   the memory of the process can also read requests as they come in; where that is still too much,
///   [`Gate::without_cache`](crate::Gate::without_cache) turns it off.
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
    /// At most this many tokens, of at most this many bytes in all: their text, their claims and what is kept beside
    /// them. What the application makes of the claims is not counted.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] when either is zero: [`Gate::without_cache`](crate::Gate::without_cache) turns the cache
    /// off.
    pub const fn new(tokens: usize, bytes: u64) -> Result<Self, ConfigError> {
        if tokens == 0 || bytes == 0 {
            return Err(ConfigError::Conflict("a cache of nothing; turn it off instead"));
        }
        Ok(Self { tokens, bytes })
    }

    /// What the smallest entry counts for, so that so many of them fill the cache.
    fn least_weight(self) -> u64 {
        // An entry that takes all of the cache would not be kept at all.
        let tokens = u64::try_from(self.tokens).unwrap_or(u64::MAX).max(2);
        self.bytes.div_ceil(tokens).max(1)
    }
}

/// A token as it was verified.
pub(crate) struct CachedToken {
    pub(crate) verified: Verified,
    /// Which of the gate's verifiers accepted it.
    pub(crate) verifier: usize,
    /// While it is in the cache.
    references: References,
}

impl CachedToken {
    pub(crate) fn new(verified: Verified, verifier: usize) -> Self {
        Self { verified, verifier, references: References::default() }
    }
}

/// What a request is given, counted with the other requests of its thread.
impl Clone for CachedToken {
    fn clone(&self) -> Self {
        Self::new(self.references.of_this_thread(&self.verified), self.verifier)
    }
}

/// Verified tokens by their text.
pub(crate) struct TokenCache {
    limits: CacheLimits,
    /// How many references there are to a token at most.
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

    /// The token with this text. While somebody else writes at the same place it counts as absent: nobody waits.
    pub(crate) fn get(&self, token: &[u8]) -> Option<CachedToken> {
        self.tokens.try_get(&Asked(token)).ok().flatten()
    }

    /// Keeps the token, unless somebody else writes at the same place.
    pub(crate) fn insert(&self, token: &[u8], mut cached: CachedToken) {
        cached.references = References::starting_with(&cached.verified, self.references);
        // Contention is no loss: the next request tries again.
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

/// The text of a token, wiped when it is dropped.
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

/// What a request presents: bytes, which need not be read as text to be known.
struct Asked<'r>(&'r [u8]);

/// By its last 32 bytes, some 190 bits of its signature. Signatures look random, and nobody can choose one that ends like
/// another, so the rest would not spread tokens any better.
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

/// Bytes, but never less than the share of one token.
#[derive(Clone)]
struct Weight {
    least: u64,
    /// What references take.
    overhead: usize,
}

/// What an entry takes beside its texts and references: map, located claims.
const OVERHEAD: usize = 640;
/// Scopes and roles are read when they are asked for, after the entry has been weighed. In the worst case, an array of
/// empty strings that is read as both, each takes three bytes of the payload and eight of memory, twice; a scope of one
/// letter takes two bytes of the payload and nine of memory.
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
    use super::*;
    use crate::claims::Payload;
    use crate::known_headers::KnownHeaders;
    use crate::testing::{NOW, token, verifier};
    use crate::verify::Unverified;

    fn cached(token: &str) -> CachedToken {
        let (known, mut payload) = (KnownHeaders::default(), Payload::default());
        let unverified = Unverified::parse(token.as_bytes(), usize::MAX, &known, &[], &mut payload).unwrap();
        let verified = verifier().with_max_token_bytes(usize::MAX).check(unverified, NOW).unwrap();
        CachedToken::new(verified, 0)
    }

    #[test]
    fn finds_the_same_text_and_no_other() {
        let cache = TokenCache::new(CacheLimits::default());
        let (a, b) = (token(r#""jti":"a""#), token(r#""jti":"b""#));
        assert!(cache.get(a.as_bytes()).is_none());
        cache.insert(a.as_bytes(), cached(&a));
        assert_eq!(cache.get(a.as_bytes()).unwrap().verified.token_id(), Some("a"));
        // The last one ends like it, so it is looked for in the same place.
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
    fn the_smallest_cache_holds_a_token() {
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
