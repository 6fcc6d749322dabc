//! [`FileIdentity`]: detects that a path no longer names the file that is open.

use std::path::{Path, PathBuf};

use super::{StoreError, StoreErrorKind};

/// The identity of an open file. A process can write to a deleted file, but the data is lost when the process ends.
#[derive(Clone, Debug)]
pub(crate) struct FileIdentity {
    path: PathBuf,
    number: Option<FileNumber>,
}

/// The device and the inode of a file.
type FileNumber = (u64, u64);

impl FileIdentity {
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), number: file_number(path) }
    }

    /// Checks that the path still names the same file.
    ///
    /// # Errors
    /// [`StoreErrorKind::Misconfigured`] when the file was removed or replaced.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.number == file_number(&self.path) {
            return Ok(());
        }
        let message = format!("{} was removed or replaced; restart the application", self.path.display());
        Err(StoreError::new(StoreErrorKind::Misconfigured, message))
    }
}

#[cfg(unix)]
fn file_number(path: &Path) -> Option<FileNumber> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// On other systems an open file cannot be removed.
#[cfg(not(unix))]
fn file_number(_path: &Path) -> Option<FileNumber> {
    None
}
