//! [`KeyRing`]: signing keys that rotate on a schedule.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate::{Algorithm, KeyRefresh, KeyRequest, KeySet, KeySource, KeysUnavailable, UnixTime};
use zeroize::{Zeroize as _, Zeroizing};

use super::SigningKey;
use super::schedule::{KeyRotationSchedule, KeyRotationTimes};
use crate::files::KeyFiles;
use crate::issuing::{KeyRingError, SigningKeyError};

/// Signing keys of one algorithm that rotate on a schedule, in a directory that only the current user can read.
///
/// The ring publishes a new key before it signs, so that all verifiers have fetched it by then. A replaced key
/// stays published until the last token that it signed has expired. Call [`rotate_if_due`](Self::rotate_if_due)
/// about once a minute.
///
/// Any number of processes may share the directory and rotate the ring: they agree on each key. A process sees
/// the changes of another after its next [`rotate_if_due`](Self::rotate_if_due) or [`reload`](Self::reload).
///
/// A gate in the same process follows the rotation through [`TokenIssuer::keys`](crate::TokenIssuer::keys).
pub struct KeyRing {
    algorithm: Algorithm,
    files: KeyFiles,
    schedule: KeyRotationSchedule,
    state: RwLock<Arc<State>>,
    /// Held while the directory is read or changed. Signing and verifying do not wait for it.
    rotation: Mutex<()>,
}

/// The keys that were read last, by number. There is at least one. Among the keys whose `signs_from` has come,
/// the one with the highest number signs.
struct State {
    keys: BTreeMap<u32, Dated>,
    key_set: KeySet,
}

#[derive(Clone)]
struct Dated {
    key: Arc<SigningKey>,
    signs_from: UnixTime,
}

impl KeyRing {
    /// Opens the ring in the directory at `path`. If the directory has no keys, this generates a first key,
    /// which signs at once.
    ///
    /// # Errors
    /// [`KeyRingError`] when a file cannot be read or written, other users can read it, or it is not part of a
    /// ring of this algorithm.
    pub fn open(
        algorithm: Algorithm,
        path: impl AsRef<Path>,
        schedule: KeyRotationSchedule,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        Self::open_or_create(algorithm, path.as_ref(), schedule, now, || SigningKey::generate(algorithm))
    }

    /// Opens the ring in the directory at `path`. If the directory has no keys, the ring starts with `first`,
    /// which signs at once. Use this to move an existing key into a ring.
    ///
    /// # Errors
    /// The same as for [`open`](Self::open).
    ///
    /// # Examples
    /// ```
    /// use tollgate::{Algorithm, Clock, SystemClock};
    /// use tollgate_sessions::issuing::KeyRotationSchedule;
    /// use tollgate_sessions::{KeyRing, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("tollgate-doc-first-key-{}", std::process::id()));
    /// let now = SystemClock::new().now();
    /// let existing = SigningKey::generate(Algorithm::EdDsa)?.with_key_id("existing-key")?;
    ///
    /// let ring = KeyRing::open_with_first_key(existing, &path, KeyRotationSchedule::default(), now)?;
    /// assert!(ring.jwk_set().contains("existing-key"));
    /// # std::fs::remove_dir_all(path)?;
    /// # Ok(()) }
    /// ```
    pub fn open_with_first_key(
        first: SigningKey,
        path: impl AsRef<Path>,
        schedule: KeyRotationSchedule,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        Self::open_or_create(first.algorithm(), path.as_ref(), schedule, now, || Ok(first))
    }

    fn open_or_create(
        algorithm: Algorithm,
        path: &Path,
        schedule: KeyRotationSchedule,
        now: UnixTime,
        first: impl FnOnce() -> Result<SigningKey, SigningKeyError>,
    ) -> Result<Self, KeyRingError> {
        let files = KeyFiles::new(path);
        let mut keys = read(algorithm, &files, None)?;
        if keys.is_empty() {
            // Another process may have added its key first. Either key will do.
            let _ours_or_theirs = files.add(1, &to_file(&first()?, now)?)?;
            keys = read(algorithm, &files, None)?;
        }
        let state = RwLock::new(Arc::new(State::of(keys)?));
        Ok(Self { algorithm, files, schedule, state, rotation: Mutex::default() })
    }

    /// Returns how long a replaced key stays published.
    pub(crate) fn keep_after(&self) -> Duration {
        self.schedule.times().keep_after
    }

    /// Returns the key that signs at `now`. A ring always has one.
    pub(crate) fn signing_key(&self, now: UnixTime) -> Option<Arc<SigningKey>> {
        let state = self.state();
        let signing = state.keys.values().rev().find(|dated| dated.signs_from <= now);
        signing.or_else(|| state.keys.values().next()).map(|dated| Arc::clone(&dated.key))
    }

