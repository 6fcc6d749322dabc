//! [`KeyRing`]: signing keys that replace each other by the calendar.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate::{Algorithm, KeyRefresh, KeyRequest, KeySet, KeySource, KeysUnavailable, UnixTime};
use zeroize::{Zeroize as _, Zeroizing};

use super::SigningKey;
use super::schedule::KeyRotationSchedule;
use crate::files::KeyFiles;
use crate::issuing::{KeyRingError, SigningKeyError};

/// Signing keys of one algorithm, kept in a directory that only this user can read.
///
/// A new key is published before it signs, so that everybody has fetched it by then; a replaced one stays published until
/// the last token that it signed has expired. [`turn`](Self::turn) does what is due; call it every minute or so.
///
/// Any number of processes may share the directory, and all may turn the ring: they agree on each key. What one has
/// changed, another knows after its next [`turn`](Self::turn) or [`reload`](Self::reload).
///
/// As a [`KeySource`] it lets a gate in the same process follow: [`TokenIssuer::keys`](crate::TokenIssuer::keys).
pub struct KeyRing {
    algorithm: Algorithm,
    files: KeyFiles,
    schedule: KeyRotationSchedule,
    state: RwLock<Arc<State>>,
    /// Held while the directory is read or changed. Nobody who signs or verifies waits for it.
    turning: Mutex<()>,
}

