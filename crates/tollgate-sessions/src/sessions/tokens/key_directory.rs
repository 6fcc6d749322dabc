//! [`RefreshKeys`] in a directory: for an application without an operator who brings a secret.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate::UnixTime;
use zeroize::{Zeroize as _, Zeroizing};

use super::refresh_keys::{RefreshKey, RefreshKeyError, RefreshKeys};
use crate::files::KeyFiles;

impl RefreshKeys {
    /// The keys in the directory at `path`; where there are none, a first one. Only this user can read them, and they are
    /// to lie beside the store of the sessions, and to be kept as long.
    ///
    /// Any number of processes may share the directory. The key makes tokens whose time, [`add_key`](Self::add_key), came
    /// last; all others are believed, those to come included.
    ///
    /// # Errors
    /// [`RefreshKeyError`] when a file cannot be read or written, others can read it, or it holds something else.
    pub fn open(path: impl AsRef<Path>, now: UnixTime) -> Result<Self, RefreshKeyError> {
        let files = KeyFiles::new(path.as_ref());
        let mut kept = read(&files)?;
        if kept.is_empty() {
            // Another process may be faster; its key is as good.
            let _ours_or_theirs = files.add(FIRST_ID.into(), &new_key(now)?)?;
            kept = read(&files)?;
        }
        let newest = newest(&kept, now).ok_or(RefreshKeyError::NotKeys)?;
        let mut keys = Self::new(kept.swap_remove(newest).key);
        for other in kept {
            keys = keys.with_older(other.key)?;
        }
        Ok(keys)
    }

    /// Adds a key to the directory at `path`, which makes tokens in processes that [`open`](Self::open) it `after` that long
    /// or later; and removes those that were replaced more than `keep` ago.
    ///
    /// `after` is the time in which every process will have been started anew: a process believes what it knew at its
    /// start, and would log out whoever brings a token of a key that came later. One process alone needs none. `keep` has
    /// to be as long as a session may be idle: each renewal moves a session to the newest key.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`RefreshKeyError::TooMany`] when 255 keys are in use.
    pub fn add_key(
        path: impl AsRef<Path>,
        now: UnixTime,
        after: Duration,
        keep: Duration,
    ) -> Result<(), RefreshKeyError> {
        let files = KeyFiles::new(path.as_ref());
        let kept = read(&files)?;
        for replaced in replaced_before(&kept, now.saturating_sub(keep)) {
            files.remove(replaced.into())?;
        }
        let left = read(&files)?;
        let last = kept.iter().max_by_key(|kept| kept.makes_from).map(|kept| kept.key.id());
        let id = free_id(&left, last).ok_or(RefreshKeyError::TooMany)?;
        // Another process may be faster; its key is as good.
        let _ours_or_theirs = files.add(id.into(), &new_key(now.saturating_add(after))?)?;
        Ok(())
    }
}

/// A key as it is kept, its number being its id.
struct Kept {
    makes_from: UnixTime,
    key: RefreshKey,
}

fn newest(kept: &[Kept], now: UnixTime) -> Option<usize> {
    let time_came = |(_, kept): &(usize, &Kept)| kept.makes_from <= now;
    let last = kept.iter().enumerate().filter(time_came).max_by_key(|(_, kept)| kept.makes_from);
    // A clock that was set back: the first of those to come.
    let first = || kept.iter().enumerate().min_by_key(|(_, kept)| kept.makes_from);
    last.or_else(first).map(|(index, _)| index)
}

/// The ids of those that another key had replaced by then.
fn replaced_before(kept: &[Kept], then: UnixTime) -> Vec<u8> {
    let in_force = kept.iter().map(|kept| kept.makes_from).filter(|from| *from < then).max();
    let replaced = kept.iter().filter(|kept| in_force.is_some_and(|from| kept.makes_from < from));
    replaced.map(|kept| kept.key.id()).collect()
}

/// The next id after that of the key that was made last, so that one which was removed is not soon used again.
fn free_id(kept: &[Kept], last: Option<u8>) -> Option<u8> {
    let last = last.unwrap_or(0);
    let after = last.checked_add(1).into_iter().flat_map(|next| next..=u8::MAX);
    after.chain(FIRST_ID..=last).find(|id| *id != 0 && kept.iter().all(|kept| kept.key.id() != *id))
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct File {
    makes_from: i64,
    secret: String,
}

impl Drop for File {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn new_key(makes_from: UnixTime) -> Result<Zeroizing<Vec<u8>>, RefreshKeyError> {
    let secret = RefreshKey::generate_secret()?.to_string();
    let file = File { makes_from: makes_from.as_secs(), secret };
    serde_json::to_vec(&file).map(Zeroizing::new).map_err(|_cause| RefreshKeyError::NotKeys)
}

fn read(files: &KeyFiles) -> Result<Vec<Kept>, RefreshKeyError> {
    let mut kept = Vec::new();
    for (number, contents) in files.read()? {
        let id = u8::try_from(number).map_err(|_cause| RefreshKeyError::NotKeys)?;
        let file: File = serde_json::from_slice(&contents).map_err(|_cause| RefreshKeyError::NotKeys)?;
        let makes_from = UnixTime::from_secs(file.makes_from);
        kept.push(Kept { makes_from, key: RefreshKey::new(id, file.secret.as_bytes())? });
    }
    Ok(kept)
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
    fn made_once_and_the_same_at_every_start() {
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
    fn a_replaced_key_is_believed_for_as_long_as_a_session_is_idle() {
        let path = path("replaced");
        let old = begin(&RefreshKeys::open(&path, NOW).unwrap());
        RefreshKeys::add_key(&path, NOW, DAY, IDLE).unwrap();
        let early = RefreshKeys::open(&path, NOW).unwrap();
        assert_eq!(begin(&early).key_id(), 1, "its time has not come");
        let after = NOW.saturating_add(DAY);
        let late = RefreshKeys::open(&path, after).unwrap();
        let renewed = late.successor(&old, 1);
        assert_eq!(renewed.key_id(), 2);
        assert!(late.verify(&old) && early.verify(&renewed), "each believes the other");
        // The next one, before and after the first can be forgotten.
        RefreshKeys::add_key(&path, after.saturating_add(IDLE), Duration::ZERO, IDLE).unwrap();
        assert!(RefreshKeys::open(&path, after).unwrap().verify(&old));
        let much_later = after.saturating_add(IDLE * 2);
        RefreshKeys::add_key(&path, much_later, Duration::ZERO, IDLE).unwrap();
        let keys = RefreshKeys::open(&path, much_later).unwrap();
        assert!(!keys.verify(&old) && keys.verify(&renewed));
        assert_eq!(begin(&keys).key_id(), 4);
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn ids_come_round() {
        let key = RefreshKey::new(1, "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o").unwrap();
        let kept = |ids: &[u8]| -> Vec<Kept> {
            ids.iter().map(|id| Kept { makes_from: NOW, key: key.clone().with_id(*id) }).collect()
        };
        assert_eq!(free_id(&kept(&[]), None), Some(1));
        assert_eq!(free_id(&kept(&[1, 2]), Some(2)), Some(3));
        assert_eq!(free_id(&kept(&[7]), Some(9)), Some(10), "not one that was just removed");
        assert_eq!(free_id(&kept(&[254, 255]), Some(255)), Some(1), "0 is nobody's");
        assert_eq!(free_id(&kept(&[255, 1, 2]), Some(2)), Some(3));
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(free_id(&kept(&all), Some(255)), None);
        assert_eq!(free_id(&kept(&all[1..]), Some(255)), Some(1));
    }

    #[test]
    fn what_holds_no_keys_is_refused() {
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
