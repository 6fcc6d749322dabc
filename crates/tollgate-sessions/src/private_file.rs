//! Files that only their owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

/// Why a file with a secret is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// It cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Others can read it.
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Public {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than any secret.
    #[error("{} is longer than {MAX_BYTES} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

/// More than any key needs.
const MAX_BYTES: u64 = 64 * 1024;
/// Tells apart the unfinished files of one process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    use io::Read as _;

    let failed = |source| PrivateFileError::Io { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if is_public(&metadata) {
        return Err(PrivateFileError::Public { path: path.to_owned() });
    }
    if metadata.len() > MAX_BYTES {
        return Err(PrivateFileError::TooLong { path: path.to_owned() });
    }
    let mut contents = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES).read_to_end(&mut contents).map_err(failed)?;
    Ok(contents)
}

/// Makes the file with what `contents` gives, unless it is there. Two processes that do so at once agree on one.
pub(crate) fn create_if_missing<E: From<PrivateFileError>>(
    path: &Path,
    contents: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(), E> {
    if path.exists() {
        return Ok(());
    }
    let contents = contents()?;
    replace(path, &contents, false).map_err(E::from)
}

/// Puts `contents` in place in one step, so that no reader ever sees half of them.
pub(crate) fn replace(path: &Path, contents: &[u8], overwrite: bool) -> Result<(), PrivateFileError> {
    let failed = |source| PrivateFileError::Io { path: path.to_owned(), source };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let count = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_extension(format!("new-{}-{count}", std::process::id()));
    let written = write_new(&unfinished, contents).and_then(|()| {
        if overwrite {
            return fs::rename(&unfinished, path);
        }
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _made_or_there => fs::remove_file(&unfinished),
        }
    });
    written.map_err(failed)
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

#[cfg(unix)]
fn is_public(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

/// Other systems have no such mode; the directory has to protect the file.
#[cfg(not(unix))]
fn is_public(_metadata: &fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("tollgate-private-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        directory
    }

    fn contents(text: &str) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    }

    #[test]
    fn made_once_and_for_the_owner_only() {
        let directory = scratch("once");
        let path = directory.join("deep/key");
        create_if_missing(&path, || contents("first")).unwrap();
        create_if_missing(&path, || contents("second")).unwrap();
        assert_eq!(*read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        replace(&path, b"third", true).unwrap();
        assert_eq!(*read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing unfinished is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn an_open_or_endless_file_is_refused() {
        let directory = scratch("open");
        let path = directory.join("key");
        replace(&path, b"secret", true).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        replace(&path, &vec![b'a'; 70_000], true).unwrap();
        assert!(matches!(read(&path), Err(PrivateFileError::TooLong { .. })));
        assert!(matches!(read(&directory.join("none")), Err(PrivateFileError::Io { .. })));
        fs::remove_dir_all(directory).unwrap();
    }
}