    /// Returns all public keys as a JWK Set (RFC 7517 §5): keys that will sign, the key that signs now, and
    /// replaced keys whose tokens may still be valid.
    #[must_use]
    pub fn jwk_set(&self) -> String {
        self.state().jwk_set()
    }

    /// Returns the keys that verify the tokens of this ring now.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.state().key_set.clone()
    }

    /// Generates the next key when it has to be published, and removes keys that were replaced long enough ago.
    /// Returns whether the keys have changed since the last call, in this process or another.
    ///
    /// The call blocks the thread while it reads and writes files.
    ///
    /// # Errors
    /// [`KeyRingError`] when a key cannot be generated, or a file cannot be read or written. The ring then
    /// continues with the keys that it has.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Algorithm, Clock, SystemClock};
    /// use tollgate_sessions::KeyRing;
    /// use tollgate_sessions::issuing::KeyRotationSchedule;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("tollgate-doc-rotate-{}", std::process::id()));
    /// let now = SystemClock::new().now();
    /// let ring = KeyRing::open(Algorithm::EdDsa, &path, KeyRotationSchedule::default(), now)?;
    /// assert!(!ring.rotate_if_due(now)?);
    ///
    /// // In the last hour of the thirty days, the ring publishes the next key.
    /// let late = now.saturating_add(Duration::from_secs(30 * 24 * 3600 - 3600));
    /// assert!(ring.rotate_if_due(late)?);
    /// assert_eq!(ring.key_set().iter().count(), 2);
    /// # std::fs::remove_dir_all(path)?;
    /// # Ok(()) }
    /// ```
    pub fn rotate_if_due(&self, now: UnixTime) -> Result<bool, KeyRingError> {
        let _one_at_a_time = self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.load()?;
        let state = self.state();
        let mut wrote = false;
        if let Some(next) = state.next(self.schedule.times(), now) {
            let contents = to_file(&SigningKey::generate(self.algorithm)?, next.signs_from)?;
            // If another process has just added a key, the ring reads that one below.
            let _ours_or_theirs = self.files.add(next.number, &contents)?;
            wrote = true;
        }
        for number in state.expired(self.schedule.times(), now) {
            self.files.remove(number)?;
            wrote = true;
        }
        if wrote {
            changed |= self.load()?;
        }
        Ok(changed)
    }

    /// Reads the changes of other processes, in a process that does not rotate the ring itself. Returns whether
    /// there were any.
    ///
    /// The call blocks the thread while it reads files.
    ///
    /// # Errors
    /// [`KeyRingError`] when a file cannot be read. The ring then continues with the keys that it has.
    pub fn reload(&self) -> Result<bool, KeyRingError> {
        let _one_at_a_time = self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
        self.load()
    }

    /// Removes all keys at once and continues with a new one. Use this when a key has leaked.
    ///
    /// A verifier rejects the tokens of the old keys once it has fetched the key set again. Until then it
    /// rejects the tokens of the new key.
    ///
    /// # Errors
    /// The same as for [`rotate_if_due`](Self::rotate_if_due). Old keys may be left then: call it again.
    pub fn replace_all(&self, now: UnixTime) -> Result<(), KeyRingError> {
        let _one_at_a_time = self.rotation.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = to_file(&SigningKey::generate(self.algorithm)?, now)?;
        let mut number = self.state().next_number();
        // The new key must have the highest number, also above keys that other processes add at the same time:
        // that key signs.
        let present = loop {
            while !self.files.add(number, &contents)? {
                number = number.saturating_add(1);
            }
            let present = read(self.algorithm, &self.files, Some(&self.state()))?;
            match present.last_key_value() {
                // Other processes have added and removed keys meanwhile, so the number was free again.
                Some((last, _)) if *last > number => {
                    self.files.remove(number)?;
                    number = last.saturating_add(1);
                }
                _ => break present,
            }
        };
        for old in present.into_keys().filter(|old| *old < number) {
            self.files.remove(old)?;
        }
        self.load()?;
        Ok(())
    }

    /// Reads the directory. Returns whether the keys have changed.
    fn load(&self) -> Result<bool, KeyRingError> {
        let cached = self.state();
        let keys = read(self.algorithm, &self.files, Some(&cached))?;
        if cached.has(&keys) {
            return Ok(false);
        }
        let state = Arc::new(State::of(keys)?);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(true)
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A key to generate.
struct Next {
    number: u32,
    signs_from: UnixTime,
}

impl State {
    fn of(keys: BTreeMap<u32, Dated>) -> Result<Self, KeyRingError> {
        if keys.is_empty() {
            return Err(KeyRingError::NotAKeyRing);
        }
        let set = jwk_set(keys.values().map(|dated| &*dated.key));
        Ok(Self { key_set: KeySet::from_jwk_set(set).map_err(SigningKeyError::from)?, keys })
    }

    fn has(&self, keys: &BTreeMap<u32, Dated>) -> bool {
        let same = |(one, other): (&Dated, &Dated)| Arc::ptr_eq(&one.key, &other.key);
        self.keys.keys().eq(keys.keys()) && self.keys.values().zip(keys.values()).all(same)
    }

    fn jwk_set(&self) -> String {
        jwk_set(self.keys.values().map(|dated| &*dated.key))
    }

    fn next_number(&self) -> u32 {
        self.keys.keys().next_back().map_or(1, |newest| newest.saturating_add(1))
    }

    fn next(&self, times: KeyRotationTimes, now: UnixTime) -> Option<Next> {
        let lead = times.rotate_every.saturating_sub(times.publish_before);
        let newest = self.keys.values().next_back();
        let due = newest.is_none_or(|newest| newest.signs_from.saturating_add(lead) <= now);
        let signs_from = now.saturating_add(times.publish_before);
        due.then(|| Next { number: self.next_number(), signs_from })
    }

    /// Returns the numbers of the keys that were replaced at least `keep_after` ago.
    fn expired(&self, times: KeyRotationTimes, now: UnixTime) -> Vec<u32> {
        let replaced =
            |number: u32| self.keys.range(number.saturating_add(1)..).map(|(_, dated)| dated.signs_from);
        let long_ago = |at: UnixTime| at.saturating_add(times.keep_after) <= now;
        self.keys.keys().copied().filter(|number| replaced(*number).any(long_ago)).collect()
    }
}

impl KeySource for KeyRing {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Ok(self.key_set())
    }

    /// Returns `None`, because there is no issuer to fetch from. [`reload`](Self::reload) reads the changes of
    /// other processes.
    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        None
    }
}

