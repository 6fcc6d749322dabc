//! Reads the files and variables that a document names.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::at::At;
use crate::error::DocumentError;

/// Reads files beside the document: a relative path starts in its folder.
pub(crate) struct Files {
    folder: PathBuf,
}

/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

impl Files {
    /// Reads files beside the document at this path, or in the working directory if there is none.
    pub(crate) fn beside(document: Option<&Path>) -> Self {
        let folder = document.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        Self { folder: folder.to_owned() }
    }

    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Reads a file with public keys.
    pub(crate) fn public(&self, at: &At<'_>, path: &Path) -> Result<Vec<u8>, DocumentError> {
        let max = u64::try_from(tollgate::KeySet::MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
        let contents = self.read(at, path, max, |_metadata| false)?;
        Ok(contents.to_vec())
    }

    /// Reads a file with a secret, which other users must not be able to read.
    pub(crate) fn secret(&self, at: &At<'_>, path: &Path) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
        self.read(at, path, MAX_SECRET_BYTES, is_public)
    }

    fn read(
        &self,
        at: &At<'_>,
        path: &Path,
        max: u64,
        is_public: fn(&Metadata) -> bool,
    ) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
        let path = self.path(path);
        let shown = path.display();
        let failed = |error: io::Error| {
            let mut wrapped = at.failed(error, "");
            wrapped.problem = format!("names {shown}, which cannot be read").into();
            wrapped
        };
        let file = File::open(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if is_public(&metadata) {
            let problem = format!("names {shown}, which other users can read");
            return Err(at.wrong(problem, format!("run: chmod 600 {shown}")));
        }
        let mut contents = Zeroizing::new(Vec::new());
        file.take(max.saturating_add(1)).read_to_end(&mut contents).map_err(failed)?;
        if u64::try_from(contents.len()).is_ok_and(|bytes| bytes > max) {
            return Err(at.wrong(format!("names {shown}, which is larger than {max} bytes"), ""));
        }
        Ok(contents)
    }
}

#[cfg(unix)]
fn is_public(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o077 != 0
}

/// Returns `false`, because other systems have no such mode. The directory has to protect the file.
#[cfg(not(unix))]
fn is_public(_metadata: &Metadata) -> bool {
    false
}
