//! [`RefreshKeys`] in a directory, for an application whose operator provides no secret.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate::UnixTime;
use zeroize::{Zeroize as _, Zeroizing};

use super::refresh_keys::{RefreshKey, RefreshKeyError, RefreshKeys};
use crate::files::KeyFiles;

impl RefreshKeys {
    /// Reads the keys in the directory at `path`. If the directory has no key, this creates the first one, in a file
    /// that only the current user can read. Keep the directory as long as the session store: without the keys, all
    /// users have to log in again.
    ///
    /// Any number of processes may share the directory. New tokens are made with the key that took effect last;
    /// see [`add_key`](Self::add_key). Tokens of all other keys are accepted, also of keys that take effect
    /// later.
    ///
    /// # Errors
    /// [`RefreshKeyError`] when a file cannot be read or written, other users can read it, or it contains no
    /// key.
    pub fn open(path: impl AsRef<Path>, now: UnixTime) -> Result<Self, RefreshKeyError> {
        let files = KeyFiles::new(path.as_ref());
        let mut stored = read(&files)?;
        if stored.is_empty() {
            // Another process may have added its key first. Either key will do.
            let _ours_or_theirs = files.add(FIRST_ID.into(), &new_key(now)?)?;
            stored = read(&files)?;
        }
        let newest = newest(&stored, now).ok_or(RefreshKeyError::NotKeys)?;
        let mut keys = Self::new(stored.swap_remove(newest).key);
        for other in stored {
            keys = keys.with_older(other.key)?;
        }
        Ok(keys)
    }

    /// Adds a key to the directory at `path`, and removes the keys that were replaced more than
    /// [`keep_replaced`](RefreshKeyTimes::keep_replaced) ago. Processes that [`open`](Self::open) the directory at
    /// least [`activate_after`](RefreshKeyTimes::activate_after) later make tokens with the new key.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open), and [`RefreshKeyError::TooMany`] when 255 keys are in use.
    pub fn add_key(
        path: impl AsRef<Path>,
        now: UnixTime,
        times: RefreshKeyTimes,
    ) -> Result<(), RefreshKeyError> {
        let RefreshKeyTimes { activate_after, keep_replaced } = times;
        let files = KeyFiles::new(path.as_ref());
        let stored = read(&files)?;
        for replaced in replaced_before(&stored, now.saturating_sub(keep_replaced)) {
            files.remove(replaced.into())?;
        }
        let left = read(&files)?;
        let last = stored.iter().max_by_key(|stored| stored.makes_from).map(|stored| stored.key.id());
        let id = free_id(&left, last).ok_or(RefreshKeyError::TooMany)?;
        // Another process may have added its key first. Either key will do.
        let _ours_or_theirs = files.add(id.into(), &new_key(now.saturating_add(activate_after))?)?;
        Ok(())
    }
}

/// The two durations of [`RefreshKeys::add_key`], by name, so that no caller can swap them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers name both fields")]
pub struct RefreshKeyTimes {
    /// How long after now the new key takes effect.
    ///
    /// This must be long enough for every process to restart: processes read the keys at startup only, and
    /// reject tokens of keys that they have not read. With a single process, set it to zero.
    pub activate_after: Duration,
    /// How long a replaced key is kept.
    ///
    /// This must be at least the idle lifetime of sessions: each refresh moves its session to the newest key.
    pub keep_replaced: Duration,
}

/// A key in the directory. The number of its file is its ID.
struct StoredKey {
    /// When the key takes effect: new tokens are made with it from then on.
    makes_from: UnixTime,
    key: RefreshKey,
}

/// Returns the index of the key that makes new tokens at `now`.
fn newest(stored: &[StoredKey], now: UnixTime) -> Option<usize> {
    let in_effect = |(_, stored): &(usize, &StoredKey)| stored.makes_from <= now;
    let last = stored.iter().enumerate().filter(in_effect).max_by_key(|(_, stored)| stored.makes_from);
    // The clock was set back: take the key that takes effect first.
    let first = || stored.iter().enumerate().min_by_key(|(_, stored)| stored.makes_from);
    last.or_else(first).map(|(index, _)| index)
}

/// Returns the IDs of the keys that another key had replaced before `then`.
fn replaced_before(stored: &[StoredKey], then: UnixTime) -> Vec<u8> {
    let in_effect = stored.iter().map(|stored| stored.makes_from).filter(|from| *from < then).max();
    let replaced = stored.iter().filter(|stored| in_effect.is_some_and(|from| stored.makes_from < from));
    replaced.map(|stored| stored.key.id()).collect()
}

/// Returns the next free ID after the ID of the last key, so that the ID of a removed key is not soon used
/// again.
fn free_id(stored: &[StoredKey], last: Option<u8>) -> Option<u8> {
    let last = last.unwrap_or(0);
    let after = last.checked_add(1).into_iter().flat_map(|next| next..=u8::MAX);
    after.chain(FIRST_ID..=last).find(|id| *id != 0 && stored.iter().all(|stored| stored.key.id() != *id))
}