/// Returns the public halves as a JWK Set (RFC 7517 §5). Secrets have none.
pub(crate) fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let published: Vec<&str> = keys.into_iter().filter_map(SigningKey::public_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, published.join(","))
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    algorithm: String,
    key_id: Option<String>,
    signs_from: i64,
    pem: String,
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.pem.zeroize();
    }
}

fn to_file(key: &SigningKey, signs_from: UnixTime) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
    let stored = StoredKey {
        algorithm: key.algorithm().name().to_owned(),
        key_id: key.key_id().map(|key_id| key_id.as_str().to_owned()),
        signs_from: signs_from.as_secs(),
        pem: key.to_pem()?.to_string(),
    };
    serde_json::to_vec(&stored).map(Zeroizing::new).map_err(|_cause| KeyRingError::NotAKeyRing)
}

/// Reads the keys in the directory. Keys in `cached` are not parsed again.
fn read(
    algorithm: Algorithm,
    files: &KeyFiles,
    cached: Option<&State>,
) -> Result<BTreeMap<u32, Dated>, KeyRingError> {
    let mut keys = BTreeMap::new();
    for (number, contents) in files.read()? {
        let stored: StoredKey =
            serde_json::from_slice(&contents).map_err(|_cause| KeyRingError::NotAKeyRing)?;
        if stored.algorithm != algorithm.name() {
            return Err(KeyRingError::OtherAlgorithm {
                found: stored.algorithm.as_str().into(),
                expected: algorithm,
            });
        }
        let is_same = |dated: &&Dated| {
            let cached_id = dated.key.key_id().map(tollgate::KeyId::as_str);
            cached_id.is_some() && cached_id == stored.key_id.as_deref()
        };
        let dated = match cached.and_then(|cached| cached.keys.get(&number)).filter(is_same) {
            Some(dated) => dated.clone(),
            None => from_stored(algorithm, &stored)?,
        };
        keys.insert(number, dated);
    }
    Ok(keys)
}

fn from_stored(algorithm: Algorithm, stored: &StoredKey) -> Result<Dated, KeyRingError> {
    let mut key = SigningKey::from_pem(algorithm, stored.pem.as_bytes())?;
    if let Some(key_id) = &stored.key_id {
        key = key.with_key_id(key_id.as_str())?;
    }
    Ok(Dated { key: Arc::new(key), signs_from: UnixTime::from_secs(stored.signs_from) })
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let ids: Vec<_> = state.keys.values().map(|dated| (dated.key.key_id(), dated.signs_from)).collect();
        f.debug_struct("KeyRing")
            .field("algorithm", &self.algorithm)
            .field("keys", &ids)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