/// The keys as they are known, by number; never empty. Of those whose time has come the highest number signs.
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
    /// The keys in the directory at `path`; where there are none, a first key that signs at once.
    ///
    /// # Errors
    /// [`KeyRingError`] when a file cannot be read or written, others can read it, or it holds something else.
    pub fn open(
        algorithm: Algorithm,
        path: impl AsRef<Path>,
        schedule: KeyRotationSchedule,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        Self::begin(algorithm, path.as_ref(), schedule, now, || SigningKey::generate(algorithm))
    }

    /// As [`open`](Self::open); where there are no keys, `first` is the one that signs at once: for a key that was in use
    /// before there was a ring.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_first_key(
        first: SigningKey,
        path: impl AsRef<Path>,
        schedule: KeyRotationSchedule,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        Self::begin(first.algorithm(), path.as_ref(), schedule, now, || Ok(first))
    }

    fn begin(
        algorithm: Algorithm,
        path: &Path,
        schedule: KeyRotationSchedule,
        now: UnixTime,
        first: impl FnOnce() -> Result<SigningKey, SigningKeyError>,
    ) -> Result<Self, KeyRingError> {
        let files = KeyFiles::new(path);
        let mut keys = read(algorithm, &files, None)?;
        if keys.is_empty() {
            // Another process may be faster; its key is as good.
            let _ours_or_theirs = files.add(1, &to_file(&first()?, now)?)?;
            keys = read(algorithm, &files, None)?;
        }
        let state = RwLock::new(Arc::new(State::of(keys)?));
        Ok(Self { algorithm, files, schedule, state, turning: Mutex::default() })
    }

    /// How long a replaced key stays published.
    pub(crate) fn keep_after(&self) -> Duration {
        self.schedule.keep_after
    }

    /// The key that signs at `now`. There always is one.
    pub(crate) fn signing_key(&self, now: UnixTime) -> Option<Arc<SigningKey>> {
        let state = self.state();
        let signing = state.keys.values().rev().find(|dated| dated.signs_from <= now);
        signing.or_else(|| state.keys.values().next()).map(|dated| Arc::clone(&dated.key))
    }

    /// All public keys: those that will sign, the one that does, and those whose tokens may still be in use (RFC 7517 §5).
    #[must_use]
    pub fn jwk_set(&self) -> String {
        self.state().jwk_set()
    }

    /// What verifies tokens of this ring, as it is now.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.state().key_set.clone()
    }

    /// Makes the next key when it has to be published, and forgets those that nobody needs. Says whether anything has
    /// changed, by this process or another. It reads and writes files, so it blocks for a moment.
    ///
    /// # Errors
    /// [`KeyRingError`] when a key cannot be made or a file not be read or written; all stays as it was.
    pub fn rotate_if_due(&self, now: UnixTime) -> Result<bool, KeyRingError> {
        let _one_at_a_time = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.load()?;
        let state = self.state();
        let mut wrote = false;
        if let Some(next) = state.next(&self.schedule, now) {
            let contents = to_file(&SigningKey::generate(self.algorithm)?, next.signs_from)?;
            // Where another process has just done the same, its key is read below.
            let _ours_or_theirs = self.files.add(next.number, &contents)?;
            wrote = true;
        }
        for number in state.not_needed(&self.schedule, now) {
            self.files.remove(number)?;
            wrote = true;
        }
        if wrote {
            changed |= self.load()?;
        }
        Ok(changed)
    }

    /// Reads what other processes have changed; for those that leave it to others to turn the ring. Says whether anything
    /// had. It reads files, so it blocks for a moment.
    ///
    /// # Errors
    /// [`KeyRingError`] when a file cannot be read; all stays as it was.
    pub fn reload(&self) -> Result<bool, KeyRingError> {
        let _one_at_a_time = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        self.load()
    }

    /// Leaves out all keys, at once, and goes on with a new one: for a key that others may have. Tokens that it has
    /// signed are refused wherever the key set is fetched again; so, until then, are those of the new key.
    ///
    /// # Errors
    /// As [`turn`](Self::turn), but old keys may be left: try again.
    pub fn replace_all(&self, now: UnixTime) -> Result<(), KeyRingError> {
        let _one_at_a_time = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = to_file(&SigningKey::generate(self.algorithm)?, now)?;
        let mut number = self.state().next_number();
        // Above all that others may be adding meanwhile, so that it signs and they do not.
        let present = loop {
            while !self.files.add(number, &contents)? {
                number = number.saturating_add(1);
            }
            let present = read(self.algorithm, &self.files, Some(&self.state()))?;
            match present.last_key_value() {
                // The number was free again, as others had come and gone.
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

    /// Takes over what the directory holds.
    fn load(&self) -> Result<bool, KeyRingError> {
        let known = self.state();
        let keys = read(self.algorithm, &self.files, Some(&known))?;
        if known.is(&keys) {
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

/// A key that is to be made.
struct Next {
    number: u32,
    signs_from: UnixTime,
}

impl State {
    fn of(keys: BTreeMap<u32, Dated>) -> Result<Self, KeyRingError> {
        if keys.is_empty() {
            return Err(KeyRingError::NotARing);
        }
        let set = jwk_set(keys.values().map(|dated| &*dated.key));
        Ok(Self { key_set: KeySet::from_jwk_set(set).map_err(SigningKeyError::from)?, keys })
    }

    fn is(&self, keys: &BTreeMap<u32, Dated>) -> bool {
        let same = |(one, other): (&Dated, &Dated)| Arc::ptr_eq(&one.key, &other.key);
        self.keys.keys().eq(keys.keys()) && self.keys.values().zip(keys.values()).all(same)
    }

    fn jwk_set(&self) -> String {
        jwk_set(self.keys.values().map(|dated| &*dated.key))
    }

    fn next_number(&self) -> u32 {
        self.keys.keys().next_back().map_or(1, |newest| newest.saturating_add(1))
    }

    fn next(&self, schedule: &KeyRotationSchedule, now: UnixTime) -> Option<Next> {
        let lead = schedule.every.saturating_sub(schedule.publish_before);
        let newest = self.keys.values().next_back();
        let due = newest.is_none_or(|newest| newest.signs_from.saturating_add(lead) <= now);
        let signs_from = now.saturating_add(schedule.publish_before);
        due.then(|| Next { number: self.next_number(), signs_from })
    }

    /// Those that were replaced long enough ago.
    fn not_needed(&self, schedule: &KeyRotationSchedule, now: UnixTime) -> Vec<u32> {
        let replaced =
            |number: u32| self.keys.range(number.saturating_add(1)..).map(|(_, dated)| dated.signs_from);
        let is_over = |at: UnixTime| at.saturating_add(schedule.keep_after) <= now;
        self.keys.keys().copied().filter(|number| replaced(*number).any(is_over)).collect()
    }
}

impl KeySource for KeyRing {
    fn keys(&self, _now: UnixTime) -> Result<KeySet, KeysUnavailable> {
        Ok(self.key_set())
    }

    /// There is nobody to ask: what another process has changed comes with the next [`reload`](Self::reload).
    fn refresh(&self, _wanted: Option<KeyRequest<'_>>, _now: UnixTime) -> Option<KeyRefresh> {
        None
    }
}

/// The public halves as a JWK Set (RFC 7517 §5). Secrets have none.
pub(crate) fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let published: Vec<&str> = keys.into_iter().filter_map(SigningKey::public_jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, published.join(","))
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    algorithm: String,
    key_id: Option<String>,
    signs_from: i64,
    pem: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.pem.zeroize();
    }
}

fn to_file(key: &SigningKey, signs_from: UnixTime) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
    let kept = Kept {
        algorithm: key.algorithm().name().to_owned(),
        key_id: key.key_id().map(|key_id| key_id.as_str().to_owned()),
        signs_from: signs_from.as_secs(),
        pem: key.to_pem()?.to_string(),
    };
    serde_json::to_vec(&kept).map(Zeroizing::new).map_err(|_cause| KeyRingError::NotARing)
}

/// What the directory holds; keys that are known are not prepared again.
fn read(
    algorithm: Algorithm,
    files: &KeyFiles,
    known: Option<&State>,
) -> Result<BTreeMap<u32, Dated>, KeyRingError> {
    let mut keys = BTreeMap::new();
    for (number, contents) in files.read()? {
        let kept: Kept = serde_json::from_slice(&contents).map_err(|_cause| KeyRingError::NotARing)?;
        if kept.algorithm != algorithm.name() {
            return Err(KeyRingError::OtherAlgorithm {
                found: kept.algorithm.as_str().into(),
                expected: algorithm,
            });
        }
        let is_it = |dated: &&Dated| {
            let known_id = dated.key.key_id().map(tollgate::KeyId::as_str);
            known_id.is_some() && known_id == kept.key_id.as_deref()
        };
        let dated = match known.and_then(|known| known.keys.get(&number)).filter(is_it) {
            Some(dated) => dated.clone(),
            None => from_kept(algorithm, &kept)?,
        };
        keys.insert(number, dated);
    }
    Ok(keys)
}

fn from_kept(algorithm: Algorithm, kept: &Kept) -> Result<Dated, KeyRingError> {
    let mut key = SigningKey::from_pem(algorithm, kept.pem.as_bytes())?;
    if let Some(key_id) = &kept.key_id {
        key = key.with_key_id(key_id.as_str())?;
    }
    Ok(Dated { key: Arc::new(key), signs_from: UnixTime::from_secs(kept.signs_from) })
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
