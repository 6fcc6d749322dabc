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
    let exists =
        path.try_exists().map_err(|source| PrivateFileError::Io { path: path.to_owned(), source })?;
    if !exists {
        create(path, &contents()?)?;
    }
    Ok(())
}

/// Makes the file, unless it is there: `false` then. No reader ever sees half of it.
///
/// It is written under another name and linked to its own, which only one of several can do.
pub(crate) fn create(path: &Path, contents: &[u8]) -> Result<bool, PrivateFileError> {
    let failed = |source| PrivateFileError::Io { path: path.to_owned(), source };
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_directory(directory).map_err(failed)?;
    let count = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("new-{}-{count}", std::process::id()));
    // What a process of the same number left behind when it was ended here.
    let _none_or_removed = fs::remove_file(&draft);
    let linked = write_new(&draft, contents).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => removed.map(|()| false),
        Err(error) => Err(error),
        Ok(()) => removed.and_then(|()| sync_directory(directory)).map(|()| true),
    }
    .map_err(failed)
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Only the owner may look into a directory that is made here; one that is there already stays as it is.
#[cfg(unix)]
fn create_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// A key that was in use must not be gone after a power failure, so its name has to be on the disk too.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Other systems do not open directories.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
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

    fn mode(path: &Path) -> Option<u32> {
        fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
    }

    #[test]
    fn made_once_and_for_the_owner_only() {
        let directory = scratch("once");
        let path = directory.join("deep/key");
        create_if_missing(&path, || contents("first")).unwrap();
        create_if_missing(&path, || contents("second")).unwrap();
        assert!(!create(&path, b"third").unwrap());
        assert_eq!(*read(&path).unwrap(), b"first");
        assert_eq!(mode(&path), Some(0o600));
        assert_eq!((mode(path.parent().unwrap()), mode(&directory)), (Some(0o700), Some(0o700)));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing unfinished is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_directory_that_is_there_stays_as_it_is() {
        let directory = scratch("there");
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(create(&directory.join("key"), b"secret").unwrap());
        assert_eq!(mode(&directory), Some(0o755));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn those_who_make_it_at_once_agree() {
        let directory = scratch("race");
        let path = directory.join("key");
        let made: usize = std::thread::scope(|scope| {
            #[expect(clippy::needless_collect, reason = "all run before one is waited for")]
            let threads: Vec<_> = (0..16)
                .map(|number: u8| {
                    let path = &path;
                    scope.spawn(move || (create(path, &[number; 4096]).unwrap(), read(path).unwrap()))
                })
                .collect();
            let ended = threads.into_iter().map(|thread| thread.join().unwrap());
            let seen: Vec<_> = ended.collect();
            assert!(seen.iter().all(|(_, contents)| contents == &seen[0].1), "all read the same");
            seen.iter().filter(|(made, _)| *made).count()
        });
        assert_eq!(made, 1);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing unfinished is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn an_open_or_endless_file_is_refused() {
        let directory = scratch("open");
        let path = directory.join("key");
        create(&path, b"secret").unwrap();
        for open in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        let long = directory.join("long");
        create(&long, &vec![b'a'; 70_000]).unwrap();
        assert!(matches!(read(&long), Err(PrivateFileError::TooLong { .. })));
        assert!(matches!(read(&directory.join("none")), Err(PrivateFileError::Io { .. })));
        fs::remove_dir_all(directory).unwrap();
    }
}
