//! [`KnownHeaders`]: caches headers of verified tokens, to avoid parsing them again.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use foldhash::quality::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::header::Header;

/// Headers of verified tokens, by their encoded text. The tokens of an issuer share a few headers, and parsing
/// one costs as much as parsing the claims. An attacker cannot fill the cache, because only headers of verified
/// tokens are added.
pub(crate) struct KnownHeaders {
    /// The first headers, which are never evicted. A lookup writes no memory, so processors do not contend.
    first: [OnceLock<Known>; Self::FIRST],
    /// The later headers, which appear as keys change.
    others: Cache<Box<[u8]>, Header, UnitWeighter, RandomState>,
}

struct Known {
    text: Box<[u8]>,
    header: Header,
}

impl KnownHeaders {
    const FIRST: usize = 4;
    const OTHERS: usize = 64;
    const MAX_BYTES: usize = 1024;

    /// Returns the header with this encoded text.
    #[inline]
    pub(crate) fn get(&self, text: &[u8]) -> Option<Cow<'_, Header>> {
        for slot in &self.first {
            let known = slot.get()?;
            if *known.text == *text {
                return Some(Cow::Borrowed(&known.header));
            }
        }
        self.others.try_get(text).ok().flatten().map(Cow::Owned)
    }

    pub(crate) fn insert(&self, text: &[u8], header: &Header) {
        if text.len() > Self::MAX_BYTES {
            return;
        }
        let mut known = Known { text: text.into(), header: header.clone() };
        for slot in &self.first {
            match slot.set(known) {
                Ok(()) => return,
                Err(not_kept) => known = not_kept,
            }
            // Another thread has just stored the same header.
            if slot.get().is_some_and(|kept| kept.text == known.text) {
                return;
            }
        }
        // A lost insertion is harmless: the next request tries again.
        let _not_now = self.others.try_insert(known.text, known.header);
    }
}

impl Default for KnownHeaders {
    fn default() -> Self {
        let capacity = u64::try_from(Self::OTHERS).unwrap_or(u64::MAX);
        let others = Cache::with(
            Self::OTHERS,
            capacity,
            UnitWeighter,
            RandomState::default(),
            DefaultLifecycle::default(),
        );
        Self { first: Default::default(), others }
    }
}

impl fmt::Debug for KnownHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.iter().filter(|slot| slot.get().is_some()).count();
        f.debug_struct("KnownHeaders").field("headers", &first.saturating_add(self.others.len())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key_id: usize) -> Header {
        Header::parse(&format!(r#"{{"alg":"HS256","kid":"{key_id}"}}"#)).unwrap()
    }

    #[test]
    fn first_headers_stay_and_others_are_bounded() {
        let known = KnownHeaders::default();
        assert!(known.get(b"0").is_none());
        for i in 0..1000 {
            known.insert(i.to_string().as_bytes(), &header(i));
            known.insert(i.to_string().as_bytes(), &header(i));
            assert_eq!(known.get(i.to_string().as_bytes()).as_deref(), Some(&header(i)));
        }
        for i in 0..KnownHeaders::FIRST {
            assert_eq!(known.get(i.to_string().as_bytes()).as_deref(), Some(&header(i)));
        }
        assert!(known.others.len() <= KnownHeaders::OTHERS, "{}", known.others.len());
    }

    #[test]
    fn large_headers_are_not_cached() {
        let (known, text) = (KnownHeaders::default(), vec![b'a'; KnownHeaders::MAX_BYTES + 1]);
        known.insert(&text, &header(0));
        assert!(known.get(&text).is_none());
    }
}
