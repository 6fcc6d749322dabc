//! The signing key of an application that is its own issuer: made at the first start, kept for the next.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tollgate::Algorithm;
use tollgate_sessions::SigningKey;

use crate::environment::SettingsError;

const FILE: &str = "signing-key.pem";

/// The key in `data`, made there if it is missing. Only the owner may read it.
pub(crate) fn load_or_generate(data: &Path) -> Result<SigningKey, SettingsError> {
    let path = data.join(FILE);
    let failed = |source| SettingsError::Data { path: path.display().to_string(), source };
    if !path.try_exists().map_err(failed)? {
        let key = SigningKey::generate(Algorithm::EdDsa).map_err(SettingsError::SigningKey)?;
        let pem = key.to_pem().map_err(SettingsError::SigningKey)?;
        create(data, &path, pem.as_bytes()).map_err(failed)?;
    }
    check_private(&path)?;
    let pem = fs::read(&path).map_err(failed)?;
    let not_the_key = |source| SettingsError::NotTheKey { path: path.display().to_string(), source };
    SigningKey::from_pem(Algorithm::EdDsa, pem).map_err(not_the_key)
}

/// Writes the file under another name and links it to its own: a second process that starts at the same time sees
/// the whole key or none, and both end up with the same one.
fn create(data: &Path, path: &Path, pem: &[u8]) -> io::Result<()> {
    create_directory(data)?;
    let draft = data.join(format!("{FILE}.{}", std::process::id()));
    // What a process of the same number left behind when it was ended here.
    let _none_or_removed = fs::remove_file(&draft);
    let mut file = private_file().open(&draft)?;
    let written =
        file.write_all(pem).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match written {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => removed,
    }
}

/// Only the owner may look into a directory that is made here; one that is there already stays as it is.
#[cfg(unix)]
fn create_directory(data: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(data)
}

#[cfg(not(unix))]
fn create_directory(data: &Path) -> io::Result<()> {
    fs::create_dir_all(data)
}

#[cfg(unix)]
fn private_file() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    options
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), SettingsError> {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = fs::metadata(path)
        .map_err(|source| SettingsError::Data { path: path.display().to_string(), source })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(SettingsError::ReadableByOthers { path: path.display().to_string() });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), SettingsError> {
    Ok(())
}
