//! [`KeyRing`]: signing keys that replace each other by the calendar.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate::{Algorithm, KeySet, UnixTime};
use zeroize::{Zeroize as _, Zeroizing};

use super::SigningKey;
use crate::error::{KeyRingError, SigningKeyError};
use crate::private_file;

/// Signing keys of one algorithm, kept in a file that only this user can read.
///
/// A new key is published before it signs, so that everybody has fetched it by then; a replaced one stays published until
/// the last token that it signed has expired. [`turn`](Self::turn) does what is due; call it every minute or so.
pub struct KeyRing {
    algorithm: Algorithm,
    path: PathBuf,
    schedule: RotationSchedule,
    /// The oldest first; never empty.
    keys: Mutex<VecDeque<Dated>>,
}

struct Dated {
    key: Arc<SigningKey>,
    signs_from: UnixTime,
}

/// When keys replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RotationSchedule {
    /// How long a key signs.
    pub every: Duration,
    /// How long it is published before.
    pub publish_before: Duration,
    /// How long it stays published after.
    pub keep_after: Duration,
}

/// Thirty days; published an hour before; kept for a day and ten minutes, which is longer than any access token is
/// accepted.
impl Default for RotationSchedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(30 * 24 * 3600),
            publish_before: Duration::from_secs(3600),
            keep_after: Duration::from_secs(24 * 3600 + 600),
        }
    }
}

impl RotationSchedule {
    /// Another schedule. `publish_before` has to be twice as long as others may cache the key set, `keep_after` as long as a
    /// token is accepted, leeway included.
    ///
    /// # Errors
    /// [`KeyRingError::Schedule`] when a key would have to be published before its predecessor signs.
    pub fn new(
        every: Duration,
        publish_before: Duration,
        keep_after: Duration,
    ) -> Result<Self, KeyRingError> {
        if every.as_secs() == 0 || publish_before >= every {
            return Err(KeyRingError::Schedule);
        }
        Ok(Self { every, publish_before, keep_after })
    }
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    algorithm: String,
    keys: Vec<KeptKey>,
}

#[derive(Serialize, Deserialize)]
struct KeptKey {
    signs_from: i64,
    pem: String,
}

impl Drop for KeptKey {
    fn drop(&mut self) {
        self.pem.zeroize();
    }
}

impl KeyRing {
    /// The keys in the file at `path`; where there is none, a first key that signs at once. Two processes that make the
    /// file at the same time agree on one key. Only one of them may [`turn`](Self::turn).
    ///
    /// # Errors
    /// [`KeyRingError`] when the file cannot be read or written, others can read it, or it holds something else.
    pub fn open(
        algorithm: Algorithm,
        path: impl AsRef<Path>,
        schedule: RotationSchedule,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        let path = path.as_ref();
        private_file::create_if_missing(path, || {
            let key = Arc::new(SigningKey::generate(algorithm)?);
            to_file(algorithm, [&Dated { key, signs_from: now }])
        })?;
        let keys = Mutex::new(from_file(algorithm, path)?);
        Ok(Self { algorithm, path: path.to_owned(), schedule, keys })
    }

    /// The key that signs at `now`. There always is one.
    pub(crate) fn signing_key(&self, now: UnixTime) -> Option<Arc<SigningKey>> {
        let keys = self.keys();
        let signing = keys.iter().rev().find(|dated| dated.signs_from <= now).or_else(|| keys.front());
        signing.map(|dated| Arc::clone(&dated.key))
    }

    /// All public keys: those that will sign, the one that does, and those whose tokens may still be in use (RFC 7517 §5).
    #[must_use]
    pub fn jwk_set(&self) -> String {
        jwk_set(self.keys().iter().map(|dated| &*dated.key))
    }

    /// What verifies tokens of this ring.
    ///
    /// # Errors
    /// [`KeyRingError::Key`]; not to be expected of keys that could be made.
    pub fn key_set(&self) -> Result<KeySet, KeyRingError> {
        Ok(KeySet::from_jwk_set(self.jwk_set()).map_err(SigningKeyError::from)?)
    }

