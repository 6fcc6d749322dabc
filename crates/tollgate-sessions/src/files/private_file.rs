//! Files that only their owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

/// Why a file with a secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateFileError {
    /// The file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Other users can read the file.
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    Public {
        /// The path of the file.
        path: PathBuf,
    },
    /// The file is longer than any secret.
    #[error("{} is longer than {MAX_BYTES} bytes", path.display())]
    TooLong {
        /// The path of the file.
        path: PathBuf,
    },
}

/// No key is longer.
const MAX_BYTES: u64 = 64 * 1024;
/// Numbers the unfinished files of this process.
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

/// Creates the file with the result of `contents`, unless it exists. If two processes do so at the same time,
/// both use the file of one of them.
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

/// Creates the file. Returns `false` if it exists. No reader ever sees a partial file.
///
/// The content is written under another name, and the file is then linked to its own name, which only one of
/// several processes can do.
pub(crate) fn create(path: &Path, contents: &[u8]) -> Result<bool, PrivateFileError> {
    let failed = |source| PrivateFileError::Io { path: path.to_owned(), source };
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    create_directory(directory).map_err(failed)?;
    let count = UNFINISHED.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("new-{}-{count}", std::process::id()));
    // A process with the same ID may have been killed at this point.
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

/// Creates an empty file unless there is one, and checks that others cannot read it. Other code then writes to
/// it.
///
/// Directories that are missing get the default mode.
#[cfg(feature = "sqlite")]
pub(crate) fn ensure_exists(path: &Path) -> Result<(), PrivateFileError> {
    let failed = |source| PrivateFileError::Io { path: path.to_owned(), source };
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let file = owner_only(options.read(true).append(true).create(true)).open(path).map_err(failed)?;
    if is_public(&file.metadata().map_err(failed)?) {
        return Err(PrivateFileError::Public { path: path.to_owned() });
    }
    Ok(())
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Makes a new file readable and writable by its owner only.
#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Creates the directory so that only its owner can access it. An existing directory keeps its mode.
#[cfg(unix)]
fn create_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Flushes the directory to the disk. A key that was used must survive a power failure, so its name must be on
/// the disk too.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Does nothing, because other systems cannot open directories.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_public(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

/// Returns `false`, because other systems have no such mode. The directory has to protect the file.
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
    fn create_writes_once_and_for_the_owner_only() {
        let directory = scratch("once");
        let path = directory.join("deep/key");
        create_if_missing(&path, || contents("first")).unwrap();
        create_if_missing(&path, || contents("second")).unwrap();
        assert!(!create(&path, b"third").unwrap());
        assert_eq!(*read(&path).unwrap(), b"first");
        assert_eq!(mode(&path), Some(0o600));
        assert_eq!((mode(path.parent().unwrap()), mode(&directory)), (Some(0o700), Some(0o700)));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no unfinished file is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn create_keeps_the_mode_of_an_existing_directory() {
        let directory = scratch("there");
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(create(&directory.join("key"), b"secret").unwrap());
        assert_eq!(mode(&directory), Some(0o755));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn concurrent_creators_read_the_same_file() {
        let directory = scratch("race");
        let path = directory.join("key");
        let made: usize = std::thread::scope(|scope| {
            #[expect(clippy::needless_collect, reason = "all threads start before the first is joined")]
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
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no unfinished file is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn read_rejects_a_public_or_long_file() {
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
