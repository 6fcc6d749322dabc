//! [`FileIdentity`]: whether a path still names the file that is open.

use std::path::{Path, PathBuf};

use super::{StoreError, StoreErrorKind};

/// Which file it is. One that was deleted can still be written to, and what is written is lost with the process.
#[derive(Clone, Debug)]
pub(crate) struct FileIdentity {
    path: PathBuf,
    found: Option<Place>,
}

/// Device and number of the file.
type Place = (u64, u64);

impl FileIdentity {
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), found: place(path) }
    }

    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the file has gone, or another one has taken its place.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.found == place(&self.path) {
            return Ok(());
        }
        let what = format!("{} was removed or replaced; restart to begin a new one", self.path.display());
        Err(StoreError::new(StoreErrorKind::Misconfigured, what))
    }
}

#[cfg(unix)]
fn place(path: &Path) -> Option<Place> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Where files have no numbers, an open one cannot be removed.
#[cfg(not(unix))]
fn place(_path: &Path) -> Option<Place> {
    None
}