/// The contents of a file.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    makes_from: i64,
    secret: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn new_key(makes_from: UnixTime) -> Result<Zeroizing<Vec<u8>>, RefreshKeyError> {
    let secret = RefreshKey::generate_secret()?.to_string();
    let file = KeyFile { makes_from: makes_from.as_secs(), secret };
    serde_json::to_vec(&file).map(Zeroizing::new).map_err(|_cause| RefreshKeyError::NotKeys)
}

fn read(files: &KeyFiles) -> Result<Vec<StoredKey>, RefreshKeyError> {
    let mut stored = Vec::new();
    for (number, contents) in files.read()? {
        let id = u8::try_from(number).map_err(|_cause| RefreshKeyError::NotKeys)?;
        let file: KeyFile = serde_json::from_slice(&contents).map_err(|_cause| RefreshKeyError::NotKeys)?;
        let makes_from = UnixTime::from_secs(file.makes_from);
        stored.push(StoredKey { makes_from, key: RefreshKey::new(id, file.secret.as_bytes())? });
    }
    Ok(stored)
}

const FIRST_ID: u8 = 1;

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::session::{SessionId, UnixMillis};
    use crate::sessions::tokens::{RefreshToken, RefreshTokenFlags};

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const IDLE: Duration = Duration::from_secs(14 * 24 * 3600);

    fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("tollgate-refresh-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        path
    }

    fn begin(keys: &RefreshKeys) -> RefreshToken {
        let session = SessionId::generate(UnixMillis::from_millis(1_700_000_000_000)).unwrap();
        keys.begin(session, RefreshTokenFlags::default()).unwrap()
    }

    #[test]
    fn open_creates_a_key_only_in_an_empty_directory() {
        let path = path("once");
        let token = begin(&RefreshKeys::open(&path, NOW).unwrap());
        assert!(RefreshKeys::open(&path, NOW).unwrap().verify(&token));
        let elsewhere = path.with_extension("elsewhere");
        assert!(!RefreshKeys::open(&elsewhere, NOW).unwrap().verify(&token));
        for path in [path, elsewhere] {
            std::fs::remove_dir_all(path).unwrap();
        }
    }

    #[test]
    fn replaced_key_is_valid_for_the_idle_lifetime() {
        let path = path("replaced");
        let old = begin(&RefreshKeys::open(&path, NOW).unwrap());
        let times = |activate_after| RefreshKeyTimes { activate_after, keep_replaced: IDLE };
        RefreshKeys::add_key(&path, NOW, times(DAY)).unwrap();
        let early = RefreshKeys::open(&path, NOW).unwrap();
        assert_eq!(begin(&early).key_id(), 1, "the new key is not in effect yet");
        let after = NOW.saturating_add(DAY);
        let late = RefreshKeys::open(&path, after).unwrap();
        let refreshed = late.successor(&old, 1);
        assert_eq!(refreshed.key_id(), 2);
        assert!(late.verify(&old) && early.verify(&refreshed), "each process accepts tokens of the other");
        // Add another key, once before the first one may be removed, and once after.
        RefreshKeys::add_key(&path, after.saturating_add(IDLE), times(Duration::ZERO)).unwrap();
        assert!(RefreshKeys::open(&path, after).unwrap().verify(&old));
        let much_later = after.saturating_add(IDLE * 2);
        RefreshKeys::add_key(&path, much_later, times(Duration::ZERO)).unwrap();
        let keys = RefreshKeys::open(&path, much_later).unwrap();
        assert!(!keys.verify(&old) && keys.verify(&refreshed));
        assert_eq!(begin(&keys).key_id(), 4);
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn free_id_wraps_around_and_skips_ids_in_use() {
        let key = RefreshKey::new(1, "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
        let stored = |ids: &[u8]| -> Vec<StoredKey> {
            ids.iter().map(|id| StoredKey { makes_from: NOW, key: key.clone().with_id(*id) }).collect()
        };
        assert_eq!(free_id(&stored(&[]), None), Some(1));
        assert_eq!(free_id(&stored(&[1, 2]), Some(2)), Some(3));
        assert_eq!(free_id(&stored(&[7]), Some(9)), Some(10), "a removed ID is not reused at once");
        assert_eq!(free_id(&stored(&[254, 255]), Some(255)), Some(1), "0 is never used");
        assert_eq!(free_id(&stored(&[255, 1, 2]), Some(2)), Some(3));
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(free_id(&stored(&all), Some(255)), None);
        assert_eq!(free_id(&stored(&all[1..]), Some(255)), Some(1));
    }

    #[test]
    fn open_rejects_files_that_are_not_keys() {
        let path = path("refused");
        let files = KeyFiles::new(&path);
        for text in ["", "{}", r#"{"makes_from":1,"secret":"changeme"}"#] {
            files.add(1, text.as_bytes()).unwrap();
            let error = RefreshKeys::open(&path, NOW).unwrap_err();
            assert!(matches!(error, RefreshKeyError::NotKeys | RefreshKeyError::Weak(_)), "{error}");
            assert!(!error.to_string().contains("changeme"));
            files.remove(1).unwrap();
        }
        files.add(256, b"{}").unwrap();
        assert!(matches!(RefreshKeys::open(&path, NOW), Err(RefreshKeyError::NotKeys)));
        std::fs::remove_dir_all(path).unwrap();
    }
}