    /// Makes the next key when it has to be published, and forgets those that nobody needs. Says whether anything changed.
    /// It writes a file, so it blocks for a moment.
    ///
    /// # Errors
    /// [`KeyRingError`] when a key cannot be made or the file not be written; all stays as it was.
    pub fn turn(&self, now: UnixTime) -> Result<bool, KeyRingError> {
        let mut keys = self.keys();
        let next = self.next(&keys, now)?;
        let needed = keys.len().saturating_sub(self.expired(&keys, now));
        if next.is_none() && needed == keys.len() {
            return Ok(false);
        }
        let kept = keys.iter().rev().take(needed).rev().chain(&next);
        let contents = to_file(self.algorithm, kept)?;
        private_file::replace(&self.path, &contents, true)?;
        while keys.len() > needed {
            keys.pop_front();
        }
        keys.extend(next);
        Ok(true)
    }

    /// Leaves out the key that signs, at once, and goes on with a new one: for a key that others may have. Tokens that it has
    /// signed are refused wherever the key set is fetched again.
    ///
    /// # Errors
    /// As [`turn`](Self::turn).
    pub fn replace_all(&self, now: UnixTime) -> Result<(), KeyRingError> {
        let mut keys = self.keys();
        let new = Dated { key: Arc::new(SigningKey::generate(self.algorithm)?), signs_from: now };
        private_file::replace(&self.path, &to_file(self.algorithm, [&new])?, true)?;
        *keys = VecDeque::from([new]);
        Ok(())
    }

    fn next(&self, keys: &VecDeque<Dated>, now: UnixTime) -> Result<Option<Dated>, KeyRingError> {
        let lead = self.schedule.every.saturating_sub(self.schedule.publish_before);
        let due = keys.back().is_none_or(|newest| newest.signs_from.saturating_add(lead) <= now);
        if !due {
            return Ok(None);
        }
        let signs_from = now.saturating_add(self.schedule.publish_before);
        Ok(Some(Dated { key: Arc::new(SigningKey::generate(self.algorithm)?), signs_from }))
    }

    /// How many of the oldest keys were replaced long enough ago.
    fn expired(&self, keys: &VecDeque<Dated>, now: UnixTime) -> usize {
        let replaced_at = keys.iter().skip(1).map(|successor| successor.signs_from);
        replaced_at.take_while(|at| at.saturating_add(self.schedule.keep_after) <= now).count()
    }

    fn keys(&self) -> MutexGuard<'_, VecDeque<Dated>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The public halves as a JWK Set (RFC 7517 §5). Secrets have none.
pub(crate) fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let published: Vec<&str> = keys.into_iter().filter_map(SigningKey::public_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, published.join(","))
}

fn to_file<'a>(
    algorithm: Algorithm,
    keys: impl IntoIterator<Item = &'a Dated>,
) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
    let mut kept = Kept { algorithm: algorithm.name().to_owned(), keys: Vec::new() };
    for dated in keys {
        let pem = dated.key.to_pem()?.to_string();
        kept.keys.push(KeptKey { signs_from: dated.signs_from.as_secs(), pem });
    }
    serde_json::to_vec(&kept).map(Zeroizing::new).map_err(|_cause| KeyRingError::NotARing)
}

fn from_file(algorithm: Algorithm, path: &Path) -> Result<VecDeque<Dated>, KeyRingError> {
    let contents = private_file::read(path)?;
    let kept: Kept = serde_json::from_slice(&contents).map_err(|_cause| KeyRingError::NotARing)?;
    if kept.algorithm != algorithm.name() {
        return Err(KeyRingError::OtherAlgorithm { found: kept.algorithm.into(), expected: algorithm });
    }
    let mut keys = VecDeque::new();
    for kept in &kept.keys {
        let key = Arc::new(SigningKey::from_pem(algorithm, kept.pem.as_bytes())?);
        keys.push_back(Dated { key, signs_from: UnixTime::from_secs(kept.signs_from) });
    }
    let ordered = keys.iter().zip(keys.iter().skip(1)).all(|(one, next)| one.signs_from <= next.signs_from);
    if keys.is_empty() || !ordered { Err(KeyRingError::NotARing) } else { Ok(keys) }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys();
        let ids: Vec<_> = keys.iter().map(|dated| (dated.key.key_id(), dated.signs_from)).collect();
        f.debug_struct("KeyRing")
            .field("algorithm", &self.algorithm)
            .field("keys", &ids)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer::{AccessToken, TokenIssuer};

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("tollgate-ring-{name}-{}", std::process::id())).join("keys.json")
    }

    fn days(count: u64) -> UnixTime {
        NOW.saturating_add(Duration::from_secs(count.saturating_mul(24 * 3600)))
    }

    fn id(ring: &KeyRing, now: UnixTime) -> String {
        ring.signing_key(now).unwrap().key_id().unwrap().to_string()
    }

    fn open(path: &Path) -> KeyRing {
        KeyRing::open(Algorithm::EdDsa, path, RotationSchedule::default(), NOW).unwrap()
    }

    fn gone(path: &Path) {
        drop(std::fs::remove_dir_all(path.parent().unwrap()));
    }

    #[test]
    fn published_before_use_and_kept_after() {
        let path = path("schedule");
        gone(&path);
        let ring = open(&path);
        let first = id(&ring, NOW);
        assert!(!ring.turn(days(29)).unwrap(), "nothing is due");
        let publish = days(30).saturating_sub(Duration::from_secs(3600));
        assert!(ring.turn(publish).unwrap());
        assert!(!ring.turn(publish).unwrap());
        assert_eq!(ring.key_set().unwrap().iter().count(), 2);
        assert_eq!(id(&ring, publish), first, "published, and does not sign yet");
        let second = id(&ring, days(30));
        assert_ne!(first, second);
        // Another process, or the next start, sees the same.
        assert_eq!(id(&open(&path), days(30)), second);
        assert!(!ring.turn(days(31)).unwrap(), "its last tokens are in use");
        assert!(ring.jwk_set().contains(&first));
        assert!(ring.turn(days(32)).unwrap());
        assert!(!ring.jwk_set().contains(&first) && ring.jwk_set().contains(&second));
        assert_eq!(open(&path).jwk_set(), ring.jwk_set());
        gone(&path);
    }

    #[test]
    fn a_key_that_others_may_have_goes_at_once() {
        let path = path("replace");
        gone(&path);
        let ring = open(&path);
        let first = id(&ring, NOW);
        ring.replace_all(NOW).unwrap();
        assert_ne!(id(&ring, NOW), first);
        assert!(!ring.jwk_set().contains(&first));
        assert_eq!(open(&path).jwk_set(), ring.jwk_set());
        gone(&path);
    }

    #[test]
    fn tokens_of_each_key_verify_while_it_is_published() {
        let path = path("tokens");
        gone(&path);
        let ring = Arc::new(open(&path));
        let issuer = TokenIssuer::with_key_ring(Arc::clone(&ring), "https://i.example", "api");
        let token = AccessToken::new("alice", "web");
        ring.turn(days(30)).unwrap();
        for now in [NOW, days(30), days(31)] {
            let signed = issuer.issue(&token, now).unwrap();
            let verifier = tollgate::Verifier::new(ring.key_set().unwrap(), "https://i.example", "api");
            let verified = verifier.verify(signed.as_str(), now).unwrap();
            assert_eq!(verified.header().key_id().unwrap().to_string(), id(&ring, now));
        }
        assert_ne!(id(&ring, NOW), id(&ring, days(31)));
        gone(&path);
    }

    #[test]
    fn what_is_no_ring_is_refused() {
        let path = path("refused");
        gone(&path);
        let ring = open(&path);
        let shown = format!("{ring:?}");
        assert!(!shown.contains("PRIVATE"), "{shown}");
        let es256 = KeyRing::open(Algorithm::Es256, &path, RotationSchedule::default(), NOW).unwrap_err();
        assert_eq!(es256.to_string(), "the file holds keys for EdDSA, not for ES256");
        for text in ["", "{}", r#"{"algorithm":"EdDSA","keys":[]}"#] {
            private_file::replace(&path, text.as_bytes(), true).unwrap();
            let error = KeyRing::open(Algorithm::EdDsa, &path, RotationSchedule::default(), NOW).unwrap_err();
            assert!(matches!(error, KeyRingError::NotARing), "{text}: {error}");
        }
        let hour = Duration::from_secs(3600);
        assert!(RotationSchedule::new(hour, hour, hour).is_err());
        gone(&path);
    }
}
